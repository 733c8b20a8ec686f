"""Git Call: a function of a file in a git repository, run in a sandbox on the task's data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    PROCESS,
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
    RunRepositoryFunction,
    ScriptAnswer,
    ScriptFailed,
    ScriptFailure,
    Text,
    Visit,
    as_text,
    encode,
    parse_duration,
)

ONE_MINUTE = parse_duration("60s")
SHORTEST = parse_duration("10ms")
MEMORY = 64 * 1024 * 1024
FATAL = "git_call_fatal_error"
NOT_ALLOWED = "git_call_host_not_allowed"
EXECUTING = "git_call_executing_error"
_ENDINGS = (".js", ".cjs", ".mjs", ".py")
_FUNCTION = re.compile(r"[A-Za-z_$][\w$]*|", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a git call."""

    repository: Annotated[
        Text, "The repository: an https URL, or a folder of the engine's machine."
    ]
    revision: Annotated[str, "The revision: a full commit hash, or a tag or branch."]
    path: Annotated[str, "The file in the repository; .js is JavaScript, .py Python."]
    function: Annotated[
        str, "The function to call; empty is what a .js exports as a whole, `handle` in a .py."
    ] = ""
    time_limit: Annotated[Duration, "How long the function may run, 60s at most."] = ONE_MINUTE


class GitCall(NodeType[Settings]):
    """Replaces the task's data by what a function of a repository makes of it."""

    type = "git_call"
    title = "Git Call"
    prefixes = ("git_call",)
    size_tag = "code_return_size_overflow"
    stands_in = PROCESS

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        return Ask(
            RunRepositoryFunction(
                repository=as_text(settings.repository.render(visit)),
                revision=settings.revision,
                path=settings.path,
                function=settings.function,
                data=encode(visit.data),
                time_limit_s=settings.time_limit.seconds,
                memory_bytes=MEMORY,
            )
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case ScriptAnswer(changes, removed):
                return Go(changes=changes, removed=removed)
            case ScriptFailed():
                return _failed(answer)
            case CallFailed(CallFailure.INTERRUPTED):
                return self.enter(settings, visit)  # a function acts on nothing: again is once
            case CallFailed(CallFailure.NOT_ALLOWED):
                return Fail(ErrorKind.SOFTWARE, NOT_ALLOWED, answer.description)
            case CallFailed():
                return Fail(ErrorKind.HARDWARE, FATAL, answer.description)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str] | None:  # noqa: ARG002
        return None

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not settings.revision:
            yield "revision", "name the revision: a full commit hash, or a tag or branch"
        if not settings.path.endswith(_ENDINGS):
            yield "path", f"'{settings.path}' is neither JavaScript (.js) nor Python (.py)"
        if not _FUNCTION.fullmatch(settings.function):
            yield "function", f"'{settings.function}' is not the name of a function"
        if not SHORTEST <= settings.time_limit <= ONE_MINUTE:
            yield "time_limit", f"a function may run from {SHORTEST} to {ONE_MINUTE}"


def _failed(failed: ScriptFailed) -> Fail:
    software = ErrorKind.SOFTWARE
    match failed.failure:
        case ScriptFailure.TIMEOUT:
            return Fail(software, EXECUTING, "usercode: timeout")
        case ScriptFailure.EXCEPTION:
            return Fail(software, EXECUTING, failed.description)
        case ScriptFailure.UNSUPPORTED:
            return Fail(software, "git_call_is_not_supported", failed.description)
        case ScriptFailure.FORMAT:
            return Fail(software, "git_call_return_format_error", failed.description)
        case ScriptFailure.TOO_LARGE:
            text = f"Your task size: {failed.description} bytes, more than a task may have"
            return Fail(software, "code_return_size_overflow", text)
        case ScriptFailure.MEMORY:
            text = f"the function took more than {MEMORY // 1024**2} MiB of memory"
            return Fail(ErrorKind.HARDWARE, FATAL, text)
        case _:
            return Fail(ErrorKind.HARDWARE, FATAL, failed.description)
