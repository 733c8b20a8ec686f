"""Rule 1: a whole expression keeps its type; anything else is text; nothing is parsed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from template_scopes import GivenScope, evaluated, rendered

from engine.template import TemplateError, compile_template, compile_value

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_a_whole_expression_keeps_value_and_type(value):
    result = rendered("{{ a }}", a=value)

    assert result == value
    assert type(result) is type(value)


@given(st.text())
def test_a_text_in_the_data_is_never_parsed(text):
    assert rendered("{{ a }}", a=text) == text
    assert rendered("<{{ a }}>", a=text) == f"<{text}>"


@given(st.text(alphabet=st.characters(exclude_characters="{")))
def test_a_text_without_braces_is_taken_word_for_word(text):
    template = compile_template(text)

    assert template.is_constant
    assert template.render(GivenScope()) == text


@pytest.mark.parametrize(
    "text",
    ["+15551234567", "007", "1e5", "None", "[1]", "true", "null", '{"a": 1}', "{{ b }}", "1_0", ""],
)
def test_what_looks_like_another_type_stays_text(text):
    assert rendered("{{ a }}", a=text, b="no") == text
    assert rendered("{{ a }}{{ missing }}", a=text, b="no") == text


@pytest.mark.parametrize("text", [" {{ a }}", "{{ a }} ", "{{ a }}\n", "{{ a }}{{ none }}"])
def test_anything_outside_the_braces_makes_it_text(text):
    assert rendered(text, a=7).strip() == "7"


@pytest.mark.parametrize("text", ["{{a}}", "{{ a }}", "{{\n  a\r\n}}"])
def test_whitespace_inside_the_braces_does_not_matter(text):
    assert rendered(text, a=7) == 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (12, "12"),
        (-0.5, "-0.5"),
        (2.0, "2"),
        (-3.0, "-3"),
        (0.1, "0.1"),
        (1e15, "1000000000000000"),
        (1e22, "1e+22"),
        (2**70, "1180591620717411303424"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        ([1, "é", None], '[1,"é",null]'),
        ({"k": {"m": 1.5}}, '{"k":{"m":1.5}}'),
        ([], "[]"),
    ],
)
def test_values_in_a_text(value, text):
    assert rendered("<{{ a }}>", a=value) == f"<{text}>"


def test_text_around_expressions_keeps_its_line_ends():
    assert rendered("a\r\n{{ b }}\r\nc\n", b=1) == "a\r\n1\r\nc\n"


def test_many_expressions_make_one_text():
    assert rendered("{{ a }}-{{ b }}" * 5, a=1, b="x") == "1-x1-x1-x1-x1-x"


def test_closing_braces_alone_are_text():
    assert rendered('{"a": {"b": {{ n }}}}', n=1) == '{"a": {"b": 1}}'


def test_braces_inside_an_expression_do_not_end_it():
    assert rendered("{{ {'a': {'b': '}}'}} }}") == {"a": {"b": "}}"}}


def test_a_constant_expression_is_a_constant():
    template = compile_template("{{ 'a' }} {{ 12 }}")

    assert template.is_constant
    assert template.render(GivenScope()) == "a 12"


def test_render_text_writes_what_is_not_text():
    scope = GivenScope({"a": [1, 2], "b": "x"})

    assert compile_template("{{ a }}").render_text(scope) == "[1,2]"
    assert compile_template("{{ b }}").render_text(scope) == "x"


def test_a_structure_keeps_the_types_of_its_parts():
    template = compile_value(
        {"to": "{{ phone }}", "{{ key }}": ["{{ n }}", "n={{ n }}", 1, None, True, 2.5]}
    )

    result = template.render(GivenScope({"phone": "+1555", "key": "k", "n": 3}))

    assert result == {"to": "+1555", "k": [3, "n=3", 1, None, True, 2.5]}


def test_a_constant_structure_is_made_anew_for_each_task():
    template = compile_value({"a": [1, {"b": "c"}]})

    first = template.render(GivenScope())
    second = template.render(GivenScope())

    assert template.is_constant
    assert first == second == {"a": [1, {"b": "c"}]}
    assert first["a"] is not second["a"]


def test_keys_of_a_structure_are_text():
    assert compile_value({"{{ n }}": 1, 5: 2}).render(GivenScope({"n": 4})) == {"4": 1, "5": 2}


def test_an_error_in_a_structure_names_the_part():
    template = compile_value({"a": {"b": "{{ 1 / n }}", "c": "{{ n }}"}})

    with pytest.raises(TemplateError, match=r"can't divide by zero, in the template '{{ 1 / n }}'"):
        template.render(GivenScope({"n": 0}))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("7 / 2", 3.5),
        ("4 / 2", 2.0),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("2 ** 10", 1024),
        ("2 ** -1", 0.5),
        ("-n + +n - 1", -1),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("'ab' * 2", "abab"),
        ("2 * [1]", [1, 1]),
        ("'a' * -1", ""),
        ("'a' ~ 1 ~ none ~ true ~ [1]", "a1true[1]"),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("1.0 == 1", True),
        ("'1' == 1", False),
        ("n != 5", False),
        ("'a' < 'b'", True),
        ("n >= 5 and n <= 5", True),
        ("'b' in 'abc'", True),
        ("2 not in [1, 2]", False),
        ("[1] in [[1]]", True),
        ("'k' in {'k': 1}", True),
        ("1 in {'k': 1}", False),
        ("[1, {'a': 2}] == [1, {'a': 2}]", True),
        ("'yes' if n > 1 else 'no'", "yes"),
        ("'yes' if n > 9 else 'no'", "no"),
        ("0 or 'x'", "x"),
        ("1 and 'x'", "x"),
        ("not ''", True),
        ("(1, 2)", [1, 2]),
        ("'abcdef'[1:4]", "bcd"),
        ("[1, 2, 3][::-1]", [3, 2, 1]),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][:n]", [1, 2, 3]),
        ("'abc'[0]", "a"),
        ("{'a': 1}['a']", 1),
        ("{'a': [1, {'b': 2}]}.a[1].b", 2),
        ("'tab\\tA\\u00e9'", "tab\tAé"),
        ("0x10 + 0b11 + 1_000", 1019),
    ],
)
def test_operators(expression, value):
    result = evaluated(expression, n=5)

    assert result == value
    assert type(result) is type(value)
