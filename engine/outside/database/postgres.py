"""PostgreSQL by asyncpg, on the engine's own event loop.

The server is told the time limit and ends a statement that is late by itself; the connection is
cut only where the server does not answer. Values go as text, which the server reads for the type
at their place: JSON has no dates, and asyncpg would not take a text for one.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import URL, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from engine.core.command import (
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    StatementResult,
)
from engine.outside.database.meter import Meter
from engine.outside.database.threads import GRACE_S, in_doubt
from engine.outside.database.value import (
    Rows,
    Stopped,
    as_literal,
    exact_number,
    too_large,
)

CONNECT_S = 10.0
IDLE_S = 60.0
_SLACK = 64 * 1024  # beside the rows: their description, notices
_LOST = (OSError, EOFError, TimeoutError, asyncpg.PostgresConnectionError)
_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # so it is in SQLAlchemy
_SESSION = {"application_name": "conveyor", "TimeZone": "UTC", "DateStyle": "ISO"}
_UNREACHABLE = frozenset({"08", "53", "57", "58"})  # classes of SQLSTATE, after the exceptions
_FAILURES = {
    "57014": StatementFailure.TIMEOUT,
    "22000": StatementFailure.PARAMETER,  # of asyncpg itself: it can't write the value
    "40001": StatementFailure.CONFLICT,
    "40P01": StatementFailure.CONFLICT,
    "55P03": StatementFailure.CONFLICT,
    "22003": StatementFailure.PARAMETER,
    "22007": StatementFailure.PARAMETER,
    "22008": StatementFailure.PARAMETER,
    "22021": StatementFailure.PARAMETER,
    "22P02": StatementFailure.PARAMETER,
    "22P03": StatementFailure.PARAMETER,
}


class Stage(StrEnum):
    """How far a statement has come."""

    CONNECTING = "connecting"
    WORKING = "working"
    COMMITTING = "committing"
    DONE = "done"


class _Session:
    """A connection with its meter."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        # Private, but asyncpg has no other way to see how much comes.
        self.meter = Meter(connection._protocol, connection._transport)  # noqa: SLF001
        self.idle_since = 0.0


class _Talk:
    """One statement: its session, once there is one, and how far it has come."""

    def __init__(self, statement: RunStatement) -> None:
        self.statement = statement
        self.stage = Stage.CONNECTING
        self.session: _Session | None = None


class PostgresDatabase:
    """Runs statements on connections that are kept for the next ones."""

    def __init__(self, url: URL, size: int, *, grace_s: float = GRACE_S) -> None:
        """Takes how long a server may say nothing after the time limit of a statement is over."""
        self._grace_s = grace_s
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._slots = asyncio.Semaphore(size)
        self._idle: list[_Session] = []

    async def run(self, statement: RunStatement) -> StatementResult:
        async with self._slots:
            talk = _Talk(statement)
            try:
                async with asyncio.timeout(statement.time_limit_s + self._grace_s):
                    return await self._transact(talk)
            except Stopped as stopped:
                await self._roll_back(talk)
                return stopped.failed
            except _LOST as error:
                return _told(error, talk)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                await self._roll_back(talk)
                return _told(error, talk)
            finally:
                self._settle(talk)

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop().connection.terminate()

    async def _transact(self, talk: _Talk) -> StatementResult:
        statement = talk.statement
        sql, names = _compiled(statement.sql)
        session = await self._begin(talk)
        connection = session.connection
        session.meter.allow(2 * statement.max_response_bytes + _SLACK)
        prepared = await connection.prepare(sql)
        values = [statement.params.get(name) for name in names]
        columns = prepared.get_attributes()
        if columns and statement.wants_rows:
            cursor = await prepared.cursor(*values)
            rows = Rows(_names(columns), statement)
            for record in await cursor.fetch(statement.max_rows + 1):
                rows.add(tuple(record))
            answer = StatementAnswer(len(rows.found), rows.found)
        else:
            await prepared.fetch(*values)
            answer = StatementAnswer(_affected(prepared.get_statusmsg()))
        talk.stage = Stage.COMMITTING
        await connection.execute("COMMIT")
        talk.stage = Stage.DONE
        return answer

    async def _begin(self, talk: _Talk) -> _Session:
        """Begins a transaction on a kept connection, or on a new one if those are gone.

        Settings that a statement changed for its session are as they were, in the same message.
        """
        begin = (
            "RESET ALL; BEGIN;"
            f" SET LOCAL statement_timeout = {max(int(talk.statement.time_limit_s * 1000), 1)}"
        )
        while (session := self._kept()) is not None:
            talk.session = session
            with suppress(asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
                await session.connection.execute(begin)
                talk.stage = Stage.WORKING
                return session
            session.connection.terminate()
        talk.session = None
        session = talk.session = _Session(await self._connect())
        await session.connection.execute(begin)
        talk.stage = Stage.WORKING
        return session

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(
            self._dsn, timeout=CONNECT_S, server_settings=_SESSION, statement_cache_size=0
        )
        try:
            for name, decode in _DECODERS.items():
                await connection.set_type_codec(
                    name, schema="pg_catalog", encoder=as_literal, decoder=decode, format="text"
                )
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _kept(self) -> _Session | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            session = self._idle.pop()
            if not session.connection.is_closed() and now - session.idle_since < IDLE_S:
                return session
            session.connection.terminate()
        return None

    async def _roll_back(self, talk: _Talk) -> None:
        """Ends the transaction; where that can't be told to the server, `_settle` cuts it off."""
        if talk.stage is not Stage.WORKING or talk.session is None:
            return
        with suppress(*_LOST, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with asyncio.timeout(self._grace_s):
                await talk.session.connection.execute("ROLLBACK")
                talk.stage = Stage.DONE

    def _settle(self, talk: _Talk) -> None:
        session = talk.session
        if session is None:
            return
        if talk.stage is Stage.DONE and not session.connection.is_closed():
            session.meter.rest()
            session.idle_since = asyncio.get_running_loop().time()
            self._idle.append(session)
        else:
            session.connection.terminate()


@lru_cache(maxsize=1000)
def _compiled(sql: str) -> tuple[str, tuple[str, ...]]:
    """Gives the statement with `$1` for `:name`, and the names in their order."""
    compiled = text(sql).compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


def _names(columns: Sequence[Any]) -> list[str]:
    """Gives the names of columns, all of which can be read.

    Raises:
        Stopped: one is a row without a type of its own. Such come in binary, whatever the codecs
            say, and `ROW(true)` would be read as false.
    """
    for column in columns:
        if column.type.name in {"record", "record[]"}:
            text = f"the column '{column.name}' is a row in a row: use to_jsonb(...)"
            raise Stopped(StatementFailure.REFUSED, text)
    return [column.name for column in columns]


def _affected(status: str) -> int:
    """Reads the number in `INSERT 0 3`, `UPDATE 3`, `SELECT 3`; other statements have none."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdecimal() else 0


def _told(error: Exception, talk: _Talk) -> StatementResult:
    session, statement = talk.session, talk.statement
    if session is not None and session.meter.is_over:
        return too_large(statement).failed
    if isinstance(error, asyncpg.UnsupportedClientFeatureError):
        return StatementFailed(StatementFailure.REFUSED, f"{error}: CAST it AS text, or to_jsonb()")
    words = getattr(error, "message", None) or str(error) or type(error).__name__
    failure = _failure_of(error)
    if talk.stage is Stage.COMMITTING and failure is StatementFailure.UNREACHABLE:
        return in_doubt(words)
    if talk.stage is Stage.CONNECTING:
        failure = StatementFailure.UNREACHABLE
    if failure is StatementFailure.TIMEOUT or isinstance(error, TimeoutError):
        if talk.stage is Stage.CONNECTING:
            return StatementFailed(failure, "the database does not answer")
        late = f"the statement took longer than {statement.time_limit_s:g} s"
        return StatementFailed(StatementFailure.TIMEOUT, late)
    return StatementFailed(failure, words)


def _failure_of(error: Exception) -> StatementFailure:
    state = getattr(error, "sqlstate", None) or ""
    if state in _FAILURES:
        return _FAILURES[state]
    if isinstance(error, _LOST) or state[:2] in _UNREACHABLE:
        return StatementFailure.UNREACHABLE
    return StatementFailure.REFUSED


def _moment(written: str) -> str:
    with suppress(ValueError):  # infinity, years before Christ
        return datetime.fromisoformat(written).isoformat()
    return written


def _json(written: str) -> Any:
    return json.loads(written)


_DECODERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("int2", "int4", "int8"), int),
    **dict.fromkeys(("float4", "float8"), float),
    **dict.fromkeys(("timestamp", "timestamptz"), _moment),
    **dict.fromkeys(("json", "jsonb"), _json),
    **dict.fromkeys(
        (
            "text",
            "varchar",
            "bpchar",
            "date",
            "time",
            "timetz",
            "interval",
            "uuid",
            "bit",
            "varbit",
        ),
        str,
    ),
    "numeric": lambda written: exact_number(Decimal(written)),
    "bool": lambda written: written == "t",
}
