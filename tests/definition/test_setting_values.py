import pytest

from engine.core.node import Constant
from engine.template import Template


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        ("text: hello", "text", Constant("hello")),
        ("text: 012", "text", Constant("012")),
        ("text: 7", "text", Constant("7")),
        ("text: true", "text", Constant("true")),
        ("value: 7", "value", Constant(7)),
        ("value: true", "value", Constant(True)),
        ("value: null", "value", None),
        ("value: {}", "value", Constant({})),
        ("moment: 30s", "moment", Constant(30_000_000)),
        ("moment: 1.5", "moment", Constant(1_500_000)),
        ("after: 5m", "after", 300_000_000),
        ("size: 64KiB", "size", 65_536),
        ("size: 1 MiB", "size", 1_048_576),
        ("size: 100", "size", 100),
        ("count: -3", "count", -3),
        ("factor: 2", "factor", 2),
        ("flag: true", "flag", True),
        ("name: 12", "name", "12"),
        ("colour: green", "colour", "green"),
        ("doubt: hold", "doubt", "hold"),
        ("most: none", "most", "none"),
        ("most: 5", "most", 5),
        ("keys: [a, 1]", "keys", ("a", "1")),
        ("point: [1, 2.5]", "point", (1, 2.5)),
        ("tagged: [1, 2]", "tagged", (1, 2)),
        ("numbers: {a: 1, b: 2}", "numbers", {"a": 1, "b": 2}),
        ("anything: [1, {a: null}]", "anything", [1, {"a": None}]),
    ],
)
def test_value_is_read_as_its_setting_asks(settings, keys, name, value):
    assert getattr(settings(keys), name) == value


def test_text_with_a_template_is_compiled(settings):
    found = settings("text: 'Hello {{ name }}'").text

    assert isinstance(found, Template)
    assert found.parameters == {"name"}


def test_structure_with_templates_is_compiled_as_one(settings):
    found = settings("value: {to: '{{ phone }}', '{{ key }}': [1]}").value

    assert isinstance(found, Template)
    assert found.parameters == {"phone", "key"}


def test_moment_with_a_template_is_compiled(settings):
    assert settings("moment: '{{ due }}'").moment.parameters == {"due"}


def test_names_of_a_setting_are_no_parameters(settings):
    assert settings("when: body.id == code").when.parameters == {"code"}


def test_mapping_becomes_the_record_whose_keys_it_has(settings):
    user = settings("auth: {user: a, password: b}").auth
    bearer = settings("auth: {bearer: '{{ token }}'}").auth

    assert type(user).__name__ == "User"
    assert user.password == Constant("b")
    assert type(bearer).__name__ == "Bearer"


def test_union_of_words_and_a_record_takes_both(settings):
    way = settings("doubt: {next: done}").doubt

    assert type(way).__name__ == "Way"
    assert way.next == "done"


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ("text: [a]", "7:11: 'odd.text': expected text, found a list of 1 (wrong-type)"),
        ("text:", "7:10: 'odd.text': expected text, found nothing (wrong-type)"),
        (
            "moment: 30x",
            "7:13: 'odd.moment': expected a duration such as 30s or a {{ template }}, found '30x' (wrong-type)",
        ),
        (
            "after: true",
            "7:12: 'odd.after': expected a duration such as 500ms, 30s, 5m, 2h, 7d, found true (wrong-type)",
        ),
        (
            "size: 3 kilos",
            "7:11: 'odd.size': expected a size such as 64KiB or 1MiB, found '3 kilos' (wrong-type)",
        ),
        ("count: 1.5", "7:12: 'odd.count': expected a whole number, found 1.5 (wrong-type)"),
        ("count: true", "7:12: 'odd.count': expected a whole number, found true (wrong-type)"),
        ("factor: '1'", "7:13: 'odd.factor': expected a number, found '1' (wrong-type)"),
        ("flag: yes", "7:11: 'odd.flag': expected true or false, found 'yes' (wrong-type)"),
        ("name:", "7:10: 'odd.name': expected text, found nothing (wrong-type)"),
        (
            "colour: gren",
            "7:13: 'odd.colour': expected 'red' or 'green', found 'gren'; did you mean 'green'? (wrong-type)",
        ),
        (
            "doubt: repaet",
            "7:12: 'odd.doubt': expected 'repeat' or 'hold' or a mapping, found 'repaet'; did you mean 'repeat'? (wrong-type)",
        ),
        (
            "doubt: {next: nowhere}",
            "7:19: there is no node 'nowhere' to go to (unknown-target)",
        ),
        (
            "doubt: [1]",
            "7:12: 'odd.doubt': expected 'repeat' or 'hold' or a mapping, found a list of 1 (wrong-type)",
        ),
        ("auth: {user: a}", "7:11: 'odd.auth' needs 'password' (missing-key)"),
        (
            "auth: {bearr: a}",
            "7:12: 'odd.auth' has no 'bearr'; did you mean 'bearer'? (unknown-key)",
        ),
        ("keys: [[a]]", "7:12: 'odd.keys[0]': expected text, found a list of 1 (wrong-type)"),
        ("point: [1, a]", "7:16: 'odd.point[1]': expected a number, found 'a' (wrong-type)"),
        (
            "when: a +",
            "7:13: 'odd.when': unexpected 'end of the expression' (template-syntax)",
        ),
        ("keys: a", "7:11: 'odd.keys': expected a list, found 'a' (wrong-type)"),
        ("anything: 1\n    doubt: {}", "8:12: 'odd.doubt' needs 'next' (missing-key)"),
        (
            "tagged: {}",
            "7:13: 'odd.tagged': expected a list of 2 or a list, found a mapping (wrong-type)",
        ),
        ("auth: {}", "7:11: 'odd.auth' needs 'user' (missing-key)"),
        ("rules: [7]", "7:13: 'odd.rules[0]': expected a mapping, found 7 (wrong-type)"),
        (
            "size: {}",
            "7:11: 'odd.size': expected a size such as 64KiB or 1MiB, found a mapping (wrong-type)",
        ),
        (
            "most: '{{ a'",
            "7:11: 'odd.most': expected a whole number or 'none', found '{{ a' (wrong-type)",
        ),
        (
            "numbers: {a: b}",
            "7:18: 'odd.numbers.a': expected a whole number, found 'b' (wrong-type)",
        ),
    ],
)
def test_wrong_value_says_what_was_expected_and_found(faults, keys, fault):
    text = (
        "process: p\nnodes:\n  start: {type: start, next: odd}\n"
        f"  odd:\n    type: odd\n    next: done\n    {keys}\n  done: {{type: end}}\n"
    )

    assert f"p.yaml:{fault}" in faults(text)


def test_long_wrong_value_is_shortened(faults):
    text = (
        f"process: p\nid: {'x' * 100}\nnodes: {{s: {{type: start, next: e}}, e: {{type: end}}}}\n"
    )

    assert faults(text) == [
        f"p.yaml:2:5: 'id': expected a whole number, found '{'x' * 37}...' (wrong-type)"
    ]
