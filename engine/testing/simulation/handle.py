"""One engine's connection to the simulated database, and what can go wrong with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

from engine.core.batch import Batch, Found, Key, Step, Sum, Wants
from engine.core.circuit import Pause
from engine.core.message import Kept
from engine.core.task import Task
from engine.errors import StoreError, StoreUnavailable
from engine.store.facts import Audit, Since
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
from engine.store.sealing import Keyring
from engine.testing.simulation.disk import ALL, Died, Disk

T = TypeVar("T")


class Handle(Store):
    """One engine's connection: slow, sometimes cut, and dead when its engine is."""

    def __init__(
        self, disk: Disk, chance: Random, *, trouble: float, slowest_s: float = 0.02
    ) -> None:
        self._disk = disk
        self._chance = chance
        self._trouble = trouble
        self._slowest_s = slowest_s
        self.token: int | None = None
        self._holds = True
        self.is_shared = disk.is_shared
        self.is_dead = False
        self.thawed = asyncio.Event()
        self.thawed.set()
        self.still_s = 0.0
        """For how long the engine stands still from its next commit on."""

    async def _weather(self) -> None:
        """Takes time; raises or never comes back where there is trouble."""
        if self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.random() * self._slowest_s)
        else:
            await asyncio.sleep(0)
        await self.awake()
        if self._disk.is_down or self._chance.random() < self._trouble / 4:
            raise StoreUnavailable("the database does not answer")

    async def awake(self) -> None:
        """Waits while the engine stands still; for ever, if it is dead."""
        await self.thawed.wait()
        await self._live()

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

    def stand_still(self, seconds: float) -> None:
        """Lets the engine do nothing for a while."""
        self.thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self.thawed.set)

    async def commit(self, batch: Batch) -> None:
        if self.still_s:
            self.stand_still(self.still_s)
            self.still_s = 0.0
        await self._weather()
        if self._disk.is_full:
            raise StoreUnavailable("the disk is full")
        if self._chance.random() < self._trouble / 4:
            self._disk.store.die_after(self._chance.randrange(1, 8))
        try:
            await self._disk.commit(batch, self.token, holds=self._holds)
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
        if not self.is_shared:
            return await self._ask(lambda: self._disk.store.due(until, limit))
        return await self._ask(lambda: self._disk.due(self._held, until, limit))

    async def walks(self, before: int, after: str, limit: int) -> list[Walk]:
        async def work() -> list[Walk]:
            every = await self._disk.store.walks(before, after, ALL)
            return self._disk.held_by(self._held, every, limit)

        return await self._ask(work)

    async def newest(self) -> str:
        return await self._ask(self._disk.store.newest)

    async def calling(self, process: str, node: str, after: str, limit: int) -> list[Walk]:
        async def work() -> list[Walk]:
            every = await self._disk.store.calling(process, node, after, ALL)
            return self._disk.held_by(self._held, every, limit)

        return await self._ask(work)

    async def expired(self, now: int, limit: int) -> list[str]:
        return await self._ask(lambda: self._disk.store.expired(now, limit))

    # Other workers.

    @property
    def _held(self) -> int | None:
        """As whom this engine has tasks in hand: a front has none, nor does one that is alone."""
        return self.token if self._holds else None

    async def join(self, name: str, lease_us: int, *, holds: bool) -> None:
        del name

        async def work() -> None:
            if self.token is not None:
                self._disk.leave(self.token)
            self.token, self._holds = self._disk.join(lease_us, holds=holds), holds
            self._lease_us = lease_us

        if self.is_shared:
            await self._ask(work)

    async def renew(self) -> Crew:
        if not self.is_shared:
            return Crew(1, 0, 0)
        token = self.token
        if token is None:
            raise StoreError("this engine has not joined the others: it has no lease to renew")
        return await self._ask(lambda: self._disk.renew(token, self._lease_us))

    async def leave(self) -> None:
        async def work() -> None:
            if self.token is not None:
                self._disk.leave(self.token)

        await self._ask(work)

    async def claim(self, limit: int) -> list[Walk]:
        token = self._held
        if token is None:
            return []
        return await self._ask(lambda: self._disk.claim(token, limit))

    async def claim_timers(self, until: int, limit: int) -> list[Due]:
        token = self._held
        if token is None:
            return []
        return await self._ask(lambda: self._disk.claim_timers(token, until, limit))

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
        await self._ask(lambda: self._disk.store.deploy(versions, now))

    async def pauses(self) -> list[Pause]:
        return await self._ask(self._disk.store.pauses)

    async def note_pauses(self, changes: Mapping[str, Pause | None], now: int) -> None:
        await self._ask(lambda: self._disk.store.note_pauses(changes, now))

    async def task(self, key: Key) -> Task | None:
        return await self._ask(lambda: self._disk.store.task(key))

    async def history(self, task_id: str) -> list[Step]:
        return await self._ask(lambda: self._disk.store.history(task_id))

    async def tasks(self, query: TaskQuery) -> list[Task]:
        return await self._ask(lambda: self._disk.store.tasks(query))

    async def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        return await self._ask(self._disk.store.counts)

    async def sums(self) -> Mapping[Sum, int]:
        return await self._ask(self._disk.store.sums)

    async def oldest_waiting(self) -> Mapping[str, int]:
        return await self._ask(self._disk.store.oldest_waiting)

    async def unlock(self, keys: Keyring) -> None:
        """Has the keys already: the database is in memory."""

    async def undelivered(self, after: str, limit: int) -> list[Kept]:
        return await self._ask(lambda: self._disk.store.undelivered(after, limit))

    async def forget(self, process: str, finished_before: int, limit: int) -> int:
        return await self._ask(lambda: self._disk.store.forget(process, finished_before, limit))

    async def forget_answers(self, now: int) -> None:
        await self._ask(lambda: self._disk.store.forget_answers(now))

    async def check(self, *, quickly: bool = False) -> list[str]:
        return await self._ask(lambda: self._disk.store.check(quickly=quickly))

    async def audit(self, since: Since) -> Audit:
        return await self._ask(lambda: self._disk.store.audit(since))

    async def aclose(self) -> None:
        """Leaves the database open: it belongs to the story."""
