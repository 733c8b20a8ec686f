"""Database Call: one SQL statement on a database that the settings name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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
    Hold,
    NodeType,
    Outcome,
    Rows,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    Template,
    Visit,
    Writes,
    parse_duration,
)

HALF_A_MINUTE = parse_duration("30s")
LONGEST = parse_duration("10m")
CONNECTION = "db_call_connection_error"
_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


class InDoubt(StrEnum):
    """What happens to a statement that ran when the engine stopped."""

    REPEAT = "repeat"
    HOLD = "hold"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a database call."""

    connection: Annotated[str, "The database: a name under `[connections]` of the settings."]
    sql: Annotated[str, "One statement; values stand in it as :name."]
    params: Annotated[Mapping[str, Template], "The values that are bound, by name."] = field(
        default_factory=dict
    )
    rows: Annotated[Rows, "all is a list of objects, one an object, none a number."] = Rows.ALL
    into: Annotated[str, Writes(), "The parameter that gets the result."] = "result"
    max_rows: Annotated[int, "More rows are an error."] = 1000
    time_limit: Annotated[Duration, "How long it may take, with waiting in line."] = HALF_A_MINUTE
    max_threads: Annotated[int, "How many statements of this node run at once."] = 5
    in_doubt: Annotated[InDoubt, "What happens if the engine stopped while it ran."] = (
        InDoubt.REPEAT
    )


class DbCall(NodeType[Settings]):
    """Runs the statement in a transaction of its own, with values bound, never spliced in."""

    type = "db_call"
    title = "Database Call"
    prefixes = ("db_call",)
    stands_in = PROCESS

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        return Ask(
            RunStatement(
                connection=settings.connection,
                sql=settings.sql,
                parameters={name: value.render(visit) for name, value in settings.params.items()},
                rows=settings.rows,
                max_rows=settings.max_rows,
                time_limit_s=settings.time_limit.seconds,
                max_threads=settings.max_threads,
            )
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case StatementAnswer(result):
                return Go(changes={settings.into: result})
            case StatementFailed(failure, description):
                kind, tag = _FAILURES[failure]
                return Fail(kind, tag, description)
            case CallFailed(CallFailure.INTERRUPTED):
                return self._in_doubt(settings, visit, answer)
            case CallFailed():
                return Fail(ErrorKind.HARDWARE, CONNECTION, answer.description)
            case _:
                return super().resume(settings, visit, answer)

    def _in_doubt(self, settings: Settings, visit: Visit, failed: CallFailed) -> Outcome:
        match settings.in_doubt:
            case InDoubt.REPEAT:
                return self.enter(settings, visit)
            case InDoubt.HOLD:
                return Hold(CONNECTION, failed.description)
            case InDoubt.FAIL:
                return Fail(ErrorKind.HARDWARE, CONNECTION, failed.description)

    def writes(self, settings: Settings) -> frozenset[str]:
        return frozenset({settings.into})

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not _NAME.fullmatch(settings.connection):
            yield "connection", f"'{settings.connection}' is not the name of a connection"
        if not settings.sql.strip():
            yield "sql", "there is no statement"
        if "{{" in settings.sql or "{%" in settings.sql:
            yield "sql", "a statement has no templates: list the value under 'params' as 'name'"
        yield from _unbound(settings)
        if not settings.into:
            yield "into", "an empty text is not the name of a parameter"
        if settings.max_rows < 1:
            yield "max_rows", "at least one row"
        if settings.max_threads < 1:
            yield "max_threads", "at least one statement at once"
        if not HALF_A_MINUTE * 0 < settings.time_limit <= LONGEST:
            yield "time_limit", f"a statement may take up to {LONGEST}"


def _unbound(settings: Settings) -> Iterator[tuple[str, str]]:
    """Finds values that the statement names and nobody gives, and the other way round."""
    named = set(_BOUND.findall(_QUOTED.sub("", settings.sql)))
    for name in sorted(named - settings.params.keys()):
        yield "sql", f"the statement has :{name}, and 'params' has no '{name}'"
    for name in settings.params:
        if name not in named:
            yield "params", f"the statement has no :{name}"


_FAILURES = {
    StatementFailure.UNREACHABLE: (ErrorKind.HARDWARE, CONNECTION),
    StatementFailure.TIMEOUT: (ErrorKind.HARDWARE, "db_call_timeout"),
    StatementFailure.REFUSED: (ErrorKind.SOFTWARE, "db_call_executing_error"),
    StatementFailure.TOO_LARGE: (ErrorKind.SOFTWARE, "db_call_size_overflow_limit"),
}
