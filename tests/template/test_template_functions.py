"""Filters, functions and tests: what each gives, and what it says when it can't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from template_scopes import evaluated

from engine.template import TemplateError
from engine.template.missing import MISSING
from engine.template.registry import FILTERS, FUNCTIONS, TESTS, bound
from engine.template.sandbox import refill

PEOPLE = [{"n": "Bo", "age": 5}, {"n": "al", "age": 7}, {"n": "Cy", "age": 5}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'aß' | upper", "ASS"),
        ("'AB' | lower", "ab"),
        ("'hello wORLD' | capitalize", "Hello world"),
        ("'hello world' | title", "Hello World"),
        ("' x ' | trim", "x"),
        ("'--x-' | trim('-')", "x"),
        ("'aXbXc' | replace('X', '-')", "a-b-c"),
        ("'aXbXc' | replace('X', '-', 1)", "a-bXc"),
        ("'abc' | replace('', '-')", "-a-b-c-"),
        ("120 | replace(2, 3)", "130"),
        ("[1, 'b', 2.0] | join", "1b2"),
        ("[1, 2] | join(', ')", "1, 2"),
        ("people | join(',', attribute='n')", "Bo,al,Cy"),
        ("'a b  c' | split", ["a", "b", "c"]),
        ("'a,b,' | split(',')", ["a", "b", ""]),
        ("'one two three' | truncate(9)", "one..."),
        ("'one two three' | truncate(9, true)", "one tw..."),
        ("'short' | truncate", "short"),
        ("'abc' | truncate(1, end='…')", "…"),
        ("nothing | default('x')", "x"),
        ("nothing | d(default_value='x')", "x"),
        ("0 | default('x')", 0),
        ("0 | default('x', boolean=true)", "x"),
        ("-3 | abs", 3),
        ("(-3) | abs", 3),
        ("abs(-2.5)", 2.5),
        ("2.5 | round", 2.0),
        ("42.55 | round(1)", 42.5),
        ("42.51 | round(1, 'ceil')", 42.6),
        ("42.59 | round(1, 'floor')", 42.5),
        ("12345 | round(-2)", 12300),
        ("'42' | int", 42),
        ("' -4.9 ' | int", -4),
        ("4.9 | int", 4),
        ("true | int", 1),
        ("'x' | int", 0),
        ("'x' | int(7)", 7),
        ("'1_0' | int", 0),
        ("[] | int", 0),
        ("'1e999' | float", 0.0),
        ("'1.5' | float", 1.5),
        ("2 | float", 2.0),
        ("none | float(1.5)", 1.5),
        ("'abc' | length", 3),
        ("people | count", 3),
        ("{'a': 1} | length", 1),
        ("[7, 8] | first", 7),
        ("[7, 8] | last", 8),
        ("'xyz' | first", "x"),
        ("{'k': 1} | last", "k"),
        ("[3, 1.5, 2] | min", 1.5),
        ("['b', 'A'] | min", "A"),
        ("['b', 'A', 'c'] | max(case_sensitive=true)", "c"),
        ("max([1, 2])", 2),
        ("(people | max(attribute='age')).n", "al"),
        ("[1, 2.5] | sum", 3.5),
        ("people | sum(attribute='age')", 17),
        ("[] | sum(start=4)", 4),
        ("[3, 1, 2] | sort", [1, 2, 3]),
        ("[3, 1, 2] | sort(reverse=true)", [3, 2, 1]),
        ("['b', 'A', 'c'] | sort", ["A", "b", "c"]),
        ("['b', 'A', 'a'] | sort(case_sensitive=true)", ["A", "a", "b"]),
        ("people | sort(attribute='age') | join(attribute='n')", "BoCyal"),
        ("[['b', 1], ['a', 2]] | sort(attribute=0) | first", ["a", 2]),
        ("[1, 'a', 'A', 1.0, true, {'k': 1}, {'k': 1}] | unique", [1, "a", True, {"k": 1}]),
        ("['a', 'A'] | unique(case_sensitive=true)", ["a", "A"]),
        ("people | unique(attribute='age') | join(attribute='n')", "Boal"),
        ("'abc' | reverse", "cba"),
        ("[1, 2] | reverse", [2, 1]),
        ("'ab' | list", ["a", "b"]),
        ("{'a': 1, 'b': [2]} | items", [["a", 1], ["b", [2]]]),
        ("{'a': 1, 'b': 2} | keys", ["a", "b"]),
        ("{'a': 1, 'b': 2} | values", [1, 2]),
        ("12.0 | string", "12"),
        ("string([1])", "[1]"),
        ("' 12 ' | number", 12),
        ("'-1.5e1' | number", -15.0),
        ("number('0')", 0),
        ("7 | number", 7),
        ("'true' | boolean", True),
        ("boolean('false')", False),
        ("false | boolean", False),
        ("""'{"a": [1]}' | object""", {"a": [1]}),
        ("{'a': 1} | object", {"a": 1}),
        ("'[1, 2.5]' | array", [1, 2.5]),
        ("array([1])", [1]),
        ("'\"x\"' | from_json", "x"),
        ("to_json({'é': [1, none, 'a\"']})", '{"é":[1,null,"a\\""]}'),
        ("'<' | tojson", '"<"'),
        ("100 | md5_hex", "f899139df5e1059396431415e770c6dd"),
        ("sha1_hex(100)", "310b86e0b62b828562fc91c7be5380a992b2786a"),
        ("'' | sha224_hex", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"),
        (
            "'é' | sha256_hex",
            "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c",
        ),
        ("'' | sha384_hex | length", 96),
        ("'' | sha512_hex | length", 128),
        ("'hello' | base64_encode", "aGVsbG8="),
        ("base64_decode('w6k=')", "é"),
        ("'a b/ü&' | urlencode", "a%20b/%C3%BC%26"),
        ("{'q': 'a b/&', 'n': 1} | urlencode", "q=a+b%2F%26&n=1"),
        ("[['q', '+'], ['q', 2]] | urlencode", "q=%2B&q=2"),
        ("1 is number and 1.5 is number", True),
        ("true is number", False),
        ("1 is integer and 1.0 is float and 1.0 is not integer", True),
        ("true is boolean and true is true and false is false", True),
        ("none is none", True),
        ("'a' is string and 'a' is sequence", True),
        ("{} is mapping and {} is object and [] is array", True),
        ("[] is iterable and 1 is not iterable", True),
        ("3 is odd and 4 is even and 9 is divisibleby 3", True),
        ("1 is in [1, 2]", True),
        ("1 is eq 1 and 1 is ne 2 and 1 is lt 2 and 2 is ge 2", True),
        ("1 is equalto 1 and 1 is lessthan(2) and 2 is gt 1 and 1 is le 1", True),
        ("'+1555' is startswith '+1' and 'abc' is endswith('bc')", True),
        ("1 is startswith 1", False),
    ],
)
def test_each_function_gives(expression, value):
    result = evaluated(expression, people=PEOPLE)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'abc' | number", "Value: abc, Try convert to: number"),
        ("'' | number", "Value: , Try convert to: number"),
        ("nothing | number", "Value: , Try convert to: number"),
        ("true | number", "Value: true, Try convert to: number"),
        ("none | number", "Value: , Try convert to: number"),
        ("'007' | number", "Value: 007, Try convert to: number"),
        ("'+1' | number", "Value: +1, Try convert to: number"),
        ("'1e999' | number", "Value: 1e999, Try convert to: number"),
        ("'٣' | number", "Value: ٣, Try convert to: number"),
        ("1 | boolean", "Value: 1, Try convert to: boolean"),
        ("'True' | boolean", "Value: True, Try convert to: boolean"),
        ("'[1]' | object", "Value: [1], Try convert to: object"),
        ("[1] | object", "Value: [1], Try convert to: object"),
        ("'{' | object", "Value: {, Try convert to: object"),
        ("'{}' | array", "Value: {}, Try convert to: array"),
        ("1 | array", "Value: 1, Try convert to: array"),
        ("'NaN' | from_json", "Value: NaN, Try convert to: json"),
        ("'1e999' | from_json", "Value: 1e999, Try convert to: json"),
    ],
)
def test_a_failed_conversion_has_corezoids_words(expression, message):
    with pytest.raises(TemplateError) as caught:
        evaluated(expression)

    assert str(caught.value) == message
    assert expression in caught.value.hint


def test_a_failed_conversion_shows_the_beginning_of_a_long_value():
    with pytest.raises(TemplateError) as caught:
        evaluated("x | number", x="a" * 101)

    assert str(caught.value) == f"Value: {'a' * 100}..., Try convert to: number"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 + 'a'", "can't add a number and text; turn the text into a number"),
        ("'a' - 'b'", "can't subtract text and text"),
        ("true + 1", "can't add a boolean and a number"),
        ("[1] * 'a'", "can't multiply an array and text"),
        ("{} / 2", "can't divide an object and a number"),
        ("none ** 2", "can't raise to a power null and a number"),
        ("'%s' % 1", "can't divide text and a number"),
        ("1 / 0", "can't divide by zero"),
        ("1 // 0", "can't divide by zero"),
        ("1 % 0", "can't divide by zero"),
        ("0 ** -1", "can't raise zero to a negative power"),
        ("(-8) ** 0.5", "can't take a root of a negative number"),
        ("1e308 * 10", "too large for a number"),
        ("10.0 ** 400", "Numerical result out of range"),
        ("2 ** 9999", "the power has more than 4096 bits"),
        ("2 ** 4095 * 2", "the result has more than 4096 bits"),
        ("-'a'", "can't change the sign of text"),
        ("+[]", "can't change the sign of an array"),
        ("1 < 'a'", "can't compare a number and text"),
        ("none < 1", "can't compare null and a number"),
        ("true < 2", "can't compare a boolean and a number"),
        ("1 in 'abc'", "can't look for a number in text"),
        ("1 in 5", "can't look for a number in a number"),
        ("[1][::0]", "the step of a slice can't be zero"),
        ("[1]['a':]", "the bounds of a slice are whole numbers, not text"),
        ("'12' | round", "'round' needs a number, not text; turn it into one with '| number'"),
        ("[] | abs", "'abs' needs a number, not an array"),
        ("1 | round(99)", "at most 15 places"),
        ("1 | round(1.5)", "'round' needs a whole number, not 1.5"),
        ("1 | round(1, 'up')", "the method of 'round' is"),
        ("1 is divisibleby 0", "can't divide by zero"),
        ("5 | length", "a number has no length"),
        ("5 | first", "'first' needs an array or text, not a number"),
        ("5 | join", "'join' needs an array, not a number"),
        ("[1, 'a'] | sort", "'sort' can't order a number and text"),
        ("[[1]] | max", "'max' can't order an array"),
        ("['a'] | sum", "'sum' needs an array of numbers, not of text"),
        ("5 | items", "'items' needs an object, not a number"),
        ("'a' | split('')", "a separator that is not empty"),
        ("5 | from_json", "'from_json' needs text, not a number"),
        ("'*' | base64_decode", "'base64_decode' can't read the text"),
        ("'/w==' | base64_decode", "'base64_decode' can't read the text"),
        ("[1] | urlencode", "'urlencode' needs text, an object or an array"),
    ],
)
def test_an_error_says_what_was_expected_and_found(expression, message):
    with pytest.raises(TemplateError) as caught:
        evaluated(expression)

    assert message in str(caught.value)
    assert expression in str(caught.value)


def test_a_long_template_is_shortened_in_messages():
    with pytest.raises(TemplateError) as caught:
        evaluated("1 / 0 + " + " + ".join(["1"] * 40))

    assert str(caught.value).endswith("1 + 1 + ...'")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def is_json(value):
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(is_json, value))
        case dict():
            return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    return False


@pytest.mark.parametrize("name", sorted({*FILTERS, *TESTS, *FUNCTIONS}))
@given(values=st.lists(anything, min_size=1, max_size=3))
def test_no_value_breaks_a_function(name, values):
    """Whatever it is given, it gives JSON or raises what becomes a TemplateError."""
    table = FILTERS if name in FILTERS else TESTS if name in TESTS else FUNCTIONS
    refill()

    try:
        bound(table[name], tuple(values), {})
    except TypeError:
        return  # refused when the template is read
    try:
        result = table[name](*values)
    except (TemplateError, ArithmeticError, ValueError):
        return

    assert is_json(result) or result is MISSING
