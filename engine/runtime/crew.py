"""This engine among others on one database: its lease, work that others left, mail in between."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.core.message import Continue, Redeliver
from engine.core.task import TaskState
from engine.errors import LostLease
from engine.runtime.alarms import Alarms
from engine.runtime.clock import Clock
from engine.runtime.intake import Intake
from engine.store.interface import Crew, Store

AT_ONCE = 200
"""Tasks claimed at a time, the next when these are worked off: others get their part."""
LOOK_EVERY_US = 1_000_000
"""How long work that nobody has in hand lies at most before somebody looks; most is told of."""


class Membership:
    """Keeps the lease of one engine, and takes on what nobody has in hand."""

    def __init__(  # noqa: PLR0913 -- its parts, put together in one place
        self,
        store: Store,
        intake: Intake,
        clock: Clock,
        name: str,
        follow: Callable[[Crew], Awaitable[None]],
        *,
        alarms: Alarms,
        lease_us: int,
    ) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._name = name
        self._follow = follow
        self._alarms = alarms
        self._lease_us = lease_us
        self._woken = asyncio.Event()
        self.holds = True

    async def join(self) -> None:
        """Takes a lease, also in place of one that was lost."""
        await self._store.join(self._name, self._lease_us, holds=self.holds)

    async def keep(self) -> None:
        """Renews the lease in time until cancelled."""
        while True:
            await self.renew()
            await self._clock.wait(asyncio.Event(), self._clock.now() + self._lease_us // 3)

    async def renew(self) -> None:
        """Renews the lease once, and has the engine follow what others did meanwhile."""
        try:
            crew = await self._store.renew()
        except LostLease:
            await self.join()
            return
        await self._follow(crew)

    async def watch(self) -> None:
        """Looks for work until cancelled: now and then, and at once when others leave some."""
        self._store.listen(self._woken.set)
        while True:
            self._woken.clear()
            await self.look()
            await self._clock.wait(self._woken, self._clock.now() + LOOK_EVERY_US)

    async def look(self) -> None:
        """Takes on tasks that nobody has in hand, and gives mail that missed its task to it."""
        while timers := await self._store.claim_timers(self._alarms.horizon, AT_ONCE):
            self._alarms.arm((timer.due, timer.task_id, timer.visit) for timer in timers)
        while walks := await self._store.claim(AT_ONCE):
            self._intake.put(
                Continue(walk.task_id, walk.visit, walk.state is TaskState.CALLING)
                for walk in walks
            )
            await self._intake.worked_off(0)
        stranded = await self._store.stranded_mail(AT_ONCE)
        self._intake.put(Redeliver(message_id) for message_id in stranded)

    async def leave(self) -> None:
        """Gives back what is in hand, so that others take it on at once."""
        await self._store.leave()
