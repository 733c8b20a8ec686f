"""What survives: one database. `handle` has the connections that engines have to it.

The rows are SQLite's own, in memory. What makes a database shared (leases, tasks in hand) is
modelled beside them in the plainest way, so that many engines can be simulated too; it passes the
contract tests of shared databases (`tests/store/test_sharing.py`).
"""

import asyncio
import itertools
from typing import Any

from engine.core.batch import Batch, Wants
from engine.core.message import Kept
from engine.core.task import Task, TaskState, WaitKind
from engine.errors import LostLease, Overtaken, StoreError, StoreUnavailable
from engine.store.interface import Crew, Due, Walk
from engine.store.sqlite.file import Connection, Place, roll_back
from engine.store.sqlite.opening import open_sqlite
from engine.store.sqlite.store import SqliteStore

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
        """Takes the wire away again, and ends what a dead engine began, as a database does."""
        self._writer.statements_left = -1
        roll_back(self._writer)


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
        self.is_full = False
        self._tokens = itertools.count(1)

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

    async def renew(self, me: int, lease_us: int) -> Crew:
        """Prolongs a lease; the database counts workers, their order and deploys."""
        if me not in self.leases:
            raise LostLease
        self.leases[me] = self.now() + lease_us
        self.bury(me)
        rank = sum(other < me for other in self.workers)
        return Crew(len(self.workers), rank, len(await self.store.versions()))

    def held_by(self, token: int | None, every: list[Walk], limit: int) -> list[Walk]:
        """Gives what a worker has in hand, or what nobody has."""
        return [each for each in every if self.held.get(each.task_id) == token][:limit]

    async def claim(self, token: int, limit: int) -> list[Walk]:
        free = self.held_by(None, await self.store.walks(EVER, "", ALL), limit)
        self.held.update({each.task_id: token for each in free})
        return free

    async def claim_timers(self, token: int, until: int, limit: int) -> list[Due]:
        every = await self.store.due(until, ALL)
        free = [each for each in every if each.task_id not in self.held][:limit]
        self.held.update({each.task_id: token for each in free})
        return free

    async def due(self, token: int | None, until: int, limit: int) -> list[Due]:
        """Gives a worker's own timers and the next free ones, which it takes in hand."""
        if token is not None:
            await self.claim_timers(token, until, limit)
        every = await self.store.due(until, ALL)
        return [each for each in every if self.held.get(each.task_id) == token][:limit]

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
        is_answered = any(each.expires > batch.now for each in found.once.values())
        if len(found.messages) != len(touched) or is_answered:
            raise Overtaken("another engine was faster")

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
