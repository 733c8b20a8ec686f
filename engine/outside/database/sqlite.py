"""Files of SQLite: the statement itself looks at the clock, and no cell is larger than memory.

By the `sqlite3` of Python, which can set limits, not by the library of the engine's own file.
Two libraries in one process must not have one file open: each drops the locks of the other.
"""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from engine.core.command import RunStatement, StatementFailure
from engine.outside.database.threads import Limit, ThreadedDatabase, Way

LARGEST_CELL = 16 * 1024**2
_STEPS = 20_000  # of SQLite's machine between two looks at the clock: about a millisecond
_LONGEST_PATTERN = 1000  # of LIKE, which looks at no clock
_FAILURES = {
    "SQLITE_BUSY": StatementFailure.TIMEOUT,
    "SQLITE_LOCKED": StatementFailure.TIMEOUT,
    "SQLITE_INTERRUPT": StatementFailure.TIMEOUT,
    "SQLITE_TOOBIG": StatementFailure.TOO_LARGE,
    "SQLITE_MISMATCH": StatementFailure.PARAMETER,
    "SQLITE_CANTOPEN": StatementFailure.UNREACHABLE,
    "SQLITE_CORRUPT": StatementFailure.UNREACHABLE,
    "SQLITE_FULL": StatementFailure.UNREACHABLE,
    "SQLITE_IOERR": StatementFailure.UNREACHABLE,
    "SQLITE_NOTADB": StatementFailure.UNREACHABLE,
}


def open_sqlite(url: URL, size: int, engine_url: str) -> ThreadedDatabase:
    """Opens a file that is there.

    Raises:
        ValueError: there is no file in the URL, or it is the engine's own.
    """
    if not url.database or url.database == ":memory:":
        raise ValueError("names no file: a database in memory is seen by nobody else")
    file = Path(url.database).resolve()
    if file == _file_of(engine_url):
        raise ValueError("leads to the engine's own database: give its data a file of their own")

    def connect() -> sqlite3.Connection:
        # Not created: a file in the wrong place would be an empty database for ever.
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _LONGEST_PATTERN)
        return connection

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=0
    )
    # The driver would begin a transaction before some statements only.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return ThreadedDatabase(Way(engine, _prepare, _failure_of, _abandon, {}), size)


def _file_of(engine_url: str) -> Path | None:
    try:
        url = make_url(engine_url)
    except ArgumentError:
        return None
    is_file = url.get_backend_name() == "sqlite" and url.database
    return Path(str(url.database)).resolve() if is_file else None


def _prepare(connection: Any, statement: RunStatement, limit: Limit) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(limit.left_s * 1000)}")
    largest = max(LARGEST_CELL, 2 * statement.max_response_bytes)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, largest)
    connection.set_progress_handler(limit.is_over, _STEPS)


def _abandon(_: Any) -> None:
    """Does nothing: SQLite makes a row when it is asked for."""


def _failure_of(error: BaseException) -> StatementFailure:
    if isinstance(error, sqlite3.Error):
        # Extended names go on: SQLITE_IOERR_WRITE.
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        return _FAILURES.get(name, StatementFailure.REFUSED)
    return StatementFailure.REFUSED
