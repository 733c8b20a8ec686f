"""The SQLite store: one writer, readers beside it. HOT.

Statements run on the loop's own thread and only `COMMIT`, which waits for the disk, in another:
see `docs/decisions/0002-sqlite-writing.md`. What people ask runs in threads with connections of
its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from engine.core.batch import Batch, Found, Key, Wants
from engine.core.task import Task, TaskState
from engine.store import processes
from engine.store.asked import Asked
from engine.store.interface import (
    Crew,
    Due,
    NewVersion,
    Walk,
)
from engine.store.sqlite import file, space
from engine.store.sqlite.commit import write
from engine.store.sqlite.file import Connection, Place
from engine.store.sqlite.find import find

T = TypeVar("T")

READERS = 4

_DUE = (
    "SELECT due, task_id, visit FROM task INDEXED BY task_due"
    " WHERE due IS NOT NULL AND due < ? ORDER BY due, task_id LIMIT ?"
)
_WALKS = (
    "SELECT task_id, visit, state, process, node FROM task INDEXED BY task_walk"
    " WHERE state IN ('ready', 'calling') AND task_id > ? AND changed < ?"
    " ORDER BY task_id LIMIT ?"
)
_NEWEST = "SELECT max(task_id) FROM task"
_CALLING = (
    "SELECT task_id, visit, state, process, node FROM task INDEXED BY task_walk"
    " WHERE state IN ('ready', 'calling') AND task_id > ?"
    " AND state = 'calling' AND process = ? AND node = ? ORDER BY task_id LIMIT ?"
)
_EXPIRED = (
    "SELECT message_id FROM message INDEXED BY message_expires"
    " WHERE state = 'kept' AND expires <= ? ORDER BY expires, message_id LIMIT ?"
)
_MAIL_COUNT = "SELECT count(*) FROM message INDEXED BY message_expires WHERE state = 'kept'"


class SqliteStore(Asked):
    """A database in one file (or in memory, for tests), written by this process only."""

    is_shared = False

    def __init__(self, place: Place, *, is_read_only: bool, release: Callable[[], None]) -> None:
        self._place = place
        self._release = release
        super().__init__(place.name, is_read_only=is_read_only)
        self._writing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._writer = self._connect(file.WRITER_CACHE_KB, can_write=not is_read_only)
        self._reader = self._connect(file.READER_CACHE_KB, can_write=False)
        self._engine = sqlalchemy.create_engine(
            "sqlite+pysqlite://",
            module=file.DRIVER,
            creator=lambda: self._connect(file.READER_CACHE_KB, can_write=not is_read_only),
            poolclass=QueuePool,
            pool_size=READERS,
            max_overflow=0,
        )
        self._mail_count = _count_mail(self._reader)

    # The hot path.

    async def load(self, wants: Wants) -> Found:
        has_mail = self._is_read_only or self._mail_count > 0
        return self._look(lambda reader: find(reader, wants, self.keys, has_mail=has_mail))

    async def commit(self, batch: Batch) -> None:
        def work(writer: Connection) -> int:
            write(writer, batch, self.keys)
            is_mail_touched = batch.kept or batch.updated_kept or batch.taken
            return _count_mail(writer) if is_mail_touched else self._mail_count

        self._mail_count = await self._write(work)

    async def due(self, until: int, limit: int) -> list[Due]:
        return [Due(*row) for row in self._rows(_DUE, until, limit)]

    async def walks(self, before: int, after: str, limit: int) -> list[Walk]:
        return [
            Walk(row[0], row[1], TaskState(row[2]), row[3], row[4])
            for row in self._rows(_WALKS, after, before, limit)
        ]

    async def newest(self) -> str:
        return str(self._rows(_NEWEST)[0][0] or "")

    async def calling(self, process: str, node: str, after: str, limit: int) -> list[Walk]:
        return [
            Walk(row[0], row[1], TaskState(row[2]), row[3], row[4])
            for row in self._rows(_CALLING, after, process, node, limit)
        ]

    async def expired(self, now: int, limit: int) -> list[str]:
        return [row[0] for row in self._rows(_EXPIRED, now, limit)]

    # Other workers, of which there are none.

    async def join(self, name: str, lease_us: int, *, holds: bool) -> None:
        """Takes no lease: the file is locked for as long as this store is open."""

    async def renew(self) -> Crew:
        return Crew(1, 0, 0)

    async def leave(self) -> None:
        """Gives nothing back: what is in hand is found again by `walks`."""

    async def claim(self, limit: int) -> list[Walk]:  # noqa: ARG002 - of the interface
        return []

    async def claim_timers(self, until: int, limit: int) -> list[Due]:  # noqa: ARG002 - of the interface
        return []

    async def stranded_mail(self, limit: int) -> list[str]:  # noqa: ARG002 - of the interface
        return []

    def listen(self, wake: Callable[[], None]) -> None:
        """Never wakes: nobody else leaves work here."""

    # Processes.

    async def deploy(self, versions: Sequence[NewVersion], now: int) -> None:
        await self.change(lambda connection: processes.deploy(connection, versions, now, self.keys))

    async def change(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        self._refuse_if_read_only()

        def run(connection: sqlalchemy.Connection) -> T:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            result = work(connection)
            connection.commit()
            return result

        async with self._writing:
            return await self._read(run)

    async def scrub(self) -> None:
        """Writes the file anew: what a row held before may lie in its free pages."""

        def work() -> None:
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        async with self._writing:
            try:
                await self._in_thread(work)
            except file.Error as error:
                raise file.failure(error, self._place) from error

    # Reading, for people.

    async def task(self, key: Key) -> Task | None:
        wants = Wants(keys={key})
        return self._look(lambda reader: find(reader, wants, self.keys, has_mail=False)).by_key.get(
            key
        )

    # Housekeeping.

    async def forget(self, process: str, finished_before: int, limit: int) -> int:
        found = await self._read(
            lambda connection: space.forgettable(
                connection.connection.dbapi_connection, process, finished_before, limit
            )
        )
        if not found:
            return 0
        count = await self._write(
            lambda writer: space.forget(writer, found, finished_before), in_thread=True
        )
        await self._give_space_back()
        return count

    async def forget_answers(self, now: int) -> None:
        while await self._write(lambda writer: space.forget_answers(writer, now), in_thread=True):
            pass
        await self._give_space_back()

    async def aclose(self) -> None:
        async with self._writing:
            self._thread.shutdown()
            self._engine.dispose()
            self._reader.close()
            self._writer.close()
            self._release()

    # How it is done.

    def _connect(self, cache_kb: int, *, can_write: bool) -> Connection:
        return file.connect(
            self._place, cache_kb=cache_kb, can_write=can_write, is_read_only=self._is_read_only
        )

    def _look(self, work: Callable[[Connection], T]) -> T:
        """Reads on the loop's thread: a look-up costs less than the way to another one."""
        try:
            return work(self._reader)
        except file.Error as error:
            raise file.failure(error, self._place) from error

    def _rows(self, statement: str, *values: str | int) -> list[Any]:
        return self._look(lambda reader: reader.execute(statement, values).fetchall())

    async def _read(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        """Reads in a thread of its own; a database in memory is never used by two at once."""

        def run() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run) if self._place.path else run()
        except DBAPIError as error:
            raise file.failure(error.orig or error, self._place) from error

    async def _write(self, work: Callable[[Connection], T], *, in_thread: bool = False) -> T:
        """Runs a transaction, durable when this returns; long work as a whole in the thread."""
        self._refuse_if_read_only()
        writer = self._writer
        async with self._writing:
            try:
                writer.execute("BEGIN IMMEDIATE")
                result = await self._in_thread(lambda: work(writer)) if in_thread else work(writer)
                await self._in_thread(lambda: writer.execute("COMMIT"))
            except file.Error as error:
                file.roll_back(writer)
                raise file.failure(error, self._place) from error
            except BaseException:
                file.roll_back(writer)
                raise
        return result

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Runs in the store's thread, to its end: a transaction can't be left half way."""
        if self._place.path is None:
            return work()
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            running.exception()  # asked for: else it would be logged as forgotten
            raise

    async def _give_space_back(self) -> None:
        """Makes the file smaller, bit by bit: who wants to commit comes in between."""
        is_more_left = True
        while is_more_left:
            async with self._writing:
                try:
                    is_more_left = await self._in_thread(lambda: space.give_back(self._writer))
                except file.Error as error:
                    raise file.failure(error, self._place) from error


def _count_mail(connection: Connection) -> int:
    return int(connection.execute(_MAIL_COUNT).fetchone()[0])
