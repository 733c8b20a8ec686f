from hashlib import sha256

import pytest

import nodes
from engine.core.duration import Duration
from engine.definition import Catalog, ProcessKind, load_files, load_text
from engine.errors import DefinitionError

SMALL = "process: NAME\nnodes: {s: {type: start, next: e}, e: {type: end}}\n"

# The example of the authoring format, word for word.
GREET = r"""
process: greet
title: Greet by SMS
params:
  phone: {type: string, required: true, regex: '^\+[1-9][0-9]{6,14}$'}
  token: {type: string, required: true, secret: true}
nodes:
  start: {type: start, next: send}
  send:
    type: api_call
    title: Ask the gateway
    method: POST
    url: "{{ env.GATEWAY_URL }}/messages"
    auth: {bearer: "{{ token }}"}
    json: {to: "{{ phone }}", text: "Hello", report: "{{ callback_url('greet', 'wait') }}"}
    response: {sid: "{{ body.id }}"}
    timeout: {after: 30s, next: gave_up}
    next: wait
    error: what_failed
  what_failed:
    type: condition
    cases:
      - {when: "error.kind == 'hardware' and error.attempt < 3", next: later}
      - {all: [{param: code, fun: eq, const: "429", cast: number}], next: later}
    else: gave_up
  later: {type: delay, for: 30s, next: send}
  wait: {type: waiting_for_callback, match: {task_id: meta.task}, timeout: {after: 1d, next: gave_up}, next: sent}
  sent: {type: end, result: success}
  gave_up: {type: end, result: error}
"""


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '.')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_example_of_the_authoring_format_has_no_faults():
    loaded = load_text(GREET, "greet.yaml", Catalog.of(nodes))

    assert loaded.faults == ()
    (definition,) = loaded.definitions
    assert definition.process == "greet"
    assert list(definition.nodes) == [
        "start",
        "send",
        "what_failed",
        "later",
        "wait",
        "sent",
        "gave_up",
    ]


def test_definition_holds_what_the_author_wrote(load):
    text = (
        "process: p\nid: 12\ndescription: d\nkind: state\nparams: {phone: }\n"
        "schedule:\n  - {cron: '0 8 * * *', timezone: Europe/Kyiv, data: {phone: '1'}, ref: daily}\n"
        "  - {every: 5m}\n"
        "nodes: {s: {type: start, next: e}, e: {type: end, corezoid: {x: 1}, position: [1, 2]}}\n"
    )

    (definition,) = load(text).checked()

    assert (definition.process, definition.id, definition.title) == ("p", 12, "p")
    assert definition.kind is ProcessKind.STATE
    assert definition.params["phone"].required is False
    assert definition.retention == Duration(30 * 86_400_000_000)
    daily, often = definition.schedule
    assert (daily.cron, daily.timezone, daily.ref) == ("0 8 * * *", "Europe/Kyiv", "daily")
    assert daily.data == {"phone": "1"}
    assert often.every == 300_000_000
    assert definition.nodes["e"].common.corezoid == {"x": 1}
    assert definition.nodes["e"].common.position == (1, 2)
    assert definition.source == text
    assert definition.digest == sha256(text.encode()).hexdigest()


def test_folder_is_read_with_all_below_in_order(tmp_path, catalog):
    write(tmp_path, b=SMALL.replace("NAME", "b"), a=SMALL.replace("NAME", "a"))
    write(tmp_path / "more", c=SMALL.replace("NAME", "c"))
    (tmp_path / "d.yml").write_text(SMALL.replace("NAME", "d"))

    loaded = load_files([tmp_path], catalog)

    assert loaded.files == 4
    assert [definition.process for definition in loaded.definitions] == ["a", "b", "d", "c"]


def test_tests_hidden_files_and_other_files_are_passed_over(tmp_path, catalog):
    write(tmp_path, a=SMALL.replace("NAME", "a"), a__test="broken: [")
    write(tmp_path / ".git", b="broken: [")
    (tmp_path / ".c.yaml").write_text("broken: [")
    (tmp_path / "notes.txt").write_text("broken: [")
    (tmp_path / "folder.yaml").mkdir()

    loaded = load_files([tmp_path], catalog)

    assert loaded.files == 1
    assert loaded.faults == ()


def test_file_named_twice_is_read_once(tmp_path, catalog):
    write(tmp_path, a=SMALL.replace("NAME", "a"))

    loaded = load_files([tmp_path, tmp_path / "a.yaml", str(tmp_path / "a.yaml")], catalog)

    assert loaded.files == 1
    assert loaded.faults == ()


def test_broken_definitions_are_left_out_but_known_to_others(tmp_path, catalog):
    write(
        tmp_path,
        broken=SMALL.replace("NAME", "broken") + "titel: x\n",
        caller=(
            "process: caller\nnodes:\n  s: {type: start, next: c}\n"
            "  c: {type: call, process: broken, all_params: true, next: e, error: e}\n"
            "  e: {type: end}\n"
        ),
    )

    loaded = load_files([tmp_path], catalog)

    assert [definition.process for definition in loaded.definitions] == ["caller"]
    assert [fault.rule for fault in loaded.errors] == ["unknown-key"]


def test_errors_are_raised_all_together(load):
    loaded = load("process: p\nid: x\nnodes: {s: {type: start, next: t}, e: {type: end}}\n")

    with pytest.raises(DefinitionError) as raised:
        loaded.checked()

    assert [fault.rule for fault in raised.value.faults] == [
        "wrong-type",
        "unknown-target",
        "unreachable-node",
    ]
    assert str(raised.value).startswith("p.yaml:2:5: 'id': expected a whole number, found 'x'")


def test_warnings_alone_do_not_stop_a_process(load):
    text = "process: p\nnodes:\n  s: {type: start, next: w}\n  w: {type: wait, next: e}\n  e: {type: end}\n"

    loaded = load(text)

    assert [str(fault.severity) for fault in loaded.faults] == ["warning"]
    assert loaded.errors == ()
    assert len(loaded.checked()) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("just words", "p.yaml:1:1: a process is a mapping of keys (wrong-type)"),
        ("[1, 2]", "p.yaml:1:1: a process is a mapping of keys (wrong-type)"),
        ("process: p", "p.yaml:1:1: a process needs 'nodes' (missing-key)"),
        (
            "process: p\nnodes: {}",
            "p.yaml:2:1: no node has 'type: start': tasks can't get in (no-start)",
        ),
        ("process: p\nnodes: x", "p.yaml:2:8: 'nodes': expected a mapping, found 'x' (wrong-type)"),
    ],
)
def test_document_that_is_hardly_a_process_has_a_fault(faults, text, fault):
    assert fault in faults(text)


def test_misspelt_target_brings_one_fault_only(faults):
    text = "process: p\nnodes:\n  s: {type: start, next: hodl}\n  hold: {type: pause, for: 1s, next: e}\n  e: {type: end}\n"

    assert faults(text) == [
        "p.yaml:3:26: there is no node 'hodl' to go to; did you mean 'hold'? (unknown-target)"
    ]


def test_links_of_an_unknown_type_are_guessed(faults):
    text = (
        "process: p\nnodes:\n  s: {type: start, next: c}\n"
        "  c: {type: chose, cases: [{when: x, next: a}], else: e}\n"
        "  a: {type: pause, for: 1s, next: e}\n  e: {type: end}\n"
    )

    assert faults(text) == [
        "p.yaml:4:13: no node type 'chose'; did you mean 'choose'? (unknown-type)"
    ]


def test_all_faults_of_a_file_are_found_at_once(faults):
    text = (
        "process: P!\ntitel: x\nparams: {a: {regex: '('}}\nnodes:\n"
        "  s: {type: start, next: t}\n  t: {type: stepp, next: e}\n"
        "  u: {type: step, set: {a: '{{ '}, next: nowhere}\n  e: {type: end}\n"
    )

    assert [fault.rsplit("(", 1)[1].rstrip(")") for fault in faults(text)] == [
        "bad-name",
        "unknown-key",
        "bad-regex",
        "unknown-type",
        "missing-error",
        "unreachable-node",
        "template-syntax",
        "unknown-target",
    ]


def test_nothing_is_suggested_from_very_many_names(faults):
    nodes = "".join(f"  n{at}: {{type: pause, for: 1s, next: n{at + 1}}}\n" for at in range(1100))
    text = f"process: p\nnodes:\n  s: {{type: start, next: m0}}\n{nodes}  n1100: {{type: end}}\n"

    assert faults(text)[0] == "p.yaml:3:26: there is no node 'm0' to go to (unknown-target)"
