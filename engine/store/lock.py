"""One engine a database: the lock it holds, and the note where it can be reached.

Beside `engine.db` lie `engine.db.lock`, held while an engine has the database open, and
`engine.db.address`, which says who that is. The note of an engine that died is not believed.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import StoreError, StoreInUse

PATIENCE_S = 0.3
"""A command that looks whether the lock is held has it for a moment itself."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine that serves a database listens; `url` is empty until it does."""

    url: str
    pid: int


def hold(database: Path) -> Callable[[], None]:
    """Takes the database for this process; gives the function that lets it go.

    Raises:
        StoreInUse: another engine has it.
        StoreError: its folder is missing or can't be written to.
    """
    check_folder(database)
    lock = _lock(database)
    try:
        lock.acquire(timeout=PATIENCE_S, poll_interval=0.02)
    except Timeout:
        raise _in_use(database) from None
    except OSError as error:
        raise StoreError(
            f"can't write beside the database '{database}': {error.strerror}",
            hint="may this user write to its folder?",
        ) from None
    note(database, "")

    def release() -> None:
        _note_file(database).unlink(missing_ok=True)
        lock.release()

    return release


def note(database: Path, url: str) -> None:
    """Writes down where this process can be reached."""
    file = _note_file(database)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    draft.replace(file)


def holder(database: Path) -> Address | None:
    """Gives who has the database, if somebody has."""
    address = _read_note(database)
    if address is None or not _is_held(database):
        return None
    return address


def check_folder(database: Path) -> None:
    """Refuses a path where no file can be.

    Raises:
        StoreError: the folder is missing, or there is a folder in the file's place.
    """
    folder = database.absolute().parent
    if not folder.is_dir():
        raise StoreError(
            f"the folder '{folder}' for the database '{database.name}' does not exist",
            hint="create it, or name another place with --database or ENGINE_DATABASE",
        )
    if database.is_dir():
        raise StoreError(
            f"'{database}' is a folder, not a database file",
            hint="name a file in it, such as sqlite:///data/engine.db",
        )


def _is_held(database: Path) -> bool:
    lock = _lock(database)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _in_use(database: Path) -> StoreInUse:
    address = _read_note(database)
    who = f" (process {address.pid})" if address else ""
    where = f" at {address.url}" if address and address.url else ""
    return StoreInUse(
        f"another engine{who} works on the database '{database}'{where}",
        hint="stop it first, or give this one another database",
    )


def _read_note(database: Path) -> Address | None:
    try:
        values = json.loads(_note_file(database).read_text(encoding="utf-8"))
        return Address(str(values["url"]), int(values["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lock(database: Path) -> FileLock:
    # Taken in one thread and let go in another.
    return FileLock(f"{database.absolute()}.lock", thread_local=False)


def _note_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.address")
