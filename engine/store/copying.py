"""Moves a SQLite database to PostgreSQL while its engine works, and loses nothing.

Three steps. While the engine goes on, one snapshot of the file is copied and every row of it
compared. When the engine has been stopped, what differs by then (tasks whose revision is another,
or that are new or gone) is copied and compared in one transaction. Last the file is marked as
moved, and only then is the new database opened for engines. Until that moment nothing of the file
was changed; whenever the copy dies it can be run again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import asyncpg

from engine.errors import SettingsError, StoreError, StoreMoved
from engine.store import lock
from engine.store.moved import FROM, READ, TO, refuse_moved
from engine.store.opening import is_server, open_store, path_of
from engine.store.postgres.line import Connection, connect
from engine.store.postgres.place import LOST, Place, refusal
from engine.store.postgres.sharing import IS_ANYBODY_THERE
from engine.store.sqlite import file
from engine.store.transfer import columns_of, differing, digest_there, windows, write

CACHE_KB = 8 * 1024
CHANGED_AT_ONCE = 500
COPYING = 0x636F7079
BIG = ("task", "history")
SMALL = ("process", "version", "message", "answer", "counter", "total")

Tell = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What lies in the new database."""

    tasks: int
    history: int
    changed: int
    """Tasks that were copied once more, because they moved while the first copy was made."""


class Copy:
    """One move. `begin` may run beside the engine, `finish` may not."""

    def __init__(self, source: str, target: str, tell: Tell) -> None:
        path = None if is_server(source) else path_of(source)
        if path is None or not is_server(target):
            raise SettingsError(
                "a copy goes from a SQLite file to PostgreSQL",
                hint="engine db copy sqlite:///engine.db postgresql://user:password@host/database",
            )
        self._path = path
        self._source_url = source
        self._target_url = target
        self._place = Place.of(target)
        self._tell = tell

    async def begin(self) -> None:
        """Copies what is in the file now, into a database with nothing in it.

        Raises:
            StoreMoved: the file was moved before.
            StoreError: one of them can't be opened, or the target has tasks of its own.
        """
        # Opened as any reader would, who knows what may be wrong with a file.
        await (await open_store(self._source_url, read_only=True)).aclose()
        # A copy that was broken off, perhaps of this very file: `_take_target` looks.
        with contextlib.suppress(StoreMoved):
            await (await open_store(self._target_url)).aclose()
        async with self._target() as connection:
            with self._source(can_write=False) as source:
                await self._take_target(source, connection)
                await self._copy_snapshot(source, connection)

    async def finish(self) -> Copied:
        """Copies what has changed since, compares, and hands over.

        Raises:
            StoreInUse: an engine works on the file; nothing was changed.
            StoreError: the two differ in the end; the file was not marked.
        """
        release = await asyncio.to_thread(lock.hold, self._path)
        try:
            async with self._target() as connection:
                with self._source(can_write=True) as source:
                    return await self._hand_over(source, connection)
        finally:
            release()

    async def _take_target(self, source: file.Connection, connection: Connection) -> None:
        """Makes sure that nothing but a copy of this very file is written over."""
        name = self._place.name
        if not await self._is_half_done(connection):
            refuse_moved(source.execute(READ).fetchall(), str(self._path))
            if await connection.fetchval("SELECT EXISTS (SELECT FROM process)"):
                raise StoreError(
                    f"'{name}' has processes of its own",
                    hint="copy into a database with nothing in it, before an engine works on it",
                )
        async with connection.transaction():
            await connection.execute(f"TRUNCATE {', '.join((*BIG, *SMALL))}")
            await connection.execute(
                "INSERT INTO moved (direction, place, is_done) VALUES ($1, $2, false)"
                " ON CONFLICT DO NOTHING",
                FROM, self._own_mark,
            )  # fmt: skip

    async def _is_half_done(self, connection: Connection) -> bool:
        """Whether there is a copy of this file already that was not finished.

        Raises:
            StoreError: the target has other tasks, or an engine.
        """
        name = self._place.name
        if await connection.fetchval(IS_ANYBODY_THERE):
            raise StoreError(
                f"an engine works on '{name}'",
                hint="stop it, and copy into a database with nothing in it; one that was killed "
                "counts as dead when its lease is over (lease_seconds)",
            )
        mark = await connection.fetchrow(
            "SELECT place, is_done FROM moved WHERE direction = $1", FROM
        )
        if mark is not None and (mark["is_done"] or mark["place"] != self._own_mark):
            raise StoreError(
                f"'{name}' has the tasks of '{mark['place']}' already",
                hint="if that was this copy, it is done: start engines on the new database; else "
                "copy into one with nothing in it",
            )
        return mark is not None

    async def _copy_snapshot(self, source: file.Connection, connection: Connection) -> None:
        source.execute("BEGIN")
        for name in BIG:
            done = digest = 0
            for rows in windows(source.execute(f"SELECT {columns_of(name)} FROM {name}")):  # noqa: S608 - names of ours
                digest += await write(connection, name, rows)
                done += len(rows)
                self._tell(name, done)
            self._compare(name, digest, await digest_there(connection, name))
            # Whoever reads the new database first must not wait for the server to look by itself.
            await connection.execute(f"ANALYZE {name}")

    async def _hand_over(self, source: file.Connection, connection: Connection) -> Copied:
        async with connection.transaction():
            if not await self._is_half_done(connection):
                raise StoreError(
                    f"the copy in '{self._place.name}' is gone", hint="run the copy again"
                )
            changed = await self._copy_changes(source, connection)
            for name in SMALL:
                await self._copy_small(name, source, connection)
            copied = await self._compare_counts(source, connection, changed)
            await connection.execute("UPDATE moved SET is_done = true WHERE direction = $1", FROM)
            # Before the other side is opened: two databases with the same tasks must never both
            # be worked on. If we die between the two, running the copy again finishes it.
            source.execute(
                "INSERT INTO moved (direction, place, is_done) VALUES (?, ?, 1)"
                " ON CONFLICT (direction) DO UPDATE SET place = excluded.place",
                (TO, self._place.name),
            )
            self._tell("marked", 1)
        return copied

    async def _copy_changes(self, source: file.Connection, connection: Connection) -> int:
        await connection.execute(
            "CREATE TEMPORARY TABLE changed (number bigint, task_id text) ON COMMIT DROP"
        )
        changed = 0
        async for ids in differing(source, connection):
            records = list(enumerate(ids, changed))
            await connection.copy_records_to_table("changed", records=records)
            changed += len(ids)
        # All of them go before the first comes: a ref that one gave free another may have taken.
        for name in BIG:
            await connection.execute(
                f"DELETE FROM {name} WHERE task_id IN (SELECT task_id FROM changed)"  # noqa: S608 - names of ours
            )
        cursor = await connection.cursor("SELECT task_id FROM changed ORDER BY number")
        done = 0
        while part := [row[0] for row in await cursor.fetch(CHANGED_AT_ONCE)]:
            for name in BIG:
                await self._copy_of(name, part, source, connection)
            done += len(part)
            self._tell("changed", done)
        return changed

    async def _copy_of(
        self, name: str, ids: list[str], source: file.Connection, connection: Connection
    ) -> None:
        places = ", ".join("?" * len(ids))
        digest = 0
        for rows in windows(
            source.execute(
                f"SELECT {columns_of(name)} FROM {name} WHERE task_id IN ({places})",  # noqa: S608 - names of ours
                ids,
            )
        ):
            digest += await write(connection, name, rows)
        self._compare(name, digest, await digest_there(connection, name, ids))

    async def _copy_small(self, name: str, source: file.Connection, connection: Connection) -> None:
        await connection.execute(f"DELETE FROM {name}")  # noqa: S608 - names of ours
        digest = done = 0
        for rows in windows(source.execute(f"SELECT {columns_of(name)} FROM {name}")):  # noqa: S608 - names of ours
            digest += await write(connection, name, rows)
            done += len(rows)
            self._tell(name, done)
        self._compare(name, digest, await digest_there(connection, name))

    async def _compare_counts(
        self, source: file.Connection, connection: Connection, changed: int
    ) -> Copied:
        """Compares how many rows there are, and the revisions of all tasks together."""
        asked = {name: f"SELECT count(*) FROM {name}" for name in (*BIG, *SMALL)}  # noqa: S608 - names of ours
        asked["revisions"] = "SELECT coalesce(sum(revision), 0) FROM task"
        here = {name: source.execute(text).fetchone()[0] for name, text in asked.items()}
        there = {name: int(await connection.fetchval(text)) for name, text in asked.items()}
        for name in asked:
            self._compare(name, here[name], there[name])
        return Copied(here["task"], here["history"], changed)

    def _compare(self, name: str, here: int, there: int) -> None:
        if here != there:
            raise StoreError(
                f"the copy of '{name}' differs from that in '{self._path}'",
                hint="nothing was handed over, and the file is as it was: run the copy again",
            )

    @property
    def _own_mark(self) -> str:
        return str(self._path.absolute())

    @contextlib.contextmanager
    def _source(self, *, can_write: bool) -> Iterator[file.Connection]:
        place = file.Place.file(self._path)
        try:
            connection = file.connect(
                place, cache_kb=CACHE_KB, can_write=can_write, is_read_only=not can_write
            )
            try:
                yield connection
            finally:
                connection.close()
        except file.Error as error:
            raise file.failure(error, place) from error

    @contextlib.asynccontextmanager
    async def _target(self) -> AsyncIterator[Connection]:
        """Connects to the new database, where one copy writes at a time."""
        connection = None
        try:
            connection = await connect(self._place, statement_s=None)
            # Here a transaction rightly waits for a file.
            await connection.execute("SET idle_in_transaction_session_timeout = 0")
            await self._be_the_only_copy(connection)
            yield connection
            await connection.close()
        except (*LOST, asyncpg.PostgresError, ValueError) as error:
            raise refusal(error, self._place) from error
        finally:
            if connection is not None:
                connection.terminate()

    async def _be_the_only_copy(self, connection: Connection) -> None:
        try:
            await connection.execute(f"SELECT pg_advisory_lock({COPYING})")
        except asyncpg.LockNotAvailableError as error:
            raise StoreError(
                f"another copy writes into '{self._place.name}' now", hint="let it end first"
            ) from error
