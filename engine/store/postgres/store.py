"""The PostgreSQL store: one connection for turns, others beside it, many engines at once. HOT.

What a turn reads and writes goes over the turn's own connection, straight through the driver.
What people ask goes through SQLAlchemy. Nothing is locked while a turn thinks: a commit is refused
when another engine changed what this one had read.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from engine.core.batch import Batch, Found, Key, Wants
from engine.core.task import Task
from engine.errors import StoreError
from engine.store import processes
from engine.store.asked import Asked
from engine.store.interface import (
    Crew,
    Due,
    NewVersion,
    Walk,
)
from engine.store.postgres import sharing
from engine.store.postgres.commit import Hand, write
from engine.store.postgres.find import find
from engine.store.postgres.line import CONNECT_S, Connection, Line, connect
from engine.store.postgres.place import LOST, Place, failure
from engine.store.tables import LIST_MARK

T = TypeVar("T")

CHANNEL = "conveyor"
READERS = 2
SIDE_LINES = 2
DEPLOYING = 0x636F6E76
"""The number of the lock that deploys and migrations take; others may not choose it by chance."""
UNDELIVERED_KEPT_US = 30 * 86_400_000_000

_FORGET = (
    "WITH gone AS (DELETE FROM task WHERE task_id IN (SELECT task_id FROM task"  # noqa: S608 - a text of ours
    f" WHERE process = $1 AND {LIST_MARK} AND task_id < $2 AND finished < $3"
    " ORDER BY process, task_id LIMIT $4"
    " FOR UPDATE SKIP LOCKED) RETURNING task_id),"
    " history_gone AS (DELETE FROM history WHERE task_id IN (SELECT task_id FROM gone))"
    " SELECT count(*) FROM gone"
)
_FORGET_ANSWERS = "DELETE FROM answer WHERE expires <= $1"
_FORGET_MESSAGES = "DELETE FROM message WHERE state = 'undelivered' AND expires <= $1"


class PostgresStore(Asked):
    """A database on a server, worked on by any number of engines."""

    is_shared = True

    def __init__(self, place: Place, *, is_read_only: bool) -> None:
        self._place = place
        super().__init__(place.name, is_read_only=is_read_only)
        self._hand = Hand()
        self._sweep = sharing.Sweep()
        self._wake: Callable[[], None] | None = None
        self._heard_by: Connection = None
        self._background: set[asyncio.Task[None]] = set()
        self._is_telling = False
        self._turns = Line(place, self._connect)
        self._leases = Line(place, self._connect)
        self._sides = [Line(place, self._connect) for _ in range(SIDE_LINES)]
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: connect(place, is_read_only=is_read_only),
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=CONNECT_S,
            pool_pre_ping=True,
        )

    # The hot path.

    async def load(self, wants: Wants) -> Found:
        async with self._turns.use() as connection:
            return await find(connection, wants, self.keys)

    async def commit(self, batch: Batch) -> None:
        self._refuse_if_read_only()
        hand = self._hand
        async with self._turns.use() as connection:
            await write(connection, batch, hand, self.keys)
        if hand.leaves_work(batch):
            self._tell_others()

    async def due(self, until: int, limit: int) -> list[Due]:
        async with self._side() as connection:
            return await sharing.due(connection, self._held, until, limit)

    async def walks(self, before: int, after: str, limit: int) -> list[Walk]:
        async with self._side() as connection:
            return await sharing.walks(connection, self._held, before, after, limit)

    async def newest(self) -> str:
        async with self._side() as connection:
            return str(await connection.fetchval(sharing.NEWEST) or "")

    async def calling(self, process: str, node: str, after: str, limit: int) -> list[Walk]:
        async with self._side() as connection:
            return await sharing.calling(connection, self._held, (process, node), after, limit)

    async def expired(self, now: int, limit: int) -> list[str]:
        async with self._side() as connection:
            return [row[0] for row in await connection.fetch(sharing.EXPIRED, now, limit)]

    # Other workers.

    async def join(self, name: str, lease_us: int, *, holds: bool) -> None:
        self._refuse_if_read_only()
        role = sharing.WORKER if holds else sharing.FRONT
        async with self._leases.use() as connection:
            # Until there is a new token the old one stands, with which nothing can be written.
            if self._hand.token is not None:
                await sharing.leave(connection, self._hand.token)
            token = await sharing.join(connection, name, lease_us, role)
            self._hand = Hand(token, holds)
            await self._hear(connection)

    async def renew(self) -> Crew:
        token = self._hand.token
        if token is None:
            raise StoreError("this engine has not joined the others: it has no lease to renew")
        async with self._leases.use() as connection:
            await self._hear(connection)
            crew = await sharing.renew(connection, token)
            key_id = await connection.fetchval(sharing.SEALING_KEY)
        if key_id is not None and key_id != self.keys.current:
            self.keys.use(key_id)
        return crew

    async def leave(self) -> None:
        token = self._hand.token
        if token is None:
            return
        async with self._leases.use() as connection:
            await sharing.leave(connection, token)
            await connection.execute(f"NOTIFY {CHANNEL}")

    async def claim(self, limit: int) -> list[Walk]:
        token = self._held
        if token is None:
            return []
        async with self._side() as connection:
            return await sharing.claim(connection, token, limit)

    async def claim_timers(self, until: int, limit: int) -> list[Due]:
        token = self._held
        if token is None:
            return []
        async with self._side() as connection:
            return await sharing.claim_timers(connection, token, until, limit)

    async def stranded_mail(self, limit: int) -> list[str]:
        async with self._side() as connection:
            return await self._sweep.look(connection, limit)

    def listen(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._in_background(self._start_to_hear)

    # Processes.

    async def deploy(self, versions: Sequence[NewVersion], now: int) -> None:
        def work(connection: sqlalchemy.Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({DEPLOYING})")
            processes.deploy(connection, versions, now, self.keys)
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

        await self.change(work)

    async def change(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        self._refuse_if_read_only()

        def run(connection: sqlalchemy.Connection) -> T:
            result = work(connection)
            connection.commit()
            return result

        return await self._read(run)

    async def scrub(self) -> None:
        """Leaves it to the server, which writes over dead rows when it has vacuumed."""

    # Reading, for people.

    async def task(self, key: Key) -> Task | None:
        async with self._side() as connection:
            return (await find(connection, Wants(keys={key}), self.keys)).by_key.get(key)

    # Housekeeping.

    async def forget(self, process: str, finished_before: int, limit: int) -> int:
        self._refuse_if_read_only()
        # A task made since then can't have finished before; ids begin with milliseconds.
        end = f"{max(finished_before, 0) // 1000 + 1:012x}"
        async with self._side() as connection:
            return int(await connection.fetchval(_FORGET, process, end, finished_before, limit))

    async def forget_answers(self, now: int) -> None:
        self._refuse_if_read_only()
        async with self._side() as connection:
            await connection.execute(_FORGET_ANSWERS, now)
            await connection.execute(_FORGET_MESSAGES, now - UNDELIVERED_KEPT_US)

    async def aclose(self) -> None:
        for work in self._background:
            work.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for line in (self._turns, self._leases, *self._sides):
            await line.close()
        await self._engine.dispose()

    # How it is done.

    @property
    def _held(self) -> int | None:
        return self._hand.token if self._hand.holds else None

    async def _connect(self) -> Connection:
        return await connect(self._place, is_turn=True, is_read_only=self._is_read_only)

    @contextlib.asynccontextmanager
    async def _side(self) -> AsyncIterator[Connection]:
        line = min(self._sides, key=lambda line: line.users)
        async with line.use() as connection:
            yield connection

    async def _read(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)
        except SQLAlchemyError as error:
            raise failure(cause(error), self._place) from error
        except (*LOST, asyncpg.PostgresError) as error:
            raise failure(error, self._place) from error

    async def _read_long(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        # On a line of its own, which has the time it takes.
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: connect(
                self._place, is_read_only=self._is_read_only, statement_s=None
            ),
            poolclass=NullPool,
        )
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(work)
        except SQLAlchemyError as error:
            raise failure(cause(error), self._place) from error
        except (*LOST, asyncpg.PostgresError) as error:
            raise failure(error, self._place) from error
        finally:
            await engine.dispose()

    # Telling each other.

    def _tell_others(self) -> None:
        """Says that there is work, once for all that is left while it is being said."""
        if not self._is_telling:
            self._is_telling = True
            self._in_background(self._tell)

    async def _tell(self) -> None:
        # Not with the batch: the server lets only one transaction at a time tell something.
        try:
            async with self._leases.use() as connection:
                self._is_telling = False
                await connection.execute(f"NOTIFY {CHANNEL}")
        finally:
            self._is_telling = False

    async def _start_to_hear(self) -> None:
        async with self._leases.use() as connection:
            await self._hear(connection)

    async def _hear(self, connection: Connection) -> None:
        """Listens on this connection, if it does not yet; a new one may have missed something."""
        if self._wake is None or self._heard_by is connection:
            return
        await connection.add_listener(CHANNEL, self._on_word)
        self._heard_by = connection
        self._wake()

    def _on_word(self, connection: Any, sender: int, *_: object) -> None:
        if self._wake is not None and sender != connection.get_server_pid():
            self._wake()

    def _in_background(self, work: Callable[[], Awaitable[None]]) -> None:
        async def quietly() -> None:
            # Only a wake-up is lost: who waits looks for work from time to time.
            with contextlib.suppress(StoreError):
                await work()

        task = asyncio.get_running_loop().create_task(quietly())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def cause(error: SQLAlchemyError) -> BaseException:
    """Gives the driver's error, from which SQLAlchemy makes one of its own, twice."""
    inner = getattr(error, "orig", None)
    return getattr(inner, "__cause__", None) or inner or error
