import json

import pytest

from engine.node import (
    Ask,
    CallFailed,
    CallFailure,
    Constant,
    ErrorKind,
    Fail,
    Go,
    RunRepositoryFunction,
    ScriptAnswer,
    ScriptFailed,
    ScriptFailure,
    TimeUp,
    parse_duration,
)
from nodes.git_call import GitCall, Settings

SETTINGS = Settings(Constant("https://git.example/prices"), "v1", "src/price.js", "price")


def problems(**settings):
    usual = {"repository": Constant("/code"), "revision": "main", "path": "a.js"}
    return list(GitCall().problems(Settings(**{**usual, **settings})))


def test_the_function_gets_the_data(visit):
    outcome = GitCall().enter(SETTINGS, visit({"a": 1}))

    assert isinstance(outcome, Ask)
    assert json.loads(outcome.command.data) == {"a": 1}
    assert outcome.command == RunRepositoryFunction(
        "https://git.example/prices", "v1", "src/price.js", "price", b'{"a":1}', 60.0, 64 * 2**20
    )


def test_the_result_replaces_the_data(visit):
    answer = ScriptAnswer({"b": 2}, ("a",))

    outcome = GitCall().resume(SETTINGS, visit({"a": 1}), answer)

    assert outcome == Go(changes={"b": 2}, removed=("a",))


@pytest.mark.parametrize(
    ("failure", "text", "kind", "tag", "description"),
    [
        (ScriptFailure.TIMEOUT, "", ErrorKind.SOFTWARE, "git_call_executing_error",
         "usercode: timeout"),
        (ScriptFailure.MEMORY, "", ErrorKind.HARDWARE, "git_call_fatal_error",
         "the function took more than 64 MiB of memory"),
        (ScriptFailure.EXCEPTION, "Error: no (line 2)", ErrorKind.SOFTWARE,
         "git_call_executing_error", "Error: no (line 2)"),
        (ScriptFailure.FORMAT, "the result must be an object, not null", ErrorKind.SOFTWARE,
         "git_call_return_format_error", "the result must be an object, not null"),
        (ScriptFailure.TOO_LARGE, "200000", ErrorKind.SOFTWARE, "code_return_size_overflow",
         "Your task size: 200000 bytes, more than a task may have"),
        (ScriptFailure.UNSUPPORTED, "no seccomp", ErrorKind.SOFTWARE,
         "git_call_is_not_supported", "no seccomp"),
        (ScriptFailure.DIED, "the sandbox ended", ErrorKind.HARDWARE, "git_call_fatal_error",
         "the sandbox ended"),
    ],
)  # fmt: skip
def test_a_failure_has_its_tag_and_class(visit, failure, text, kind, tag, description):
    """spec: Errors, the rows of Git Call."""
    outcome = GitCall().resume(SETTINGS, visit({"a": 1}), ScriptFailed(failure, text))

    assert outcome == Fail(kind, tag, description)


def test_a_repository_on_a_host_that_is_not_open_is_not_asked_again(visit):
    answer = CallFailed(CallFailure.NOT_ALLOWED, "https://git.internal is not called")

    outcome = GitCall().resume(SETTINGS, visit({}), answer)

    assert outcome == Fail(
        ErrorKind.SOFTWARE, "git_call_host_not_allowed", "https://git.internal is not called"
    )


def test_a_repository_that_cannot_be_read_may_be_there_later(visit):
    answer = CallFailed(CallFailure.UNREACHABLE, "the repository can't be read: no route")

    assert GitCall().resume(SETTINGS, visit(), answer) == Fail(
        ErrorKind.HARDWARE, "git_call_fatal_error", "the repository can't be read: no route"
    )


def test_a_function_that_was_interrupted_runs_again(visit):
    answer = CallFailed(CallFailure.INTERRUPTED, "the engine stopped during the call")

    outcome = GitCall().resume(SETTINGS, visit({"a": 1}), answer)

    assert outcome == GitCall().enter(SETTINGS, visit({"a": 1}))


def test_nothing_else_is_waited_for(visit):
    with pytest.raises(NotImplementedError):
        GitCall().resume(SETTINGS, visit(), TimeUp())


def test_a_function_may_set_any_parameter():
    assert GitCall().writes(SETTINGS) is None


def test_a_state_diagram_has_no_git_calls():
    """spec: Set State and state diagrams."""
    assert GitCall.stands_in == frozenset({"process"})


@pytest.mark.parametrize("path", ["a.js", "src/deep/b.cjs", "c.mjs", "d.py"])
def test_javascript_and_python_are_right(path):
    assert problems(path=path) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("path", "a.go"),
        ("path", ""),
        ("revision", ""),
        ("function", "a.b"),
        ("function", "1a"),
        ("time_limit", parse_duration("61s")),
        ("time_limit", parse_duration("1ms")),
    ],
)
def test_what_cannot_be_called_is_a_fault(key, value):
    assert [found for found, _ in problems(**{key: value})] == [key]
