"""Rule 2: a missing value behaves as an empty text."""

import pytest
from template_scopes import evaluated, rendered

from engine.template import TemplateError
from engine.template.missing import MISSING


@pytest.mark.parametrize(
    "text", ["{{ x }}", "{{ x.y.z }}", "{{ x[0] }}", "{{ a.x }}", "{{ a[9] }}"]
)
def test_a_missing_value_is_rendered_as_the_empty_text(text):
    assert rendered(text, a=[1]) == ""
    assert rendered(f"<{text}>", a=[1]) == "<>"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("x == ''", True),
        ("'' == x", True),
        ("x == y", True),
        ("x.y == ''", True),
        ("x != ''", False),
        ("x == none", False),
        ("x == 0", False),
        ("x == false", False),
        ("x == []", False),
        ("not x", True),
        ("x or 'other'", "other"),
        ("x and 'other'", ""),
        ("'yes' if x else 'no'", "no"),
        ("'yes' if x", ""),
        ("x is defined", False),
        ("x is undefined", True),
        ("a is defined", True),
        ("empty is defined", True),
        ("x.y.z is defined", False),
        ("x is string", False),
        ("x is none", False),
        ("x | length", 0),
        ("x | default('d')", "d"),
        ("empty | default('d')", ""),
        ("empty | default('d', true)", "d"),
        ("none | default('d')", None),
        ("x | list", []),
        ("x | join(',')", ""),
        ("x | first", ""),
        ("x | last", ""),
        ("[] | max", ""),
        ("x | sum", 0),
        ("x | items", []),
        ("x | upper", ""),
        ("x ~ 'a'", "a"),
        ("x + 'a'", "a"),
        ("x < 'a'", True),
        ("x in ['']", True),
        ("1 in x", False),
        ("'' in x", True),
        ("x in 'abc'", True),
        ("[x, 1]", ["", 1]),
        ("{'k': x}", {"k": ""}),
        ("{x: 1}", {"": 1}),
        ("x[1:2]", ""),
        ("a[x]", ""),
        ("'ab'[x:1]", "a"),
        ("x | string", ""),
        ("x | tojson", '""'),
        ("[x, 'b'] | sort", ["", "b"]),
    ],
)
def test_a_missing_value_in_an_expression(expression, value):
    result = evaluated(expression, a=1, empty="")

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "expression",
    ["x < 3", "x >= 3", "x + 1", "x - 1", "x * 2", "-x", "x | number", "x | round", "number(x)"],
)
def test_a_missing_value_is_no_number(expression):
    with pytest.raises(TemplateError):
        evaluated(expression)


def test_comparing_a_missing_value_with_a_number_says_what_to_do():
    with pytest.raises(TemplateError, match=r"a missing value and a number; .*default"):
        evaluated("attempts < 3")


def test_the_missing_value_itself():
    assert repr(MISSING) == "MISSING"
    assert str(MISSING) == ""
    assert list(MISSING) == []
    assert {MISSING: 1}[""] == 1


def test_false_values_that_are_there_are_not_missing():
    data = {"zero": 0, "no": False, "null": None, "text": ""}

    assert evaluated("[zero, no, null, text]", **data) == [0, False, None, ""]
    assert evaluated("zero is defined and no is defined and null is defined", **data) is True
