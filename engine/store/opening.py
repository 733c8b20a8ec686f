"""Opens a store by its URL, and finds the engine that serves one."""

import asyncio
from pathlib import Path

from engine.errors import SettingsError, StoreError
from engine.store import lock
from engine.store.interface import Store
from engine.store.lock import Address

KNOWN = (
    "sqlite:///engine.db (a file here), sqlite:////var/lib/engine.db (a file anywhere),"
    " postgresql://user:password@host:5432/database"
)
SERVERS = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
MEMORY = frozenset({"sqlite://", "sqlite:///:memory:"})


async def open_store(url: str, *, read_only: bool = False) -> Store:
    """Opens a database and brings its schema up to date.

    For reading only it is opened beside the engine that works on it, and never made or changed.

    Raises:
        SettingsError: the URL names no kind of database that is known.
        StoreInUse: another engine works on it.
        SchemaTooNew: a newer engine wrote it.
        StoreError: it can't be opened; the message says why.
    """
    if is_server(url):
        return await _open_server(url, is_read_only=read_only)
    path = path_of(url)
    if path is None:
        return _open(None, is_read_only=False)
    return await asyncio.to_thread(_open, path, is_read_only=read_only)


def announce(url: str, address: str) -> None:
    """Tells commands on this machine where the engine on this database listens."""
    path = None if is_server(url) else path_of(url)
    if path is not None:
        lock.note(path, address)


def serving(url: str) -> Address | None:
    """Finds the engine that serves a database now, if one does and can be reached.

    A database on a server is served by many, on machines that only its owner knows.
    """
    path = None if is_server(url) else path_of(url)
    found = lock.holder(path) if path is not None else None
    return found if found is not None and found.url else None


def is_there(url: str) -> bool:
    """Whether a database was made already; of one on a server that is taken for granted."""
    path = None if is_server(url) else path_of(url)
    return path is None or path.exists()


def is_server(url: str) -> bool:
    """Whether a URL names a database on a server, which many engines share."""
    return url.partition("://")[0] in SERVERS


def path_of(url: str) -> Path | None:
    """Gives the file that a URL names; None is memory.

    Raises:
        SettingsError: it names none.
    """
    if url in MEMORY:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "sqlite":
        raise SettingsError(f"no database can be opened by '{scheme}'; there are: {KNOWN}")
    if not rest.startswith("/") or rest == "/":
        raise SettingsError(f"'{url}' names no file; write it as {KNOWN}")
    return Path(rest.removeprefix("/"))


async def _open_server(url: str, *, is_read_only: bool) -> Store:
    try:
        # Loaded on use, and not there unless it was asked for.
        from engine.store.postgres.opening import open_postgres  # noqa: PLC0415
        from engine.store.postgres.place import Place  # noqa: PLC0415
    except ImportError as error:
        # SQLAlchemy does not say what it misses.
        package = error.name or "greenlet"
        raise StoreError(
            f"a database on a PostgreSQL server needs the package '{package}'",
            hint="pip install 'conveyor-engine[postgres]'",
        ) from error
    return await open_postgres(Place.of(url), is_read_only=is_read_only)


def _open(path: Path | None, *, is_read_only: bool) -> Store:
    # Loaded on use: a command that only asks who serves a database starts 0.3 s sooner.
    from engine.store.sqlite.file import Place  # noqa: PLC0415
    from engine.store.sqlite.opening import open_sqlite  # noqa: PLC0415

    if path is None:
        return open_sqlite(Place.memory(), is_read_only=False, release=_nothing)
    if is_read_only:
        lock.check_folder(path)
        if not path.exists():
            raise StoreError(
                f"there is no database '{path}'", hint="is the path right? An engine makes it"
            )
        return open_sqlite(Place.file(path), is_read_only=True, release=_nothing)
    release = lock.hold(path)
    try:
        return open_sqlite(Place.file(path), is_read_only=False, release=release)
    except BaseException:
        release()
        raise


def _nothing() -> None:
    """Lets go of nothing: no lock is held."""
