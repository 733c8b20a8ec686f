"""Nodes as a YAML file makes them, with real templates."""

import pytest

import nodes
from engine.core.node import Common
from engine.definition.catalog import Catalog
from engine.definition.loader import load_text
from engine.definition.shape import fields_of
from engine.errors import TemplateError
from engine.node import Go, HttpAnswer, parse_duration

CATALOG = Catalog.of(nodes)
COMMON = {field.key for field in fields_of(Common)}
PROCESS = """
process: example
nodes:
  start: {type: start, next: node}
  node:
%s
  done: {type: end}
  failed: {type: end, result: error}
"""


def load(text):
    indented = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return load_text(PROCESS % indented, "example.yaml", CATALOG)


def node(text):
    """The type and the settings of a node written in YAML."""
    loaded = load(text)
    assert [str(fault) for fault in loaded.errors] == []
    written = loaded.definitions[0].nodes["node"]
    return written.node_type, written.settings


def faults(text):
    return [fault.rule for fault in load(text).faults]


def test_a_call_is_built_from_templates(visit):
    type_, settings = node("""
type: api_call
url: "{{ base }}/messages/{{ id }}"
auth: {user: "{{ user }}", password: "p:{{ user }}"}
form: {To: "{{ to }}", Count: "{{ count }}", List: "{{ list }}", Missing: "{{ nothing }}"}
headers: {X-Count: "{{ count }}"}
next: done
error: failed
""")
    data = {
        "base": "https://a.example",
        "id": 7,
        "user": "ann",
        "to": "+15551234567",
        "count": 2,
        "list": [1, "a"],
    }

    command = type_.enter(settings, visit(data)).command

    assert command.url == "https://a.example/messages/7"
    assert command.body == b"To=%2B15551234567&Count=2&List=%5B1%2C%22a%22%5D&Missing="
    assert dict(command.headers)["X-Count"] == "2"
    assert dict(command.headers)["Authorization"] == "Basic YW5uOnA6YW5u"


def test_a_missing_path_of_an_answer_gives_an_empty_text(visit):
    type_, settings = node("""
type: api_call
url: https://a.example
response:
  sid: "{{ body.sid }}"
  deep: "{{ body.data.items[3].id }}"
  whole: "{{ body }}"
  code: "{{ status }}"
  kind: "{{ header['content-type'] }}"
next: done
error: failed
""")
    answer = HttpAnswer(201, (("content-type", "application/json"),), b'{"sid":"SM1"}')

    outcome = type_.resume(settings, visit({"body": "mine", "status": "mine"}), answer)

    assert outcome == Go(
        changes={
            "sid": "SM1",
            "deep": "",
            "whole": {"sid": "SM1"},
            "code": 201,
            "kind": "application/json",
        }
    )


def test_a_way_for_calls_in_doubt_is_a_link():
    type_, settings = node("""
type: api_call
url: https://a.example
in_doubt: {next: failed}
next: done
error: failed
""")

    assert settings.in_doubt.next == "failed"
    assert list(type_.problems(settings)) == []


def test_names_and_values_of_parameters_may_be_templates(visit):
    type_, settings = node("""
type: set_parameter
set:
  total: "{{ price * count }}"
  order.lines[0].price: "{{ price }}"
  "status_{{ name }}": ok
next: done
error: failed
""")

    outcome = type_.enter(settings, visit({"price": 2, "count": 3, "name": "a"}))

    assert outcome.changes == {
        "total": 6,
        "order": {"lines": [{"price": 2}]},
        "status_a": "ok",
    }


def test_a_comparison_reads_bare_names_and_templates(visit):
    type_, settings = node("""
type: condition
cases:
  - {all: [{param: order.age, fun: more, const: "17", cast: number}], next: done}
  - {all: [{param: "{{ order.name }}", fun: regexp, const: ^A}], next: failed}
else: done
""")

    def way(order):
        return type_.enter(settings, visit({"order": order})).to

    assert way({"age": 18}) == "done"
    assert way({"age": "17", "name": "Ann"}) == "failed"
    assert way({"name": "Bob"}) == "done"


def test_a_missing_value_in_when_does_not_hold(visit):
    type_, settings = node("""
type: condition
cases:
  - {when: "paid", next: done}
  - {when: "name == ''", next: failed}
else: done
""")

    assert type_.enter(settings, visit({})).to == "failed"
    assert type_.enter(settings, visit({"paid": 1})).to == "done"


def test_a_when_that_can_not_be_evaluated_raises(visit):
    type_, settings = node("""
type: condition
cases: [{when: age > 18, next: done}]
else: failed
""")

    with pytest.raises(TemplateError):
        type_.enter(settings, visit({"age": "abc"}))


def test_a_delay_takes_a_duration_or_a_template(visit):
    type_, fixed = node("{type: delay, for: 30s, timeout: {after: 1d, next: failed}, next: done}")
    _, computed = node(
        '{type: delay, for: "{{ n }}m", timeout: {after: 1d, next: failed}, next: done}'
    )
    _, absolute = node(
        '{type: delay, until: "{{ at }}", timeout: {after: 1d, next: failed}, next: done}'
    )
    seen = visit({"n": 5, "at": 1_700_000_060})

    assert type_.enter(fixed, seen).until == 1_700_000_030_000_000
    assert type_.enter(computed, seen).until == 1_700_000_300_000_000
    assert type_.enter(absolute, seen).until == 1_700_000_060_000_000


def test_a_copy_keeps_the_types_of_its_data(visit):
    type_, settings = node("""
type: copy_task
process: example
ref: "{{ id }}"
data: {amount: "{{ amount }}", list: ["{{ id }}", x], text: "{{ id }}!"}
next: done
error: failed
""")

    command = type_.enter(settings, visit({"id": 42, "amount": 1.5})).command

    assert command.ref == "42"
    assert {name: command.data[name] for name in ("amount", "list", "text")} == {
        "amount": 1.5,
        "list": [42, "x"],
        "text": "42!",
    }


def test_a_callback_node_reads_its_defaults():
    _, settings = node(
        "{type: waiting_for_callback, match: {task_id: meta.task}, timeout: {after: 1d, next: failed}, next: done}"
    )

    assert settings.match.task_id == "meta.task"
    assert (settings.sync, settings.keep_early) == (True, parse_duration("24h"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{type: delay, next: done}", "bad-settings"),
        ("{type: api_call, url: x, json: {}, form: {}, next: done, error: failed}", "bad-settings"),
        ("{type: copy_task, process: example, next: done, error: failed}", "bad-settings"),
        (
            "{type: copy_task, process: other, all_params: true, next: done, error: failed}",
            "unknown-process",
        ),
        ("{type: set_parameter, set: {a: 1}, next: done}", "missing-error"),
        ("{type: set_parameter, set: {a: '{{ }'}, next: done, error: failed}", "template-syntax"),
        ("{type: waiting_for_callback, next: done}", "wait-without-timeout"),
        ("{type: api_call, url: x, in_doubt: maybe, next: done, error: failed}", "wrong-type"),
    ],
)
def test_wrong_settings_are_found_when_the_file_is_loaded(text, rule):
    assert rule in faults(text)


@pytest.mark.parametrize("word", sorted(CATALOG.kinds))
def test_no_type_has_a_key_that_every_node_has(word):
    own = {field.key for field in fields_of(CATALOG.kinds[word].settings)}

    assert own.isdisjoint(COMMON)
