"""Code: JavaScript on the task's data, run in a sandbox outside the engine's process."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from engine.node import (
    Answer,
    Ask,
    CallFailed,
    CallFailure,
    Duration,
    ErrorKind,
    Fail,
    Go,
    NodeType,
    Outcome,
    RunScript,
    ScriptAnswer,
    ScriptFailed,
    ScriptFailure,
    Size,
    Visit,
    encode,
    parse_duration,
    syntax_error,
)

ONE_SECOND = parse_duration("1s")
LONGEST = parse_duration("10s")
SHORTEST = parse_duration("10ms")
USUAL_MEMORY = Size(64 * 1024 * 1024)
LEAST_MEMORY = 1024 * 1024
MOST_MEMORY = 256 * 1024 * 1024
_META = (
    "task_id", "ref", "process", "process_id", "conv_id", "node_id", "prev_node_id", "status",
    "create_time", "change_time", "end_time", "user_id",
)  # fmt: skip
_HARDWARE = frozenset({ScriptFailure.TIMEOUT, ScriptFailure.MEMORY, ScriptFailure.DIED})
_TAGS = {
    ScriptFailure.TIMEOUT: "code_timeout",
    ScriptFailure.MEMORY: "code_memory_limit",
    ScriptFailure.EXCEPTION: "code_executing_error",
    ScriptFailure.FORMAT: "code_return_format_error",
    ScriptFailure.TOO_LARGE: "code_return_size_overflow",
    ScriptFailure.DIED: "code_fatal_error",
    ScriptFailure.UNSUPPORTED: "code_fatal_error",
}


class Language(StrEnum):
    """What a script is written in."""

    JS = "js"


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a code node."""

    source: Annotated[
        str, "The script: it finds the task's data as `data`, changes it or returns another."
    ]
    language: Annotated[Language, "What the script is written in."] = Language.JS
    time_limit: Annotated[Duration, "How long the script may run, 10s at most."] = ONE_SECOND
    memory_limit: Annotated[Size, "How much memory the script may take, 256MiB at most."] = (
        USUAL_MEMORY
    )


class Code(NodeType[Settings]):
    """Replaces the task's data by what a script makes of it."""

    type = "code"
    title = "Code"
    prefixes = ("code",)
    size_tag = "code_return_size_overflow"

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        root = visit.name("root")
        meta = {name: root[name] for name in _META if name in root}
        return Ask(
            RunScript(
                source=settings.source,
                data=encode(visit.data),
                meta=encode(meta),
                time_limit_s=settings.time_limit.seconds,
                memory_bytes=settings.memory_limit,
            )
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case ScriptAnswer(changes, removed):
                return Go(changes=changes, removed=removed)
            case ScriptFailed():
                return _failed(settings, answer)
            case CallFailed(CallFailure.INTERRUPTED):
                return self.enter(settings, visit)  # a script acts on nothing: again is once
            case CallFailed():
                return Fail(ErrorKind.HARDWARE, "code_fatal_error", answer.description)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str] | None:  # noqa: ARG002
        return None

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not settings.source.strip():
            yield "source", "the script is empty"
        elif wrong := syntax_error(settings.source):
            yield "source", f"the script can't be read: {wrong}"
        if not SHORTEST <= settings.time_limit <= LONGEST:
            yield "time_limit", f"a script may run from {SHORTEST} to {LONGEST}"
        if not LEAST_MEMORY <= settings.memory_limit <= MOST_MEMORY:
            yield "memory_limit", "a script may take from 1MiB to 256MiB of memory"


def _failed(settings: Settings, failed: ScriptFailed) -> Fail:
    kind = ErrorKind.HARDWARE if failed.failure in _HARDWARE else ErrorKind.SOFTWARE
    return Fail(kind, _TAGS[failed.failure], _described(settings, failed))


def _described(settings: Settings, failed: ScriptFailed) -> str:
    match failed.failure:
        case ScriptFailure.TIMEOUT:
            return f"timeout for executing code: it ran longer than {settings.time_limit}"
        case ScriptFailure.MEMORY:
            most = settings.memory_limit // (1024 * 1024)
            return f"the script took more than {most} MiB of memory"
        case ScriptFailure.TOO_LARGE:
            return f"Your task size: {failed.description} bytes, more than a task may have"
        case _:
            return failed.description
