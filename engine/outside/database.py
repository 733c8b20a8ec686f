"""One database: how a statement runs on it, is ended, and what its result is as JSON."""

import base64
import datetime as dt
import decimal
import math
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.core.command import (
    Rows,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    StatementResult,
)
from engine.core.task import encode

DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
CONNECT_S = 10
CANCEL_S = 2.0
AT_ONCE = 100
LONGEST_TEXT = 1000
_READS = ("select", "values", "table")
_AWAY = ("locked", "busy", "unable to open", "server closed", "terminating", "lost connection")


def open_database(url: str, connections: int) -> "Database":
    """Makes a pool of connections; none is opened yet.

    Raises:
        ImportError: the driver is not installed.
        SQLAlchemyError: the URL can't be understood.
    """
    parsed = make_url(url)
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_recycle": 1800}
    if parsed.get_backend_name() == "sqlite":
        from pysqlite3 import dbapi2  # noqa: PLC0415 -- the library that the engine itself trusts

        options = {"module": dbapi2, "connect_args": {"check_same_thread": False}}
    elif parsed.get_backend_name() in ("postgresql", "mysql"):
        options["connect_args"] = {"connect_timeout": CONNECT_S}
    engine = sqlalchemy.create_engine(
        parsed, pool_size=connections, max_overflow=0, hide_parameters=True, **options
    )
    event.listen(engine, "before_cursor_execute", _note_cursor)
    return Database(engine, parsed.password or "")


def _note_cursor(_: Connection, cursor: Any, *rest: Any) -> None:
    """Has a statement close its cursor, which nobody does where the connection broke."""
    _, _, context, _ = rest
    statement = context.execution_options.get("statement") if context else None
    if statement is not None:
        statement.cursor = cursor


class Database:
    """A pool of connections to one database."""

    def __init__(self, engine: Engine, password: str) -> None:
        self._engine = engine
        self._password = password

    def statement(self, call: RunStatement, max_bytes: int) -> "Statement":
        """Prepares to run a statement."""
        return Statement(self._engine, call, max_bytes, self._password)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()


class Statement:
    """One run of a statement: `run` in a thread, `end` from another."""

    def __init__(self, engine: Engine, call: RunStatement, max_bytes: int, password: str) -> None:
        self._engine = engine
        self._call = call
        self._max_bytes = max_bytes
        self._password = password
        self._lock = threading.Lock()
        self._raw: Any = None
        self.cursor: Any = None
        self._is_ended = False

    def run(self) -> StatementResult:
        """Runs it in a transaction of its own."""
        with self._lock:
            if self._is_ended:  # while it waited for a thread
                return StatementFailed(StatementFailure.TIMEOUT, "it was never begun")
        try:
            connection = self._engine.connect()
        except (SQLAlchemyError, OSError) as error:
            return StatementFailed(StatementFailure.UNREACHABLE, self._told(error))
        with connection:
            self._hold(connection)
            try:
                return self._answer(connection)
            except _TooLargeError as error:
                return StatementFailed(StatementFailure.TOO_LARGE, f"the result has {error}")
            except (SQLAlchemyError, ValueError, TypeError, OverflowError) as error:
                return self._failed(connection, error)
            finally:
                self._let_go()
                if self.cursor is not None:
                    with suppress(Exception):  # its connection may be gone
                        self.cursor.close()

    def end(self) -> None:
        """Has the database end it, if it runs; else it is never begun."""
        with self._lock:
            self._is_ended = True
            raw = self._raw
            if raw is None:
                return
            # Not psycopg's `cancel`: where a server is silent, it holds up every other thread.
            safely = getattr(raw, "cancel_safe", None)
            with suppress(Exception):  # it may have ended by itself
                if safely is not None:
                    safely(timeout=CANCEL_S)
                    return
                for name in ("interrupt", "_force_close"):
                    stop = getattr(raw, name, None)
                    if stop is not None:
                        stop()
                        return

    def _hold(self, connection: Connection) -> None:
        with self._lock:
            self._raw = connection.connection.driver_connection

    def _let_go(self) -> None:
        with self._lock:
            self._raw = None

    def _answer(self, connection: Connection) -> StatementResult:
        call = self._call
        # A server keeps the rows that nobody asked for yet; else the driver takes them all.
        streams = call.sql.lstrip().lower().startswith(_READS)
        options = {"statement": self, "stream_results": streams, "max_row_buffer": AT_ONCE}
        bound = {name: _bindable(value) for name, value in call.parameters.items()}
        with connection.begin():
            result = connection.execute(text(call.sql), bound, execution_options=options)
            with closing(result):
                if call.rows is Rows.NONE or not result.returns_rows:
                    return StatementAnswer(max(result.rowcount, 0))
                return StatementAnswer(self._rows(result))

    def _rows(self, result: CursorResult[Any]) -> Any:
        """Reads what is wanted, and no more than may be."""
        names = list(result.keys())
        if self._call.rows is Rows.ONE:
            first = result.first()
            found = None if first is None else _object(names, first)
            self._check_size(len(encode(found)))
            return found
        rows: list[Any] = []
        size = 0
        for part in result.partitions(AT_ONCE):
            objects = [_object(names, row) for row in part]
            rows += objects
            if len(rows) > self._call.max_rows:
                raise _TooLargeError(f"more than {self._call.max_rows} rows")
            size += len(encode(objects))
            self._check_size(size)
        return rows

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise _TooLargeError(f"more than {self._max_bytes} bytes")

    def _failed(self, connection: Connection, error: Exception) -> StatementFailed:
        told = self._told(error)
        is_away = isinstance(error, DBAPIError) and (
            error.connection_invalidated or any(word in told.lower() for word in _AWAY)
        )
        if is_away or self._is_ended:
            connection.invalidate()
        if self._is_ended:
            return StatementFailed(StatementFailure.TIMEOUT, told)
        kind = StatementFailure.UNREACHABLE if is_away else StatementFailure.REFUSED
        return StatementFailed(kind, told)

    def _told(self, error: BaseException) -> str:
        """Gives the driver's words, without the statement, its parameters and the password."""
        own = getattr(error, "orig", None) or error
        words = " ".join(str(own).split())[:LONGEST_TEXT] or type(own).__name__
        return words.replace(self._password, "***") if self._password else words


class _TooLargeError(Exception):
    """The result is more than the node or a task may hold; the transaction is undone."""


def _bindable(value: Any) -> Any:
    """Gives what every driver takes: arrays and objects go as JSON."""
    return encode(value).decode() if isinstance(value, list | dict) else value


def _object(names: Iterable[str], row: Iterable[Any]) -> dict[str, Any]:
    return {name: _json(value) for name, value in zip(names, row, strict=True)}


def _json(value: Any) -> Any:
    """Writes a database's value as JSON knows them; what it does not know is text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case decimal.Decimal():
            return _number(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case list() | tuple():
            return [_json(each) for each in value]
        case dict():
            return {str(name): _json(each) for name, each in value.items()}
    return str(value)


def _number(value: decimal.Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)
