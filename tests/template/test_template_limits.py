"""Work and sizes are bounded, whatever the data holds."""

import pytest
from template_scopes import GivenScope, evaluated, rendered

from engine.template import TemplateError, compile_template, compile_value

LONG = "x" * 1_000_000
MANY = [f"item {i}" for i in range(100_000)]


@pytest.mark.parametrize(
    "expression",
    [
        "long ~ long",
        "long + long",
        "long * 2",
        "long | replace('x', 'yy')",
        "long | replace('', 'y')",
        "('ΐ' * 500000) | upper",
        "[long, long] | join",
        "[long, long] | tojson",
        "('é' * 180000) | urlencode",
        "long | base64_encode",
        "longer | upper",
    ],
)
def test_a_text_that_would_be_too_long_is_an_error(expression):
    with pytest.raises(TemplateError, match="a template makes at most 1048576"):
        evaluated(expression, long=LONG, longer=LONG * 2)


@pytest.mark.parametrize("text", ["{{ a }}{{ a }}", "{{ a }}" * 6])
def test_a_text_of_several_expressions_is_limited(text):
    with pytest.raises(TemplateError, match="a template makes at most 1048576"):
        rendered(text, a=LONG)


@pytest.mark.parametrize(
    "expression",
    [
        "[1] * 10 ** 9",
        "many * 100",
        "[" + ", ".join(["many"] * 10) + "]",
        "[" + ", ".join(["many | sort"] * 20) + "]",
        "[" + ", ".join(["long | sha256_hex"] * 50) + "]",
        "[" + ", ".join(["long"] * 20) + "]",
        "many + many + many + many",
        "many == many and [many] == [many]",
        "[many | unique, many | tojson, many | tojson, many | tojson, many | tojson]",
        "{'a': many, 'b': {'c': many, 'd': many}, 'e': many, 'f': many}",
    ],
)
def test_too_much_work_is_an_error(expression):
    with pytest.raises(TemplateError, match=r"does too much work|a template makes at most"):
        evaluated(expression, many=MANY, long=LONG)


def test_the_same_value_many_times_in_a_structure_is_too_much():
    template = compile_value(["{{ many }}"] * 33)

    with pytest.raises(TemplateError, match="does too much work"):
        template.render(GivenScope({"many": MANY}))


def test_a_look_up_of_a_large_value_is_free():
    assert rendered("{{ a }}", a=MANY) is MANY


def test_large_data_can_be_worked_on():
    assert evaluated("many | sort | first", many=MANY) == "item 0"
    assert evaluated("long | length", long=LONG) == 1_000_000


def test_each_render_has_its_own_steps():
    template = compile_template("{{ many | sort | length }}")
    scope = GivenScope({"many": MANY[:50_000]})

    assert {template.render(scope) for _ in range(5)} == {50_000}


def test_data_nested_too_deeply_is_an_error():
    deep = 1
    for _ in range(5_000):
        deep = [deep]

    for text in ("{{ a | tojson }}", "{{ a }}.", "{{ a == [a] }}", "{{ [a] }}", "{{ a | unique }}"):
        with pytest.raises(TemplateError, match="more than 200 arrays and objects"):
            rendered(text, a=deep)


def test_data_that_is_not_json_is_not_written():
    with pytest.raises(TemplateError, match="set is no JSON value"):
        rendered("{{ a }}.", a=[{1, 2}])


def test_json_text_nested_too_deeply_is_not_converted():
    with pytest.raises(TemplateError):
        evaluated("a | array", a="[" * 100_000)
    with pytest.raises(TemplateError):
        evaluated("a | array", a="[" * 500 + "]" * 500)


def test_numbers_of_the_data_that_json_can_not_hold_are_errors():
    for expression in ("a | int", "a + 1", "a | tojson", "a | round(1)"):
        with pytest.raises(TemplateError):
            evaluated(expression, a=float("inf"))
