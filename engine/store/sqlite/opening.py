"""Opens a SQLite database: checks the library and the file, brings the schema up to date."""

from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool

from engine.errors import StoreError
from engine.store.migrations import NEWEST, refuse_unknown, too_old
from engine.store.moved import READ, refuse_moved
from engine.store.sqlite import file
from engine.store.sqlite.file import Connection, Place
from engine.store.sqlite.store import SqliteStore
from engine.store.tables import Row


def open_sqlite(
    place: Place,
    *,
    is_read_only: bool,
    release: Callable[[], None],
    make: type[SqliteStore] = SqliteStore,
) -> SqliteStore:
    """Opens a database; `release` is called when the store is closed.

    Raises:
        StoreError: it can't be opened, or is not ours; nothing was changed.
        SchemaTooNew: a newer engine wrote it.
    """
    file.check_library(file.sqlite_version())
    try:
        connection = file.connect(
            place, cache_kb=1024, can_write=not is_read_only, is_read_only=is_read_only
        )
        try:
            if is_read_only:
                _check_revision(connection, place)
            else:
                _bring_up_to_date(connection, place)
                refuse_moved(connection.execute(READ).fetchall(), place.name)
            # Before the connection is closed: a database in memory would go with it.
            return make(place, is_read_only=is_read_only, release=release)
        finally:
            connection.close()
    except file.Error as error:
        raise StoreError(
            f"can't open the database '{place.name}': {file.reason(error)}",
            hint=""
            if file.is_damage(error)
            else "is the path right, and may this user write there?",
        ) from error


def _check_revision(connection: Connection, place: Place) -> None:
    revision = _revision(connection, place)
    if revision == NEWEST:
        return
    if revision is not None:
        refuse_unknown(revision, place.name)
    raise too_old(place.name)


def _bring_up_to_date(connection: Connection, place: Place) -> None:
    revision = _revision(connection, place)
    if revision is not None and revision != NEWEST:
        refuse_unknown(revision, place.name)
    file.make_ready(connection, place, is_new=revision is None)
    if place.path is None:
        connection.executescript(_newest_schema())
    elif revision != NEWEST:
        _upgrade(connection)


def _revision(connection: Connection, place: Place) -> str | None:
    """Gives the revision of the schema; None for a database with nothing in it."""
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    if "alembic_version" not in tables:
        if tables:
            raise StoreError(
                f"the database '{place.name}' belongs to another program:"
                f" it has a table '{tables[0]}'",
                hint="give the engine a file of its own",
            )
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def _upgrade(connection: Connection) -> None:
    # Alembic takes 0.2 s to import, and a database that is up to date needs none of it.
    from engine.store.migrations.upgrade import upgrade  # noqa: PLC0415

    engine = sqlalchemy.create_engine(
        "sqlite+pysqlite://",
        module=file.DRIVER,
        creator=lambda: connection,
        poolclass=StaticPool,
    )
    with engine.connect() as opened:
        opened.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(opened)
        opened.commit()


@cache
def _newest_schema() -> str:
    """Gives the tables as one script: a database in memory, for a test, is there in a moment."""
    dialect = sqlite.dialect()
    made: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        made.append(str(statement.compile(dialect=dialect)))

    Row.metadata.create_all(sqlalchemy.create_mock_engine("sqlite://", note), checkfirst=False)
    return ";\n".join(made)
