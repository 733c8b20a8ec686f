"""Corezoid's functions: the examples of its documentation, and what they refuse."""

import pytest
from template_scopes import GivenScope, evaluated, rendered

from engine.template import TemplateError, TemplateSyntaxFault, compile_expression

GREATEST = 9223372036854775807


def chosen(expression, bits):
    return compile_expression(expression).render(GivenScope(bits=bits))


# math


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("math('1+1')", 2),
        ("math('p*q')", 7.5),
        ("math('(v + 1) - 1')", 5),
        ("math(math(v ~ '+1') ~ '-1')", 5),
        ("math('v + 10')", 15),
        ("math(v ~ '+' ~ p)", 7.5),
        ("math('0.1 + 0.2')", 0.3),
        ("math('tenth * 3')", 0.3),
        ("math('.5 + 2.25')", 2.75),
        ("math('2 + 3 * 4 - 10 / 4')", 11.5),
        ("math('100 / 2')", 50),
        ("math('10 / 4')", 2.5),
        ("math('1 / 3 * 3')", 1),
        ("math('-(2 - 5)')", 3),
        ("math('5--3')", 8),
        ("math('+v')", 5),
        ("math('-v * -1')", 5),
        ("math('o.list[1] + o.0')", 21),
        ("math('9007199254740993 * 3')", 27021597764222979),
        ("math(nothing ~ '+1')", 1),
        ("math(7)", 7),
        ("math(' 1 ')", 1),
    ],
)
def test_math_computes_exactly(expression, value):
    data = {"p": 2.5, "q": "3", "v": " 5 ", "tenth": 0.1, "o": {"list": [1, 20], "0": 1}}

    result = evaluated(expression, **data)

    assert result == value
    assert type(result) is type(value)


def test_a_whole_quotient_is_written_without_a_point():
    assert rendered("{{ math('100/2') }} %") == "50 %"


@pytest.mark.parametrize(
    ("expression", "value", "hint"),
    [
        ("math('1/0')", "1/0", "can't divide by zero"),
        ("math('a + 1')", "", "in the template"),
        ("math(a ~ '*1')", "*1", "unexpected '*' in the expression '*1'"),
        ("math('1+' ~ a)", "1+", "a number is missing in the expression '1+'"),
        ("math(name ~ '+1')", "secret+1", "unexpected 'secret' in the expression 'secret+1'"),
        ("math('name')", "secret", "in the template"),
        ("math(true)", "true", "unexpected 'true'"),
        ("math([1])", "[1]", "unexpected '['"),
        ("math('(1' ~ a)", "(1", "a number is missing"),
        ("math('1)' ~ a)", "1)", "unexpected ')'"),
        ("math('1.5.2' ~ a)", "1.5.2", "unexpected '1'"),
        ("math('1e5' ~ a)", "1e5", "unexpected '1'"),
        ("math('2**3' ~ a)", "2**3", "unexpected '*'"),
        ("math('(' * 60 ~ '1')", "(" * 60 + "1", "more than 50 signs and brackets"),
        ("math('1+' * 501 ~ '1')", "1+" * 50 + "...", "at most 1000 characters"),
    ],
)
def test_what_math_can_not_compute_is_a_failed_conversion(expression, value, hint):
    with pytest.raises(TemplateError) as caught:
        evaluated(expression, name="secret", secret=5)

    assert str(caught.value) == f"Value: {value}, Try convert to: number"
    assert hint in caught.value.hint


def test_the_names_of_a_constant_expression_are_parameters():
    template = compile_expression("math('a.b * rate + root.data.extra')")

    assert template.parameters == {"a", "rate", "extra"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("math('1 +')", "'math': a number is missing in the expression '1 .'"),
        ("math('a b')", "'math': unexpected 'b' in the expression 'a b'"),
        ("math('a[b]')", r"'math': unexpected '\['"),
        ("math('f(1)')", r"'math': unexpected '\('"),
        ("math()", "missing a required argument: 'expression'"),
    ],
)
def test_a_constant_expression_is_read_with_its_file(text, message):
    with pytest.raises(TemplateSyntaxFault, match=message):
        compile_expression(text)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("math('a*a*a*a')", "the result has more than 4096 bits"),
        ("math('a / 7')", "the result is too large for a number"),
    ],
)
def test_numbers_of_math_have_limits(expression, message):
    with pytest.raises(TemplateError) as caught:
        evaluated(expression, a=10**1000)

    assert message in f"{caught.value} {caught.value.hint}"


# random


@pytest.mark.parametrize(
    ("expression", "bits", "value"),
    [
        ("random()", 0, 0.0),
        ("random()", 2**52, 0.5),
        ("random()", 2**53 - 1, 0.9999999999999999),
        ("random(6)", 0, 1),
        ("random(6)", 5, 6),
        ("random('6')", 6, 1),
        ("random(-3)", 0, -3),
        ("random(-3)", 2, -1),
        ("random(0)", 7, 0),
        ("random(50, 100)", 0, 50),
        ("random(50, 100)", 50, 100),
        ("random(100, 50)", 0, 50),
        ("random(2.0, 2)", 9, 2),
        ("random(10 ** 40)", GREATEST - 1, GREATEST),
    ],
)
def test_random_lies_within_its_bounds(expression, bits, value):
    result = chosen(expression, bits)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("random(1.5)", "'random' needs whole numbers, not 1.5"),
        ("random('a')", "Value: a, Try convert to: number"),
        ("random(nothing)", "Value: , Try convert to: number"),
    ],
)
def test_random_takes_whole_numbers(expression, message):
    with pytest.raises(TemplateError, match=message):
        evaluated(expression)


# unixtime and date, at 2026-02-04 16:19:33 UTC


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("unixtime()", 1770221973),
        ("unixtime('%y-%m-%d %h:%i+60:%s')", 1770225573),
        ("unixtime('%y-%m-%d 02:00:00')", 1770170400),
        ("unixtime('%y-%m-%d+1 09:00:00')", 1770282000),
        ("unixtime('%y-%m-%d')", 1770163200),
        ("unixtime('%d.%m.%y %h:%i:%s')", 1770221973),
        ("unixtime('%h:%i')", 1770221940),
        ("unixtime('09:30')", 1770197400),
        ("unixtime('%y-01-01')", 1767225600),
        ("unixtime('%y-03-%d')", 1772582400),
        ("unixtime('%h+10:00')", 1770256800),
        ("unixtime('2030-12-31 23:59:59')", 1924991999),
        ("unixtime('00:00:%s-34')", 1770163259),
        ("unixtime(tz='Europe/Kyiv')", 1770229173),
        ("unixtime('%y-%m-%d 09:00:00', 'America/New_York')", 1770195600),
        ("date()", 1770221973),
        ("date('%y-%m-%d %h:%i:%s')", "2026-02-04 16:19:33"),
        ("date('%d%m%y')", "04022026"),
        ("date('%y-%m-%d+1 %h:%i:%s')", "2026-02-05 16:19:33"),
        ("date('%y+1-%m-%d')", "2027-02-04"),
        ("date('%y-%m-1-%d')", "2026-01-04"),
        ("date('%d-4')", "31"),
        ("date('at %h o`clock')", "at 16 o`clock"),
        ("date('%h:%i', tz='Europe/Kyiv')", "18:19"),
        ("date('%x %%')", "%x %%"),
    ],
)
def test_a_pattern_moves_and_writes_the_moment(expression, value):
    assert evaluated(expression) == value


@pytest.mark.parametrize(
    ("now", "expression", "value"),
    [
        ("2026-01-31", "date('%y-%m+1-%d')", "2026-02-28"),
        ("2028-01-31", "date('%y-%m+1-%d')", "2028-02-29"),
        ("2026-12-15", "date('%y-%m+1-%d')", "2027-01-15"),
        ("2024-02-29", "date('%y+1-%m-%d')", "2025-02-28"),
        ("2026-03-31", "date('%y-%m-1-%d+1')", "2026-03-01"),
    ],
)
def test_a_month_more_ends_at_its_last_day(now, expression, value):
    moment = evaluated("unixtime(t)", t=now)

    class Then(GivenScope):
        def call(self, function, args, kwargs):
            return moment * 1_000_000

    assert compile_expression(expression).render(Then()) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("unixtime(p)", "'unixtime' needs a pattern that is text, not a number"),
        ("date(none)", "'date' needs a pattern that is text, not null"),
        ("date('%y+99999-%m')", "not in the years 1 to 9999"),
        ("date('%y-9999-%m')", "not in the years 1 to 9999"),
        ("date('%s+999999999%h+999999999')", "not in the years 1 to 9999"),
        ("unixtime('2026-13-01')", "there is no such moment"),
        ("unixtime('%y-02-30')", "there is no such moment"),
        ("unixtime(t)", "unexpected 'x' in 'x'"),
        ("unixtime('%y ' ~ t)", "unexpected 'x' in '%y x'"),
        ("unixtime('1-2-3-4' ~ e)", "numbers in '1-2-3-4' stand as in '%y-%m-%d %h:%i:%s'"),
        ("unixtime('01.%m.%y' ~ e)", "numbers in '01.%m.%y' stand as in"),
        ("unixtime('%h %h' ~ e)", "gives the same part of the time twice"),
        ("unixtime('x' * 300)", "a pattern has at most 200 characters"),
        ("date(tz='Mars/Base')", "there is no time zone 'Mars/Base'"),
        ("date(tz='../../etc/passwd')", "a time zone is named as in 'Europe/Kyiv'"),
        ("date(tz='/etc/passwd')", "a time zone is named as in"),
        ("date(tz='Europe')", "there is no time zone 'Europe'"),
        ("date(tz='leapseconds')", "there is no time zone 'leapseconds'"),
        ("date(tz=5)", "a time zone is named as in"),
    ],
)
def test_a_moment_that_is_none_is_an_error(expression, message):
    with pytest.raises(TemplateError) as caught:
        evaluated(expression, p=5, t="x", e="")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["unixtime('tomorrow')", "unixtime('%h %h')", f"date('{'x' * 201}')"]
)
def test_a_constant_pattern_is_read_with_its_file(text):
    with pytest.raises(TemplateSyntaxFault, match=r"'(unixtime|date)':"):
        compile_expression(text)


# Hashes


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("md5_hex(100)", "f899139df5e1059396431415e770c6dd"),
        ("sha1_hex(100)", "310b86e0b62b828562fc91c7be5380a992b2786a"),
        ("md5(100)", "f899139df5e1059396431415e770c6dd"),
        ("base64_encode(md5(100))", "+JkTnfXhBZOWQxQV53DG3Q=="),
        ("100 | md5 | base64_encode", "+JkTnfXhBZOWQxQV53DG3Q=="),
        ("base64_encode(100 | sha1)", "MQuG4LYrgoVi/JHHvlOAqZKyeGo="),
        ("sha1(100) | base64_encode", "MQuG4LYrgoVi/JHHvlOAqZKyeGo="),
        ("base64_encode(md5_hex(100))", "Zjg5OTEzOWRmNWUxMDU5Mzk2NDMxNDE1ZTc3MGM2ZGQ="),
        ("(100 | md5) ~ '' | base64_encode", "f899139df5e1059396431415e770c6dd"),
        ("sha1_hex(base64_encode('u'))", "779727fde9cc6d4955a5b72ee1d87b1a7e16985d"),
        ("to_number(' 5 ')", 5),
        ("'[1]' | to_array", [1]),
        ("to_object('{\"a\":1}').a", 1),
        ("to_string(1.0)", "1"),
    ],
)
def test_hashes_and_conversions_by_corezoids_names(expression, value):
    assert evaluated(expression) == value


# cmp


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cmp('5', 'less', 18, 'number')", True),
        ("cmp(' 18 ', 'eq', 18.0, 'number')", True),
        ("cmp('abc', 'not_eq', 18, 'number')", False),
        ("cmp(nothing, 'not_eq', 18, 'number')", False),
        ("cmp(nothing, 'eq', '')", True),
        ("cmp(none, 'eq', '')", True),
        ("cmp(2.0, 'eq', '2')", True),
        ("cmp(true, '==', 'true', cast='boolean')", True),
        ("cmp(1, 'eq', true, 'boolean')", False),
        ("cmp('b', '>', 'a')", True),
        ("cmp('[1, 2]', 'eq', [1, 2.0], 'array')", True),
        ("cmp({'a': 1, 'b': 2}, 'eq', '{\"b\":2,\"a\":1}', 'object')", True),
        ("cmp([1], 'less', [2], 'array')", False),
        ("cmp('a user', 'regexp', 'user_*')", True),
        ("cmp('a', 'regexp', '(')", False),
        ("cmp(15, 'regexp', '^1(?=5)')", True),
        ("cmp('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', 'regexp', '(?!x)(a|aa)+$')", False),
    ],
)
def test_cmp_compares_as_a_condition_does(expression, value):
    assert evaluated(expression) is value


def test_cmp_says_which_word_is_wrong():
    with pytest.raises(TemplateSyntaxFault, match="'cmp' has no comparison 'les'; did you mean"):
        compile_expression("cmp(1, 'les', 2)")
    with pytest.raises(TemplateError, match="'cmp' has no type 'text'"):
        evaluated("cmp(1, 'less', 2, 'text')")


# Patterns


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'+15551234567' is matching '^[+][0-9]{7,15}$'", True),
        ("'x' is not matching '\\\\d'", True),
        ("125 is matching '^1.5$'", True),
        ("nothing is matching '^$'", True),
        ("s | regex_search('[0-9]+')", "12"),
        ("s | regex_search('order ([0-9]+)', 1)", "12"),
        ("s | regex_search('(z)?order', 1)", ""),
        ("s | regex_search('nothing') is defined", False),
        ("s | regex_findall('[0-9]+')", ["12", "345"]),
        ("s | regex_findall('[a-z]([a-z])', group=1)", ["r", "e", "n"]),
        ("s | regex_replace('[0-9]', '*')", "order ** and ***"),
        ("s | regex_replace('([0-9])([0-9])', '\\\\2\\\\1')", "order 21 and 435"),
        ("s | regex_replace('[0-9]+', '<\\\\0>', 1)", "order <12> and 345"),
        ("s | regex_replace('o', '\\\\\\\\')", "\\rder 12 and 345"),
        ("s | regex_replace('', '-') | length", 33),
        ("'ab' | regex_replace('a(?=b)', '')", "b"),
        ("['a1', 'b'] | select('matching', '[0-9]')", ["a1"]),
        ("s | regex_search(p)", "and"),
    ],
)
def test_patterns_find_and_replace(expression, value):
    assert evaluated(expression, s="order 12 and 345", p="a.d") == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'a' | regex_search(p)", r"'\(' is not a pattern: missing \)"),
        ("'a' | regex_search(5)", "a pattern is text, not a number"),
        ("'a' | regex_search('a', 1)", "the pattern has no group 1"),
        ("'a' | regex_findall('a', 'x')", "'regex_findall' needs a number, not text"),
        ("'a' | regex_replace('a', '\\\\2')", "the pattern has no group 2"),
        ("('a' * 20000) | regex_findall('a')", "found more than 10000 times"),
        ("('a' * 4097) is matching 'a(?=b)'", "at most 4096 characters, this text has 4097"),
        ("('a' * 40 ~ 'b') is matching '^(?=a)(a+)+$'", "the pattern takes too long on this text"),
        ("('a' * 1000000) is matching '(a?b?c?d?){9}z'", "does too much work"),
    ],
)
def test_a_pattern_that_can_not_be_used_is_an_error(expression, message):
    with pytest.raises(TemplateError, match=message):
        evaluated(expression, p="(")


def test_a_constant_pattern_that_is_none_is_a_fault_of_the_file():
    with pytest.raises(TemplateSyntaxFault, match=r"'matching': missing \)"):
        compile_expression("a is matching '('")
