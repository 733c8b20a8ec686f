"""Opens a PostgreSQL database: checks the server, brings the schema up to date."""

from typing import Any

import asyncpg
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from engine.errors import StoreError
from engine.store.migrations import NEWEST, refuse_unknown, too_old
from engine.store.moved import READ, refuse_moved
from engine.store.postgres.line import LOCK_MS, Connection, connect
from engine.store.postgres.place import LOST, Place, refusal
from engine.store.postgres.store import DEPLOYING, PostgresStore, cause
from engine.store.tables import Row

OLDEST_SERVER = 14


async def open_postgres(place: Place, *, is_read_only: bool) -> PostgresStore:
    """Opens a database on a server.

    Raises:
        StoreError: it can't be opened, or is not ours; nothing was changed.
        SchemaTooNew: a newer engine wrote it.
    """
    try:
        connection = await connect(place, is_read_only=is_read_only)
        try:
            await _check_server(connection, place)
            revision = await _revision(connection, place)
            if revision is not None and revision != NEWEST:
                refuse_unknown(revision, place.name)
            if revision != NEWEST:
                if is_read_only:
                    raise too_old(place.name)
                await _upgrade(place)
            if not is_read_only:
                refuse_moved([tuple(row) for row in await connection.fetch(READ)], place.name)
        finally:
            connection.terminate()
    except SQLAlchemyError as error:
        raise refusal(cause(error), place) from error
    except (*LOST, asyncpg.PostgresError, ValueError) as error:
        raise refusal(error, place) from error
    return PostgresStore(place, is_read_only=is_read_only)


async def _check_server(connection: Connection, place: Place) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        raise StoreError(
            f"the server of '{place.name}' is PostgreSQL {version.major}",
            hint=f"{OLDEST_SERVER} is the oldest that the engine works with",
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"the database '{place.name}' has the encoding {encoding}",
            hint=f"create one for the engine: CREATE DATABASE {place.database} ENCODING 'UTF8'"
            " TEMPLATE template0",
        )


async def _revision(connection: Connection, place: Place) -> str | None:
    """Gives the revision of the schema; None where there is none of our tables."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is not None:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        return str(revision) if revision else None
    names = [table.name for table in Row.metadata.sorted_tables]
    taken = await connection.fetchval(
        "SELECT min(name) FROM unnest($1::text[]) AS name"
        " WHERE to_regclass(quote_ident(name)) IS NOT NULL",
        names,
    )
    if taken is not None:
        raise StoreError(
            f"the database '{place.name}' belongs to another program: it has a table '{taken}'",
            hint="give the engine a database of its own, or a schema: …?search_path=conveyor",
        )
    return None


async def _upgrade(place: Place) -> None:
    """Runs what is missing. Of engines that start at once one does, and the others wait for it."""
    # Alembic takes 0.2 s to import, and a database that is up to date needs none of it.
    from engine.store.migrations.upgrade import upgrade  # noqa: PLC0415

    def work(opened: sqlalchemy.Connection) -> None:
        opened.exec_driver_sql("SET LOCAL lock_timeout = 0")
        opened.exec_driver_sql(f"SELECT pg_advisory_xact_lock({DEPLOYING})")
        # A table in use is given up after a while: whoever comes after this would wait too.
        opened.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")
        upgrade(opened)
        opened.commit()

    async def patient() -> Any:
        return await connect(place, statement_s=None)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=patient)
    try:
        async with engine.connect() as opened:
            await opened.run_sync(work)
    finally:
        await engine.dispose()
