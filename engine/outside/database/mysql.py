"""MySQL and MariaDB, by PyMySQL; the time limit of a statement is that of its socket."""

from typing import Any

import pymysql
from sqlalchemy import URL, create_engine

from engine.core.command import RunStatement, StatementFailure
from engine.outside.database.threads import Limit, ThreadedDatabase, Way

CONNECT_S = 10
_CONFLICTS = frozenset({1205, 1213})
_LATE = frozenset({1317, 1969, 3024})
_VALUES = frozenset({1264, 1265, 1292, 1366, 1406, 3140})
_NOT_NOW = frozenset({1040, 1041, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1226, 1290, 1836})


def open_mysql(url: URL, size: int) -> ThreadedDatabase:
    """Opens a database on a server."""
    engine = create_engine(
        url.set(drivername="mysql+pymysql"),
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=60,
        connect_args={
            "connect_timeout": CONNECT_S,
            "read_timeout": CONNECT_S,
            "write_timeout": CONNECT_S,
        },
    )
    # Rows as they come: otherwise the driver reads all of them before it gives one.
    way = Way(engine, _prepare, _failure_of, _abandon, {"stream_results": True})
    return ThreadedDatabase(way, size)


def _prepare(connection: Any, _: RunStatement, limit: Limit) -> None:
    # There is no other way to change these for one statement.
    connection._read_timeout = connection._write_timeout = limit.left_s + 0.001  # noqa: SLF001


def _abandon(connection: Any) -> None:
    # Otherwise its cursor reads all rows to the end when it is closed.
    if connection is not None and connection._result is not None:  # noqa: SLF001
        connection._result.unbuffered_active = False  # noqa: SLF001


def _failure_of(error: BaseException) -> StatementFailure:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _CONFLICTS:
        return StatementFailure.CONFLICT
    if code in _LATE:
        return StatementFailure.TIMEOUT
    if code in _VALUES or isinstance(error, pymysql.err.DataError):
        return StatementFailure.PARAMETER
    if code in _NOT_NOW or 2000 <= code < 3000 or isinstance(error, pymysql.err.InterfaceError):
        return StatementFailure.UNREACHABLE
    return StatementFailure.REFUSED
