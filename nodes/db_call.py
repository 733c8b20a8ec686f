"""Database Call: one SQL statement on a database that the settings name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, assert_never

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
    InDoubt,
    InDoubtPath,
    NodeType,
    Outcome,
    RunStatement,
    Size,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    Template,
    Visit,
    parse_duration,
)

HALF_A_MINUTE = parse_duration("30s")
LONGEST = parse_duration("10m")
SHORTEST = parse_duration("10ms")
MOST_ROWS = 10_000
ONE_MEBIBYTE = Size(1024 * 1024)
MOST_BYTES = 16 * 1024**2
CONNECTION_ERROR = "db_call_connection_error"
EXECUTING = "db_call_executing_error"
FATAL = "db_call_fatal_error"
IN_DOUBT = "db_call_in_doubt"
OVERFLOW = "db_call_size_overflow_limit"
_CONNECTION = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_FAILURES = {
    StatementFailure.UNREACHABLE: (ErrorKind.HARDWARE, CONNECTION_ERROR),
    StatementFailure.TIMEOUT: (ErrorKind.HARDWARE, "db_call_timeout"),
    StatementFailure.CONFLICT: (ErrorKind.HARDWARE, EXECUTING),
    StatementFailure.REFUSED: (ErrorKind.SOFTWARE, EXECUTING),
    StatementFailure.PARAMETER: (ErrorKind.SOFTWARE, "db_call_wrong_convert_param"),
    StatementFailure.TOO_LARGE: (ErrorKind.SOFTWARE, OVERFLOW),
    StatementFailure.TOO_MANY: (ErrorKind.SOFTWARE, OVERFLOW),
}


class Rows(StrEnum):
    """What becomes of the rows that a statement gives."""

    ALL = "all"  # a list
    ONE = "one"  # the only one; null if there is none
    NONE = "none"  # they are counted


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a database call."""

    connection: Annotated[str, "The database, by its name in the settings of the engine."]
    sql: Annotated[str, "The statement; :name stands where a value of params is bound."]
    params: Annotated[
        Mapping[str, Template], "The values to bind, by the names they have in the statement."
    ] = field(default_factory=dict)
    rows: Annotated[Rows, "What becomes of the rows: all, the only one, or their number."] = (
        Rows.ALL
    )
    into: Annotated[str, "The parameter that gets the rows, or the number of changed ones."] = (
        "result"
    )
    time_limit: Annotated[Duration, "How long the statement may take, 10m at most."] = HALF_A_MINUTE
    max_rows: Annotated[int, "How many rows it may give, 10000 at most."] = 1000
    max_response: Annotated[Size, "How large the rows may be as JSON, 16MiB at most."] = (
        ONE_MEBIBYTE
    )
    max_threads: Annotated[int, "How many statements of this node run at once."] = 5
    in_doubt: Annotated[
        InDoubt | InDoubtPath, "What happens to a statement that may have been carried out."
    ] = InDoubt.REPEAT


class DbCall(NodeType[Settings]):
    """Runs a statement in a transaction: where it fails, it has changed nothing."""

    type = "db_call"
    title = "Database Call"
    prefixes = ("db_call",)
    stands_in = PROCESS

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        return Ask(
            RunStatement(
                connection=settings.connection,
                sql=settings.sql,
                params={name: value.render(visit) for name, value in settings.params.items()},
                time_limit_s=settings.time_limit.seconds,
                max_rows=1 if settings.rows is Rows.ONE else settings.max_rows,
                max_response_bytes=settings.max_response,
                wants_rows=settings.rows is not Rows.NONE,
                max_threads=settings.max_threads,
            )
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case StatementAnswer():
                return Go(changes={settings.into: _value(settings, answer)})
            case StatementFailed(failure, description):
                kind, tag = _FAILURES[failure]
                if failure is StatementFailure.TOO_MANY and settings.rows is Rows.ONE:
                    tag = EXECUTING
                return Fail(kind, tag, description)
            case CallFailed(is_in_doubt=True):
                return self._in_doubt(settings, visit, answer)
            case CallFailed():
                return Fail(ErrorKind.HARDWARE, FATAL, answer.description)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str]:
        return frozenset({settings.into})

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not _CONNECTION.fullmatch(settings.connection):
            yield "connection", "a name is of letters, digits, '-' and '_': 'shop', not a URL"
        if not settings.sql.strip():
            yield "sql", "the statement is empty"
        if _TEMPLATE.search(settings.sql):
            yield (
                "sql",
                (
                    "a statement holds no templates, whose values could become part of the SQL:"
                    " write :name, and give the value of 'name' under 'params'"
                ),
            )
        else:
            yield from _unbound(settings)
        if not settings.into or settings.into.startswith("__"):
            yield "into", f"'{settings.into}' is not the name of a parameter"
        if not SHORTEST <= settings.time_limit <= LONGEST:
            yield "time_limit", f"a statement may take from {SHORTEST} to {LONGEST}"
        if not 1 <= settings.max_rows <= MOST_ROWS:
            yield "max_rows", f"a statement may give from 1 to {MOST_ROWS} rows"
        if not 1 <= settings.max_response <= MOST_BYTES:
            yield "max_response", "the rows may have from 1B to 16MiB"
        if settings.max_threads < 1:
            yield "max_threads", "must be greater than zero"

    def _in_doubt(self, settings: Settings, visit: Visit, failed: CallFailed) -> Outcome:
        """Treats a statement that may have been committed."""
        why = f"sent, and it is unknown whether it was carried out: {failed.description}"
        match settings.in_doubt:
            case InDoubtPath(node):
                return Go(node)
            case InDoubt.HOLD:
                return Hold(IN_DOUBT, why)
            case InDoubt.FAIL:
                return Fail(ErrorKind.HARDWARE, IN_DOUBT, why)
            case InDoubt.REPEAT if failed.failure is CallFailure.INTERRUPTED:
                return self.enter(settings, visit)
            case InDoubt.REPEAT:
                # The process's own escalation repeats it, or does not.
                is_ours = failed.failure is CallFailure.INTERNAL
                return Fail(ErrorKind.HARDWARE, FATAL if is_ours else CONNECTION_ERROR, why)
            case _:
                assert_never(settings.in_doubt)


def _value(settings: Settings, answer: StatementAnswer) -> Any:
    if answer.rows is None:
        return answer.affected
    if settings.rows is Rows.ONE:
        return answer.rows[0] if answer.rows else None
    return answer.rows


def _unbound(settings: Settings) -> Iterator[tuple[str, str]]:
    """Compares the names in the statement with those that are given."""
    names = set(_BOUND.findall(settings.sql))
    for name in sorted(names - settings.params.keys()):
        yield (
            "sql",
            (
                f"nothing is bound to ':{name}': give its value under 'params'"
                f" (a colon that is one is written '\\:{name}')"
            ),
        )
    for name in settings.params:
        if name not in names:
            yield "params", f"':{name}' does not stand in the statement"
