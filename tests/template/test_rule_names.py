"""Rule 3: names, and what a template tells of the ones it uses."""

from enum import StrEnum
from types import MappingProxyType

import pytest
from template_scopes import GivenScope

from engine.template import TemplateSyntaxFault, compile_expression, compile_template, compile_value

NAMES = {
    "root": {"ref": "r1", "data": {"a.b": 1, "a": {"c": 2}}},
    "env": MappingProxyType({"URL": "http://x", "n-m": "dash"}),
    "error": {"kind": "hardware", "attempt": 2},
}
DATA = {"a.b": 1, "a": {"c": 2}, "k": "URL", "root": "hidden", "node": "a parameter"}


def value_of(expression, names=frozenset(), **extra):
    return compile_expression(expression, names).render(GivenScope(DATA, {**NAMES, **extra}))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a.c", 2),
        ("root.ref", "r1"),
        ("root.data['a.b']", 1),
        ("root.data.a.c", 2),
        ("root.data['a' ~ '.b']", 1),
        ("root.data['nothing' ~ 1] is defined", False),
        ("root.nothing", ""),
        ("root['ref']", "r1"),
        ("env.URL", "http://x"),
        ("env['n-m']", "dash"),
        ("env[k]", "http://x"),
        ("env.NOTHING", ""),
        ("error.kind == 'hardware' and error.attempt < 3", True),
        ("error", {"kind": "hardware", "attempt": 2}),
        ("node", "a parameter"),
    ],
)
def test_names(expression, value):
    assert value_of(expression) == value


def test_all_data_is_a_copy():
    result = value_of("root.data")

    assert result == DATA
    assert result is not DATA


def test_names_that_a_node_adds_hide_parameters():
    template = compile_template("{{ a }}", frozenset({"a"}))

    assert template.render(GivenScope({"a": "data"}, {"a": "name"})) == "name"
    assert template.parameters == frozenset()


def test_reserved_names_are_known_beside_those_that_a_node_adds():
    assert value_of("env.URL ~ body.id", frozenset({"body"}), body={"id": 7}) == "http://x7"


def test_what_a_name_stands_for_becomes_plain_json():
    class Kind(StrEnum):
        HARDWARE = "hardware"

    names = {"kind": Kind.HARDWARE, "frozen": MappingProxyType({"a": 1}), "n": 3}

    kind = value_of("kind", frozenset(names), **names)

    assert type(kind) is str
    assert type(value_of("frozen", frozenset(names), **names)) is dict
    assert value_of("n ~ frozen", frozenset(names), **names) == '3{"a":1}'


def test_a_read_only_mapping_inside_a_name_is_written_as_an_object():
    names = {"body": {"inner": MappingProxyType({"a": 1})}}

    assert value_of("body.inner.a", frozenset(names), **names) == 1
    assert value_of("body | tojson", frozenset(names), **names) == '{"inner":{"a":1}}'


def test_functions_of_the_engine_are_asked_of_the_scope():
    scope = GivenScope({"n": "wait"})
    template = compile_template("{{ callback_url('other', n).sums.paid }}")

    result = template.render(scope)

    assert result == 12
    assert scope.called == [("callback_url", ("other", "wait"), {})]


def test_a_missing_argument_is_the_empty_text():
    scope = GivenScope()

    compile_template("{{ callback_url(nobody, 'n', plugin=nothing) }}").render(scope)

    assert scope.called == [("callback_url", ("", "n"), {"plugin": ""})]


def test_a_template_tells_what_it_uses():
    template = compile_value(
        {
            "a": "{{ phone }} {{ user.name }} {{ root.data['x.y'] }} {{ root.data.z }} {{ root.ref }}",
            "{{ key }}": "{{ env.TOKEN }}{{ env['OTHER'].part }}{{ env[which] }}",
            "c": "{{ callback_url('getting-callback', 'callback') }}",
            "d": "{{ callback_url('p', r) ~ callback_url('p', node='w', plugin='plain') }}",
        }
    )

    assert template.parameters == {"phone", "user", "x.y", "z", "key", "which", "r"}
    assert template.env_names == {"TOKEN", "OTHER"}
    assert template.calls == (
        ("callback_url", ("getting-callback", "callback")),
        ("callback_url", ("p", None)),
        ("callback_url", ("p", "w", "plain")),
    )


def test_all_variables_at_once_are_refused():
    with pytest.raises(TemplateSyntaxFault, match=r"'env' is read by its members: env\.NAME"):
        compile_template("{{ env | tojson }}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ items[1] }}", "b"),
        ("{{ items['1'] }}", "b"),
        ("{{ items[n] }}", "b"),
        ("{{ items[n + 0.0] }}", "b"),
        ("{{ items[-1] }}", "b"),
        ("{{ items[2] }}", ""),
        ("{{ items[-3] }}", ""),
        ("{{ items[true] }}", ""),
        ("{{ items[none] }}", ""),
        ("{{ items['x'] }}", ""),
        ("{{ items[0.5] }}", ""),
        ("{{ items['9999999999999'] }}", ""),
        ("{{ object[1] }}", "one"),
        ("{{ object['1'] }}", "one"),
        ("{{ object[n] }}", "one"),
        ("{{ object[true] }}", ""),
        ("{{ object.items }}", ""),
        ("{{ object.deep.list.0 }}", 5),
        ("{{ object.deep.list.0.x }}", ""),
        ("{{ text[0] }}", "t"),
        ("{{ text.upper }}", ""),
        ("{{ n.real }}", ""),
        ("{{ (object).deep['list'] }}", [5]),
        ("{{ object['de' ~ 'ep'].list }}", [5]),
        ("{{ [object][0].deep.nothing }}", ""),
        ("{{ (1.5).x }}", ""),
    ],
)
def test_paths(text, value):
    data = {
        "items": ["a", "b"],
        "object": {"1": "one", "deep": {"list": [5]}},
        "text": "text",
        "n": 1,
    }

    assert compile_template(text).render(GivenScope(data)) == value
