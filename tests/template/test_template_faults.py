"""Faults found at load, and where: line and column of the very token."""

import pytest

from engine.template import (
    TemplateSyntaxFault,
    compile_expression,
    compile_template,
    compile_value,
)


def fault_of(compile_it, *args, **kwargs):
    with pytest.raises(TemplateSyntaxFault) as caught:
        compile_it(*args, **kwargs)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("{{ a", 1, 1, "'{{' is not closed: expected '}}'"),
        ("a {{ b }} {{", 1, 11, "'{{' is not closed"),
        ("a\nb {{ c }", 2, 8, "unexpected '}'"),
        ("{{ 'a }}", 1, 4, "not closed: expected '"),
        ('{{ "a }}', 1, 4, 'not closed: expected "'),
        ("{{ }}", 1, 1, "there is no expression between"),
        ("{{}}", 1, 1, "there is no expression between"),
        ("{{- a }}", 1, 3, "whitespace control is not supported"),
        ("{{ a -}}", 1, 6, "whitespace control is not supported"),
        ("x {% if a %}", 1, 3, "no statements; for the characters write {{ '{%' }}"),
        ("x\n{# c #}", 2, 1, "no comments; for the characters write {{ '{#' }}"),
        ("{{ a b }}", 1, 6, "unexpected 'b' after the expression"),
        ("{{ a = 1 }}", 1, 6, "equal is written '=='"),
        ("{{ a[{{ n }}].b }}", 1, 11, "no braces stand inside braces: write a[i], obj[key]"),
        ("{{ status_{{ e }}_x }}", 1, 11, "no braces stand inside braces"),
        ("{{ a, b }}", 1, 5, "an array is written [a, b]"),
        ("{{ a + }}", 1, 6, "unexpected 'end of the expression'"),
        ("{{ a ? b : c }}", 1, 6, "unexpected '?'"),
        ("{{ (a] }}", 1, 6, "unexpected ']', expected ')'"),
        ("{{ a.* }}", 1, 6, "expected name or number"),
        ("{{ a | nope }}", 1, 8, "there is no filter 'nope'"),
        ("{{ a | uper }}", 1, 8, "there is no filter 'uper'; did you mean 'upper'?"),
        ("{{ a | a.b }}", 1, 8, "there is no filter 'a.b'"),
        (
            "{{ a | callback_url }}",
            1,
            8,
            "there is no filter 'callback_url'; call it: callback_url(...)",
        ),
        ("{{ a is nope }}", 1, 6, "there is no test 'nope'"),
        ("{{ a is strin }}", 1, 6, "did you mean 'string'?"),
        ("{{ nope(1) }}", 1, 4, "there is no function 'nope'"),
        ("{{ numbr(1) }}", 1, 4, "did you mean 'number'?"),
        ("{{ upper(a) }}", 1, 4, "use the filter: value | upper"),
        ("{{ a.upper() }}", 1, 5, "methods can't be called: 'upper'; use the filter"),
        ("{{ a.nope() }}", 1, 5, "methods can't be called: 'nope'"),
        ("{{ a['f']() }}", 1, 10, "only functions can be called, by their names"),
        ("{{ callback_url('p') }}", 1, 4, "missing a required argument: 'node'"),
        ("{{ callback_url('a', 'b', 'c', 'd') }}", 1, 4, "too many positional arguments"),
        ("{{ callback_url('a', 'b', plug='c') }}", 1, 4, "plugin=''): got an unexpected"),
        ("{{ a | replace('x') }}", 1, 8, "missing a required argument: 'new'"),
        ("{{ number(*a) }}", 1, 10, "'*' and '**' are not allowed"),
        ("{{ a | join(**b) }}", 1, 8, "'*' and '**' are not allowed"),
        ("{{ {1: 2} }}", 1, 5, "the keys of an object are texts, in quotes"),
        ("{{ '\\d' }}", 1, 4, "a backslash is '\\\\'"),
        ("{{ '\\N{no such letter}' }}", 1, 4, "unknown Unicode character name"),
        ("{{ '\\ud800' }}", 1, 4, "half of a character"),
        ("{{ 1e999 }}", 1, 4, "the number is too large"),
        ("{{ 0x" + "f" * 1200 + " }}", 1, 4, "more than 4096 bits"),
        ("{{ " + "9" * 2000 + " }}", 1, 4, "more than 4096 bits"),
        ("{{ " + "(" * 40 + "1" + ")" * 40 + " }}", 1, 29, "more than 25 brackets"),
        ("{{ " + "not " * 1000 + "1 }}", 1, 3, "nested too deeply"),
        ("{{ " + "1+" * 150 + "1 }}", 1, 103, "more than 100 operations"),
        ("{{ " + "1 + " * 1200 + "1 }}", 1, 3, "at most 4096 characters"),
        ("{{ b }}" * 501, 1, 3501, "at most 500 expressions"),
        (("{{" + " " * 4000 + "a}}") * 3, 1, 8011, "together at most 8192 characters"),
        ("{{ b }}" + "x" * 65536, 1, 1, "at most 65536 characters"),
        ("a\r\n  {{ b }}\r\n   {{ c | nope }}", 3, 11, "no filter 'nope'"),
        ("{{ a ~\r\n  b ~\n  c | nope }}", 3, 7, "no filter 'nope'"),
    ],
)
def test_a_fault_is_found_where_it_is(text, line, column, message):
    fault = fault_of(compile_template, text)

    assert message in str(fault)
    assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "there is no expression"),
        ("  \n ", 1, 1, "there is no expression"),
        ("{{ a }}", 1, 1, "leave out '{{' and '}}'"),
        ("a }} b", 1, 3, "an expression without braces"),
        ("a == 'x", 1, 6, "not closed: expected '"),
        ("a ==", 1, 3, "unexpected 'end of the expression'"),
        ("a\nand b is nope", 2, 7, "no test 'nope'"),
        ("a == 1)", 1, 7, "unexpected ')'"),
        ("a %} b", 1, 4, "unexpected '}'"),
    ],
)
def test_a_fault_of_an_expression_without_braces(text, line, column, message):
    fault = fault_of(compile_expression, text)

    assert message in str(fault)
    assert (fault.line, fault.column) == (line, column)


def test_positions_count_from_where_the_text_begins():
    first = fault_of(compile_template, "{{ a | nope }}", line=12, column=9)
    second = fault_of(compile_expression, "a and\n  b is nope", line=12, column=9)

    assert (first.line, first.column) == (12, 16)
    assert (second.line, second.column) == (13, 5)


def test_a_fault_in_a_structure_has_the_path_to_its_text():
    fault = fault_of(compile_value, {"a": ["x", {"b": "x\n{{ c | nope }}"}]})

    assert fault.path == ("a", 1, "b")
    assert (fault.line, fault.column) == (2, 8)


def test_a_fault_in_a_key_has_the_path_to_it():
    assert fault_of(compile_value, {"a": {"{{ b": 1}}).path == ("a", "{{ b")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"x"])
def test_what_is_not_json_is_refused(value):
    fault = fault_of(compile_value, {"a": [value]})

    assert fault.path == ("a", 0)
    assert "is not a value of JSON; put it in quotes" in fault.message


def test_a_structure_nested_too_deeply_is_refused():
    structure = "x"
    for _ in range(300):
        structure = [structure]

    assert "more than 200 arrays and objects" in fault_of(compile_value, structure).message
