"""The database file: connections, what is set on them, and what their errors mean.

One SQLite library for the whole process, and never the one of the standard library: see
`docs/decisions/0001-sqlite-library.md`.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from pysqlite3 import dbapi2

from engine.errors import StoreError, StoreUnavailable

OLDEST_LIBRARY = (3, 51, 3)
"""Before this, a reset of the WAL could lose committed transactions."""

BUSY_MS = 1000
"""How long a statement waits for a stranger's lock. The loop stands still meanwhile."""
CHECKPOINT_PAGES = 4000
WAL_BYTES_KEPT = 64 * 1024 * 1024
WRITER_CACHE_KB = 32 * 1024
READER_CACHE_KB = 16 * 1024

DRIVER = dbapi2
Error = dbapi2.Error
Connection: TypeAlias = Any
"""The driver ships no types."""

_HINTS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another program is writing to it",
    "SQLITE_LOCKED": "another program is writing to it",
    "SQLITE_READONLY": "it may not be written to",
    "SQLITE_IOERR": "the disk reports an error",
    "SQLITE_CANTOPEN": "its file can't be opened",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a backup",
    "SQLITE_NOTADB": "the file is not a database",
}
_memories = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: a file, or this process's memory."""

    path: Path | None
    uri: str

    @classmethod
    def file(cls, path: Path) -> "Place":
        return cls(path, f"file:{quote(str(path.absolute()))}")

    @classmethod
    def memory(cls) -> "Place":
        """Gives a new database that lives until its last connection is closed."""
        return cls(None, f"file:/conveyor-{next(_memories)}?vfs=memdb")

    @property
    def name(self) -> str:
        return str(self.path) if self.path else "in memory"


def sqlite_version() -> str:
    """Gives the version of the SQLite library in use."""
    return str(dbapi2.sqlite_version)


def check_library(version: str) -> None:
    """Refuses a library that may lose what was committed.

    Raises:
        StoreError: it is too old.
    """
    if tuple(int(part) for part in version.split(".")) < OLDEST_LIBRARY:
        wanted = ".".join(str(part) for part in OLDEST_LIBRARY)
        raise StoreError(
            f"the SQLite library is {version}, which may lose data; {wanted} or newer is needed",
            hint="install a current 'pysqlite3'",
        )


def connect(place: Place, *, cache_kb: int, can_write: bool, is_read_only: bool) -> Connection:
    """Opens a connection in autocommit mode, to be used from one thread at a time."""
    mode = f"?mode={'ro' if is_read_only else 'rwc'}" if place.path else ""
    connection = dbapi2.connect(
        place.uri + mode,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        run = connection.execute
        run(f"PRAGMA busy_timeout = {BUSY_MS}")
        run(f"PRAGMA cache_size = -{cache_kb}")
        run("PRAGMA temp_store = memory")
        run("PRAGMA foreign_keys = off")
        if can_write:
            run("PRAGMA synchronous = full")
            run(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            run(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
        else:
            run("PRAGMA query_only = on")
    except Error:
        connection.close()
        raise
    return connection


def make_ready(connection: Connection, place: Place, *, is_new: bool) -> None:
    """Sets what a file keeps: that it gives back space, and its write-ahead log.

    Raises:
        StoreError: the file system can't do what a write-ahead log needs.
    """
    if is_new:
        # Only a file with nothing in it takes this.
        connection.execute("PRAGMA auto_vacuum = incremental")
    mode = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
    if place.path and mode != "wal":
        raise StoreError(
            f"the database '{place.name}' lies where SQLite can't keep a write-ahead log",
            hint="put it on a disk of this machine, not on a network drive",
        )


def failure(error: Exception, place: Place) -> StoreError:
    """Says what an error of the library means for a caller."""
    if isinstance(error, dbapi2.IntegrityError):
        return StoreError(f"the database '{place.name}' refused a row: {error}")
    return StoreUnavailable(f"the database '{place.name}' can't be used now: {reason(error)}")


def reason(error: Exception) -> str:
    """Says in a few words what an error of the library means."""
    name = str(getattr(error, "sqlite_errorname", "") or "")
    return next((text for code, text in _HINTS.items() if name.startswith(code)), str(error))


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file itself is not as it should be."""
    name = str(getattr(error, "sqlite_errorname", "") or "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def roll_back(connection: Connection) -> None:
    """Ends a transaction that failed, if the library has not done so itself."""
    if connection.in_transaction:
        _quietly(lambda: connection.execute("ROLLBACK"))


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except Error:
        # The failure before this one is what is told; a transaction that is still open
        # makes the next BEGIN fail in the same way.
        return
