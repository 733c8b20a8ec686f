"""Moves a SQLite database to PostgreSQL while its engine works, and loses nothing.

Three steps. While the engine goes on, one snapshot of the file is copied. When it has been
stopped, what differs by then (tasks whose revision is another, or that are new or gone) is copied
in one transaction, and both sides are compared. Last the file is marked as moved, and only then is
the new database opened for engines. Until that moment nothing of the file was changed; whenever
the copy dies it can be run again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Table

from engine.errors import SettingsError, StoreError, StoreMoved
from engine.store import lock
from engine.store.moved import FROM, TO
from engine.store.opening import is_server, open_store, path_of
from engine.store.postgres.line import Connection, connect
from engine.store.postgres.place import LOST, Place, refusal
from engine.store.rows import storable
from engine.store.sqlite import file
from engine.store.tables import FLAG, FOREIGN, Row

AT_ONCE = 2000
"""Rows read and written together: few enough for little memory."""
LISTED_AT_ONCE = 20_000
CACHE_KB = 8 * 1024
BIG = ("task", "history")
SMALL = ("process", "version", "message", "answer", "counter")

Tell = Callable[[str, int], None]
Revisions = Iterator[tuple[str, int]]


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
                hint="engine db copy --database sqlite:///engine.db --to postgresql://…",
            )
        self._path = path
        self._source_url = source
        self._target_url = target
        self._place = Place.of(target)
        self._tell = tell

    async def begin(self) -> None:
        """Copies what is in the file now, into a database with nothing in it.

        Raises:
            StoreError: one of them can't be opened, or the target has tasks of its own.
        """
        # Opened as any reader would, who knows what may be wrong with a file.
        await (await open_store(self._source_url, read_only=True)).aclose()
        # A copy that was broken off, perhaps of this very file: `_take_target` looks.
        with contextlib.suppress(StoreMoved):
            await (await open_store(self._target_url)).aclose()
        connection = await self._connect()
        try:
            await self._take_target(connection)
            await self._copy_snapshot(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            raise refusal(error, self._place) from error
        finally:
            connection.terminate()

    async def finish(self) -> Copied:
        """Copies what has changed since, compares, and hands over.

        Raises:
            StoreInUse: an engine works on the file; nothing was changed.
            StoreError: the two differ in the end; the file was not marked.
        """
        release = await asyncio.to_thread(lock.hold, self._path)
        try:
            connection = await self._connect()
            source = self._open(can_write=True)
            try:
                return await self._hand_over(source, connection)
            except (*LOST, asyncpg.PostgresError) as error:
                raise refusal(error, self._place) from error
            finally:
                source.close()
                connection.terminate()
        finally:
            release()

    async def _take_target(self, connection: Connection) -> None:
        """Makes sure that nothing but a copy of this very file is written over."""
        name = self._place.name
        mark = await connection.fetchrow(
            "SELECT place, is_done FROM moved WHERE direction = $1", FROM
        )
        ours = str(self._path.absolute())
        if mark is not None and (mark["is_done"] or mark["place"] != ours):
            raise StoreError(
                f"'{name}' has the tasks of '{mark['place']}' already",
                hint="copy into a database with nothing in it",
            )
        if mark is None and await connection.fetchval("SELECT EXISTS (SELECT FROM process)"):
            raise StoreError(
                f"'{name}' has processes of its own",
                hint="copy into a database with nothing in it, before an engine works on it",
            )
        async with connection.transaction():
            for table in (*BIG, *SMALL):
                await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            await connection.execute(
                "INSERT INTO moved (direction, place, is_done) VALUES ($1, $2, false)"
                " ON CONFLICT DO NOTHING",
                FROM, ours,
            )  # fmt: skip

    async def _copy_snapshot(self, connection: Connection) -> None:
        source = self._open(can_write=False)
        try:
            source.execute("BEGIN")
            for name in BIG:
                table, done = Row.metadata.tables[name], 0
                cursor = source.execute(f"SELECT {_columns(table)} FROM {name}")  # noqa: S608 - names of ours
                while rows := await asyncio.to_thread(cursor.fetchmany, AT_ONCE):
                    await _write(connection, table, rows)
                    done += len(rows)
                    self._tell(name, done)
        finally:
            source.close()

    async def _hand_over(self, source: file.Connection, connection: Connection) -> Copied:
        async with connection.transaction():
            changed = await self._copy_changes(source, connection)
            for name in SMALL:
                table = Row.metadata.tables[name]
                await connection.execute(f"DELETE FROM {name}")  # noqa: S608 - names of ours
                cursor = source.execute(f"SELECT {_columns(table)} FROM {name}")  # noqa: S608 - names of ours
                while rows := cursor.fetchmany(AT_ONCE):
                    await _write(connection, table, rows)
            copied = await self._compare(source, connection, changed)
            await connection.execute("UPDATE moved SET is_done = true WHERE direction = $1", FROM)
            # Before the other side is opened: two databases with the same tasks must never both
            # be worked on. If we die between the two, running the copy again finishes it.
            source.execute(
                "INSERT INTO moved (direction, place, is_done) VALUES (?, ?, 1)"
                " ON CONFLICT (direction) DO UPDATE SET place = excluded.place",
                (TO, self._place.name),
            )
        return copied

    async def _copy_changes(self, source: file.Connection, connection: Connection) -> int:
        there = [revision async for revision in _revisions_there(connection)]
        here = source.execute("SELECT task_id, revision FROM task ORDER BY task_id")
        changed = 0
        for part in _parts(_differing(iter(here), iter(there))):
            changed += len(part)
            for name in BIG:
                table = Row.metadata.tables[name]
                await connection.execute(
                    f"DELETE FROM {name} WHERE task_id = ANY($1::text[])",  # noqa: S608 - names of ours
                    part,
                )
                places = ", ".join("?" * len(part))
                rows = source.execute(
                    f"SELECT {_columns(table)} FROM {name} WHERE task_id IN ({places})",  # noqa: S608 - names of ours
                    part,
                ).fetchall()
                if rows:
                    await _write(connection, table, rows)
            self._tell("changed", changed)
        return changed

    async def _compare(
        self, source: file.Connection, connection: Connection, changed: int
    ) -> Copied:
        """Compares how many rows there are, and the revisions of all tasks together."""
        asked = {name: f"SELECT count(*) FROM {name}" for name in (*BIG, *SMALL)}  # noqa: S608 - names of ours
        asked["revisions"] = "SELECT coalesce(sum(revision), 0) FROM task"
        here = {name: source.execute(text).fetchone()[0] for name, text in asked.items()}
        there = {name: int(await connection.fetchval(text)) for name, text in asked.items()}
        if here != there:
            raise StoreError(
                f"the copy differs from '{self._path}': {there} instead of {here}",
                hint="nothing was handed over, and the file is as it was: run the copy again",
            )
        return Copied(here["task"], here["history"], changed)

    def _open(self, *, can_write: bool) -> file.Connection:
        place = file.Place.file(self._path)
        return file.connect(
            place, cache_kb=CACHE_KB, can_write=can_write, is_read_only=not can_write
        )

    async def _connect(self) -> Connection:
        try:
            connection = await connect(self._place, statement_s=None)
            # Here a transaction rightly waits for a file.
            await connection.execute("SET idle_in_transaction_session_timeout = 0")
        except (*LOST, asyncpg.PostgresError, ValueError) as error:
            raise refusal(error, self._place) from error
        return connection


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _columns(table: Table) -> str:
    return ", ".join(_names(table))


async def _write(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows as SQLite gives them: there flags are numbers, and text may hold a NUL."""
    flags = [at for at, column in enumerate(table.columns) if column.type is FLAG]
    texts = [at for at, column in enumerate(table.columns) if column.type is FOREIGN]
    records: list[list[Any]] = []
    for row in rows:
        record = list(row)
        for at in flags:
            record[at] = bool(record[at])
        for at in texts:
            record[at] = None if record[at] is None else storable(record[at])
        records.append(record)
    await connection.copy_records_to_table(table.name, records=records, columns=_names(table))


async def _revisions_there(connection: Connection) -> Any:
    after = ""
    while rows := await connection.fetch(
        "SELECT task_id, revision FROM task WHERE task_id > $1 ORDER BY task_id LIMIT $2",
        after, LISTED_AT_ONCE,
    ):  # fmt: skip
        for row in rows:
            yield row[0], row[1]
        after = rows[-1][0]


def _differing(here: Revisions, there: Revisions) -> Iterator[str]:
    """Gives the ids of tasks that are on one side only or have another revision; both in order."""
    one, other = next(here, None), next(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            yield one[0]  # type: ignore[index] # one of the two is there
            one = next(here, None)
        elif one is None or other[0] < one[0]:
            yield other[0]
            other = next(there, None)
        else:
            if one[1] != other[1]:
                yield one[0]
            one, other = next(here, None), next(there, None)


def _parts(ids: Iterator[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for task_id in ids:
        part.append(task_id)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part
