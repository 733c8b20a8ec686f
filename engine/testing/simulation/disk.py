"""What survives: one database, and the connections that engines have to it.

The rows are SQLite's own, in memory. What makes a database shared (leases, tasks in hand) is
modelled beside them in the plainest way, so that many engines can be simulated too.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from engine.core.batch import Batch, Found, Key, Step, Wants
from engine.core.message import Kept
from engine.core.task import Task, TaskState, WaitKind
from engine.errors import LostLease, Overtaken, StoreError, StoreUnavailable
from engine.store.interface import (
    Crew,
    Due,
    NewVersion,
    ProcessRow,
    Store,
    TaskQuery,
    VersionRow,
    Walk,
)
from engine.store.sqlite.file import Connection, Place
from engine.store.sqlite.opening import open_sqlite
from engine.store.sqlite.store import SqliteStore

T = TypeVar("T")

ALL = 1_000_000
EVER = 2**62
NEAR_US = 60_000_000
ON_ITS_WAY = frozenset({TaskState.READY, TaskState.CALLING})


class Died(BaseException):
    """The engine dies here, in the middle of a transaction."""


class _Tripwire:
    """A connection on which a transaction can be made to break off before any statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements_left = -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._step()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._step()
        return self._connection.executemany(*arguments)

    def _step(self) -> None:
        if self.statements_left == 0:
            self.statements_left = -1
            raise Died
        self.statements_left -= self.statements_left > 0


class FragileStore(SqliteStore):
    """A SQLite store in memory whose writer can be made to die between two statements."""

    def _connect(self, cache_kb: int, *, can_write: bool) -> Any:
        connection = super()._connect(cache_kb, can_write=can_write)
        return _Tripwire(connection) if can_write else connection

    def die_after(self, statements: int) -> None:
        """Has the next write break off before its so-manyth statement, if it has so many."""
        self._writer.statements_left = statements

    def live_on(self) -> None:
        """Takes the wire away again."""
        self._writer.statements_left = -1


class Disk:
    """The database of one story."""

    def __init__(self, *, is_shared: bool) -> None:
        self.is_shared = is_shared
        made = open_sqlite(
            Place.memory(), is_read_only=False, release=lambda: None, make=FragileStore
        )
        assert isinstance(made, FragileStore)  # noqa: S101 -- it was asked for
        self.store = made
        self.leases: dict[int, int] = {}
        self.workers: set[int] = set()
        self.held: dict[str, int] = {}
        self.is_down = False
        self._tokens = itertools.count(1)
        self._deployed = 0

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1_000_000)

    def join(self, lease_us: int, *, holds: bool) -> int:
        token = next(self._tokens)
        self.leases[token] = self.now() + lease_us
        if holds:
            self.workers.add(token)
        return token

    def bury(self, me: int) -> None:
        """Ends the leases that are over, and frees what nobody holds by a lease."""
        for token, expires in list(self.leases.items()):
            if expires < self.now() and token != me:
                self.leave(token)
        self.held = {task: token for task, token in self.held.items() if token in self.leases}

    def leave(self, token: int) -> None:
        self.leases.pop(token, None)
        self.workers.discard(token)
        self.held = {task: held for task, held in self.held.items() if held != token}

    def crew(self, token: int) -> Crew:
        rank = sum(other < token for other in self.workers)
        return Crew(len(self.workers), rank, self._deployed)

    async def commit(self, batch: Batch, token: int | None, *, holds: bool) -> None:
        if self.is_shared:
            if token is not None and token not in self.leases:
                raise LostLease
            await self._check_mail_and_keys(batch)
        try:
            await self.store.commit(batch)
        except StoreUnavailable:
            raise
        except StoreError as error:  # a ref or a key that another engine took
            raise Overtaken(str(error)) from error
        for task in (*batch.created, *batch.changed):
            if holds and token is not None and _is_in_hand(task, batch.now):
                self.held[task.task_id] = token
            else:
                self.held.pop(task.task_id, None)

    async def _check_mail_and_keys(self, batch: Batch) -> None:
        touched = {kept.message_id for kept in batch.updated_kept} | set(batch.taken)
        once = {each.key for each in batch.remembered}
        found = await self.store.load(Wants(messages=touched, once=once))
        if len(found.messages) != len(touched) or found.once:
            raise Overtaken("another engine was faster")

    async def deploy(self, versions: Sequence[NewVersion], now: int) -> None:
        await self.store.deploy(versions, now)
        self._deployed += 1

    async def stranded(self, limit: int) -> list[str]:
        ids = set(await self.store.expired(EVER, ALL))
        kept = (await self.store.load(Wants(messages=ids))).messages
        found = [
            message_id
            for message_id in sorted(kept)
            if _could_take(await self._task_for(kept[message_id]), kept[message_id])
        ]
        return found[:limit]

    async def _task_for(self, kept: Kept) -> Task | None:
        if kept.task_id:
            return (await self.store.load(Wants(ids={kept.task_id}))).tasks.get(kept.task_id)
        key = (kept.process, kept.ref)
        return (await self.store.load(Wants(keys={key}))).by_key.get(key)


class Handle(Store):
    """One engine's connection: slow, sometimes cut, and dead when its engine is."""

    def __init__(self, disk: Disk, chance: Random, *, trouble: float) -> None:
        self._disk = disk
        self._chance = chance
        self._trouble = trouble
        self._token: int | None = None
        self._holds = True
        self.is_shared = disk.is_shared
        self.is_dead = False
        self.thawed = asyncio.Event()
        self.thawed.set()

    async def _weather(self) -> None:
        """Takes time; raises or never comes back where there is trouble."""
        if self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.random() * 0.02)
        else:
            await asyncio.sleep(0)
        await self.thawed.wait()
        await self._live()
        if self._disk.is_down or self._chance.random() < self._trouble / 4:
            raise StoreUnavailable("the database does not answer")

    async def _live(self) -> None:
        if self.is_dead:
            await asyncio.get_running_loop().create_future()

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        await self._weather()
        result = await work()
        await self._live()
        return result

    # The hot path.

    async def load(self, wants: Wants) -> Found:
        return await self._ask(lambda: self._disk.store.load(wants))

    async def commit(self, batch: Batch) -> None:
        await self._weather()
        if self._chance.random() < self._trouble / 4:
            self._disk.store.die_after(self._chance.randrange(1, 8))
        try:
            await self._disk.commit(batch, self._token, holds=self._holds)
        except Died:
            self.is_dead = True
        finally:
            self._disk.store.live_on()
        if self._chance.random() < self._trouble / 4:
            self.is_dead = True  # after it was written, before anybody is told
        await self._live()
        if self.is_shared and self._chance.random() < self._trouble / 4:
            raise StoreUnavailable("the answer to a commit was lost")

    async def due(self, until: int, limit: int) -> list[Due]:
        async def work() -> list[Due]:
            if not self.is_shared:
                return await self._disk.store.due(until, limit)
            await self._take_timers(until)
            every = await self._disk.store.due(until, ALL)
            return [each for each in every if self._disk.held.get(each.task_id) == self._token][
                :limit
            ]

        return await self._ask(work)

    async def claim_timers(self, until: int, limit: int) -> list[Due]:
        async def work() -> list[Due]:
            return (await self._take_timers(until))[:limit] if self.is_shared else []

        return await self._ask(work)

    async def _take_timers(self, until: int) -> list[Due]:
        every = await self._disk.store.due(until, ALL)
        free = [each for each in every if each.task_id not in self._disk.held]
        self._disk.held.update({each.task_id: self._own for each in free})
        return free

    async def walks(self, before: int, after: str, limit: int) -> list[Walk]:
        return await self._ask(lambda: self._own_walks(before, after, limit))

    async def _own_walks(self, before: int, after: str, limit: int) -> list[Walk]:
        if not self.is_shared:
            return await self._disk.store.walks(before, after, limit)
        every = await self._disk.store.walks(before, after, ALL)
        return [each for each in every if self._disk.held.get(each.task_id) == self._own][:limit]

    async def newest(self) -> str:
        return await self._ask(self._disk.store.newest)

    async def calling(self, process: str, node: str, after: str, limit: int) -> list[Walk]:
        async def work() -> list[Walk]:
            every = await self._disk.store.calling(process, node, after, ALL)
            if self.is_shared:
                every = [each for each in every if self._disk.held.get(each.task_id) == self._own]
            return every[:limit]

        return await self._ask(work)

    async def expired(self, now: int, limit: int) -> list[str]:
        return await self._ask(lambda: self._disk.store.expired(now, limit))

    # Other workers.

    @property
    def _own(self) -> int:
        assert self._token is not None  # noqa: S101 -- an engine joins before it asks for work
        return self._token

    async def join(self, name: str, lease_us: int, *, holds: bool) -> None:
        del name

        async def work() -> None:
            if self._token is not None:
                self._disk.leave(self._token)
            self._token, self._holds = self._disk.join(lease_us, holds=holds), holds
            self._lease_us = lease_us

        if self.is_shared:
            await self._ask(work)

    async def renew(self) -> Crew:
        async def work() -> Crew:
            if self._own not in self._disk.leases:
                raise LostLease
            self._disk.leases[self._own] = self._disk.now() + self._lease_us
            self._disk.bury(self._own)
            return self._disk.crew(self._own)

        return await self._ask(work) if self.is_shared else Crew(1, 0, 0)

    async def leave(self) -> None:
        async def work() -> None:
            if self._token is not None:
                self._disk.leave(self._token)

        await self._ask(work)

    async def claim(self, limit: int) -> list[Walk]:
        async def work() -> list[Walk]:
            if not self.is_shared:
                return []
            every = await self._disk.store.walks(EVER, "", ALL)
            free = [each for each in every if each.task_id not in self._disk.held][:limit]
            self._disk.held.update({each.task_id: self._own for each in free})
            return free

        return await self._ask(work)

    async def stranded_mail(self, limit: int) -> list[str]:
        async def work() -> list[str]:
            return await self._disk.stranded(limit) if self.is_shared else []

        return await self._ask(work)

    def listen(self, wake: Callable[[], None]) -> None:
        """Wakes nobody: engines look from time to time."""

    # Processes, and what people ask.

    async def processes(self) -> list[ProcessRow]:
        return await self._ask(self._disk.store.processes)

    async def versions(self) -> list[VersionRow]:
        return await self._ask(self._disk.store.versions)

    async def deploy(self, versions: Sequence[NewVersion], now: int) -> None:
        await self._ask(lambda: self._disk.deploy(versions, now))

    async def task(self, key: Key) -> Task | None:
        return await self._ask(lambda: self._disk.store.task(key))

    async def history(self, task_id: str) -> list[Step]:
        return await self._ask(lambda: self._disk.store.history(task_id))

    async def tasks(self, query: TaskQuery) -> list[Task]:
        return await self._ask(lambda: self._disk.store.tasks(query))

    async def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        return await self._ask(self._disk.store.counts)

    async def oldest_waiting(self) -> Mapping[str, int]:
        return await self._ask(self._disk.store.oldest_waiting)

    async def undelivered(self, after: str, limit: int) -> list[Kept]:
        return await self._ask(lambda: self._disk.store.undelivered(after, limit))

    async def forget(self, process: str, finished_before: int, limit: int) -> int:
        return await self._ask(lambda: self._disk.store.forget(process, finished_before, limit))

    async def forget_answers(self, now: int) -> None:
        await self._ask(lambda: self._disk.store.forget_answers(now))

    async def check(self) -> list[str]:
        return await self._ask(self._disk.store.check)

    async def aclose(self) -> None:
        """Leaves the database open: it belongs to the story."""


def _is_in_hand(task: Task, now: int) -> bool:
    if task.state in ON_ITS_WAY:
        return True
    return task.state is TaskState.WAITING and task.due is not None and task.due < now + NEAR_US


def _could_take(task: Task | None, kept: Kept) -> bool:
    if task is None:
        return False
    if task.is_finished:
        return True
    waits = task.state is TaskState.WAITING and task.memo.wait == WaitKind.CALLBACK
    return waits and kept.node in ("", task.node)
