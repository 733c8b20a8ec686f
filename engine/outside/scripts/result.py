"""What a worker's answer says: the changes to a task's data, or why there are none."""

from typing import Any

import msgspec

from engine.core.command import ScriptAnswer, ScriptFailed, ScriptFailure, ScriptResult
from engine.outside.scripts.frame import Job, Kind

DEEPEST = 512
"""As deep as a request's body may be, and half of what Python can read at all."""
SLACK = 64 * 1024
UTF8 = 3
"""A worker counts the characters of a result; so many bytes may come of each UTF-16 unit."""
_FAILURES = {
    Kind.EXCEPTION: ScriptFailure.EXCEPTION,
    Kind.FORMAT: ScriptFailure.FORMAT,
    Kind.TOO_LARGE: ScriptFailure.TOO_LARGE,
    Kind.TIMEOUT: ScriptFailure.TIMEOUT,
    Kind.MEMORY: ScriptFailure.MEMORY,
    Kind.UNSUPPORTED: ScriptFailure.UNSUPPORTED,
}


def largest_line(max_answer: int) -> int:
    """Gives how long an answer may be as a line."""
    return max_answer * UTF8 + SLACK


def read_result(answer: bytes, job: Job) -> ScriptResult:
    """Reads the line that answers a job."""
    try:
        kind, text = Kind(answer[:1].decode()), answer[1:-1]
        if kind is not Kind.RESULT:
            return failed(kind, msgspec.json.decode(text, type=str))
        if len(text) > job.max_answer:
            return failed(Kind.TOO_LARGE, str(len(text)))
        return _changes(text, job.data)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        return failed(Kind.FORMAT, f"the result can't be read as JSON: {error}")


def failed(kind: Kind, text: str = "") -> ScriptFailed:
    """Makes the failure of a kind."""
    return ScriptFailed(_FAILURES[kind], text)


def _changes(text: bytes, data: bytes) -> ScriptAnswer:
    """Compares the result with what was given, so that other changes made meanwhile stay.

    Raises:
        ValueError: it is nested so deep that others could not read it.
    """
    made = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    changes = {
        name: msgspec.json.decode(value)
        for name, value in made.items()
        if name not in given or bytes(value) != bytes(given[name])
    }
    if text.count(b"[") + text.count(b"{") > DEEPEST and _is_too_deep(changes):
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    return ScriptAnswer(changes, tuple(name for name in given if name not in made))


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
