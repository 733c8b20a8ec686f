import json

import pytest

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.node import (
    Ask,
    CallFailed,
    CallFailure,
    ErrorKind,
    Fail,
    Go,
    RunScript,
    ScriptAnswer,
    ScriptFailed,
    ScriptFailure,
    Size,
    TimeUp,
    parse_duration,
)
from nodes.code import Code, Settings

ROOT = {"conv_id": 1001, "task_id": "65f0", "ref": "order-1", "data": {"a": 1}, "version": 3}
SETTINGS = Settings(source="data.a += 1")


def problems(**settings):
    return list(Code().problems(Settings(**settings)))


def test_the_script_gets_the_data_and_what_the_engine_knows_of_the_task(visit):
    outcome = Code().enter(SETTINGS, visit({"a": 1, "name": "Ы"}, root=ROOT))

    assert isinstance(outcome, Ask)
    script = outcome.command
    assert script == RunScript("data.a += 1", script.data, script.meta, 1.0, 64 * 1024 * 1024)
    assert json.loads(script.data) == {"a": 1, "name": "Ы"}
    assert json.loads(script.meta) == {"conv_id": 1001, "task_id": "65f0", "ref": "order-1"}


def test_the_limits_are_those_of_the_node(visit):
    settings = Settings("1", time_limit=parse_duration("250ms"), memory_limit=Size(2 * 1024**2))

    script = Code().enter(settings, visit(root=ROOT)).command

    assert (script.time_limit_s, script.memory_bytes) == (0.25, 2 * 1024**2)


def test_the_result_replaces_the_data(visit):
    answer = ScriptAnswer({"b": 2}, ("a",))

    assert Code().resume(SETTINGS, visit({"a": 1}), answer) == Go(changes={"b": 2}, removed=("a",))


@pytest.mark.parametrize(
    ("failure", "text", "kind", "tag", "description"),
    [
        (ScriptFailure.TIMEOUT, "", ErrorKind.HARDWARE, "code_timeout",
         "timeout for executing code: it ran longer than 1s"),
        (ScriptFailure.MEMORY, "", ErrorKind.HARDWARE, "code_memory_limit",
         "the script took more than 64 MiB of memory"),
        (ScriptFailure.EXCEPTION, "TypeError: x (line 2)", ErrorKind.SOFTWARE,
         "code_executing_error", "TypeError: x (line 2)"),
        (ScriptFailure.FORMAT, "the result must be an object, not null", ErrorKind.SOFTWARE,
         "code_return_format_error", "the result must be an object, not null"),
        (ScriptFailure.TOO_LARGE, "200000", ErrorKind.SOFTWARE, "code_return_size_overflow",
         "Your task size: 200000 bytes, more than a task may have"),
        (ScriptFailure.DIED, "the sandbox ended", ErrorKind.HARDWARE, "code_fatal_error",
         "the sandbox ended"),
    ],
)  # fmt: skip
def test_a_failure_has_its_tag_and_class(visit, failure, text, kind, tag, description):
    """spec: Errors, the rows of Code."""
    outcome = Code().resume(SETTINGS, visit({"a": 1}), ScriptFailed(failure, text))

    assert outcome == Fail(kind, tag, description)


def test_every_failure_has_a_tag(visit):
    for failure in ScriptFailure:
        assert isinstance(Code().resume(SETTINGS, visit(), ScriptFailed(failure, "")), Fail)


def test_a_script_that_was_interrupted_runs_again(visit):
    answer = CallFailed(CallFailure.INTERRUPTED, "the engine stopped during the call")

    outcome = Code().resume(SETTINGS, visit({"a": 1}, root=ROOT), answer)

    assert outcome == Code().enter(SETTINGS, visit({"a": 1}, root=ROOT))


def test_a_fault_of_the_engine_is_told_as_one(visit):
    answer = CallFailed(CallFailure.INTERNAL, "a fault of the engine; the log has details")

    assert Code().resume(SETTINGS, visit(), answer) == Fail(
        ErrorKind.HARDWARE, "code_fatal_error", "a fault of the engine; the log has details"
    )


def test_nothing_else_is_waited_for(visit):
    with pytest.raises(NotImplementedError):
        Code().resume(SETTINGS, visit(), TimeUp())


def test_a_script_may_set_any_parameter():
    assert Code().writes(SETTINGS) is None


def test_a_script_that_can_be_read_has_no_problem():
    assert problems(source="// a comment\nreturn {a: data.a ?? 1}") == []


@pytest.mark.parametrize("source", ["", "  \n"])
def test_an_empty_script_is_a_fault(source):
    assert problems(source=source) == [("source", "the script is empty")]


def test_a_script_that_cannot_be_read_is_a_fault_with_its_line():
    (key, message), = problems(source="var a = 1;\nvar b = ;\n")  # fmt: skip

    assert key == "source"
    assert message.startswith("the script can't be read: line 2: unexpected token")


@pytest.mark.parametrize("source", ["a\0b", "'\ud800'", "x" * 300_000])
def test_a_text_that_no_engine_could_take_is_a_fault(source):
    assert [key for key, _ in problems(source=source)] == ["source"]


def test_checking_a_script_runs_none_of_it():
    assert problems(source="})(); while (true) {} (function () {") == []


def test_limits_have_limits():
    found = problems(source="1", time_limit=parse_duration("11s"), memory_limit=Size(1))

    assert found == [
        ("time_limit", "a script may run from 10ms to 10s"),
        ("memory_limit", "a script may take from 1MiB to 256MiB of memory"),
    ]


def test_the_fault_stands_where_the_script_is():
    text = """process: p
nodes:
  start: {type: start, next: work}
  work: {type: code, source: "let let", next: done, error: done}
  done: {type: end}
"""

    _, faults = read_definition(text, "p.yaml", Catalog.installed())

    assert [(fault.line, "can't be read" in str(fault)) for fault in faults] == [(4, True)]
