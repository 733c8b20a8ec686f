"""One story: clients, engines, a service, and what happens to them, all from one seed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from engine.core.command import CallResult, HttpCall, OutsideCommand
from engine.errors import Busy, StoreError
from engine.runtime.engine import Engine
from engine.settings import Settings
from engine.testing.simulation.disk import Disk
from engine.testing.simulation.handle import Handle
from engine.testing.simulation.plot import Plot
from engine.testing.simulation.timeline import START_US, SimulatedClock, VirtualScheduler
from engine.workspace import Workspace

T = TypeVar("T")

LEASE_S = 4
IN_A_TURN = 0.7
"""How many of those that stand still do so between reading and writing."""
FRONTS = 0.2
"""How many of the engines that come later only take requests."""
PATIENCE_S = 20.0
LONGEST_JUMP_US = 25_000_000
"""How far an engine's clock is off; the SMS processes allow for half a minute."""
QUIET_S = 1_000.0
SOON_US = START_US + 10**14
"""Mail that is kept for longer is not waited for: somebody was to take it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed means."""

    engines: int
    size: int
    trouble: float
    slowest_s: float
    events: int
    jumps: bool

    @classmethod
    def of(cls, chance: Random) -> "Plan":
        """Draws a plan; half of them have one engine on a database of its own."""
        return cls(
            engines=chance.choice((1, 1, 1, 2, 2, 3)),
            size=chance.randrange(1, 12),
            trouble=chance.choice((0.0, 0.05, 0.15)),
            slowest_s=chance.choice((0.02, 0.5)),
            events=chance.randrange(8),
            jumps=chance.random() < 0.3,
        )


class Life:
    """One engine from its start to its death."""

    def __init__(
        self, workspace: Workspace, handle: Handle, clock: SimulatedClock, *, is_front: bool
    ) -> None:
        self.workspace = workspace
        self.handle = handle
        self.clock = clock
        self.is_front = is_front

    @property
    def is_dead(self) -> bool:
        return self.handle.is_dead

    def die(self) -> None:
        """Nothing it does from now on has any effect, and nobody hears of it."""
        self.handle.is_dead = True


class Story:
    """Plays one seed."""

    def __init__(self, seed: int, plot: type[Plot]) -> None:
        self.chance = Random(seed)
        self.plan = Plan.of(self.chance)
        self.disk = Disk(is_shared=self.plan.engines > 1)
        self.lives: list[Life] = []
        self.trace: list[str] = []
        self.plot = plot(self, self.plan.size)

    @property
    def trouble(self) -> float:
        """How likely it is that something outside goes wrong."""
        return self.plan.trouble

    def note(self, what: str) -> None:
        """Writes down what happened, with the time."""
        self.trace.append(f"{asyncio.get_running_loop().time():.6f} {what}")

    async def play(self) -> None:
        """Lets everything happen, then heals it and waits until nothing is left to do."""
        for _ in range(self.plan.engines):
            await self._begin_life()
        clients = [asyncio.create_task(self._late(client)) for client in self.plot.clients()]
        for _ in range(self.plan.events):
            await asyncio.sleep(self.chance.random() * 4)
            await self._event()
        async with asyncio.timeout(QUIET_S):
            healing = asyncio.create_task(self._heal())
            await asyncio.gather(*clients)
            await self.plot.rest()
            while not await self._is_quiet():  # noqa: ASYNC110 -- nobody tells of it
                await asyncio.sleep(1)
            await self.plot.rest()
        healing.cancel()

    async def _late(self, client: Coroutine[Any, Any, None]) -> None:
        await asyncio.sleep(self.chance.random() * 5)
        await client

    # Clients.

    async def until_done(self, ask: Callable[[Workspace], Awaitable[T]]) -> T:
        """Asks whichever engine until one has answered; the others' silence means nothing."""
        while True:
            living = self._living()
            if living:
                life = self.chance.choice(living)
                with contextlib.suppress(TimeoutError, StoreError, Busy):
                    return await asyncio.wait_for(
                        self._ask(life, ask), PATIENCE_S * self.chance.random() + 0.5
                    )
            await asyncio.sleep(self.chance.random())

    @staticmethod
    async def _ask(life: Life, ask: Callable[[Workspace], Awaitable[T]]) -> T:
        answer = await ask(life.workspace)
        if life.is_dead:
            await asyncio.get_running_loop().create_future()  # it never got out
        return answer

    # What happens.

    def _living(self) -> list[Life]:
        return [life for life in self.lives if not life.is_dead]

    def _works(self) -> bool:
        """Whether somebody is there who does more than take requests."""
        return any(not life.is_front for life in self._living())

    async def _event(self) -> None:
        event = self.chance.choice(
            (self._kill, self._stop_disk, self._fill_disk, self._freeze, self._end, self._set_clock)
        )
        await event()
        if not self._living():
            await self._begin_life()

    async def _kill(self) -> None:
        living = self._living()
        if living:
            self.chance.choice(living).die()
            self.note("killed")
            await asyncio.sleep(self.chance.random() * 3)
            await self._begin_life()

    async def _stop_disk(self) -> None:
        self.disk.is_down = True
        self.note("disk down")
        await asyncio.sleep(self.chance.random() * 4)
        self.disk.is_down = False

    async def _fill_disk(self) -> None:
        """Lets nothing be written for a while; what is there can be read."""
        self.disk.is_full = True
        self.note("disk full")
        await asyncio.sleep(self.chance.random() * 4)
        self.disk.is_full = False

    async def _set_clock(self) -> None:
        """Sets a clock forwards under a running engine; backwards only its next life sees."""
        living = self._living()
        if living and self.plan.jumps:
            clock = self.chance.choice(living).clock
            clock.ahead_us = self.chance.randint(clock.ahead_us, LONGEST_JUMP_US)
            self.note(f"clock {clock.ahead_us / 1e6:+.1f} s")

    async def _freeze(self) -> None:
        """Lets an engine stand still, perhaps in a turn and for longer than its lease."""
        living = self._living()
        if living:
            handle = self.chance.choice(living).handle
            seconds = self.chance.random() * 2.5 * LEASE_S
            if self.chance.random() < IN_A_TURN:
                handle.still_s = seconds
            else:
                handle.stand_still(seconds)
            self.note("frozen")
            await asyncio.sleep(seconds * self.chance.random())

    async def _end(self) -> None:
        """Stops an engine as an operator does, and starts another."""
        living = self._living()
        if living:
            life = self.chance.choice(living)
            self.note("stopped")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(30):
                    await life.workspace.stop()
            life.die()
            await self._begin_life()

    async def _heal(self) -> None:
        """Mends everything, and starts an engine whenever none is left."""
        self.disk.is_down = self.disk.is_full = False
        for life in self.lives:
            life.handle.still_s = 0.0
            life.handle.thawed.set()
        while True:
            if not self._works():
                await self._begin_life()
            await asyncio.sleep(1)

    async def _begin_life(self) -> None:
        """Starts an engine; where the database does not let it, another one later."""
        while True:
            is_front = self.disk.is_shared and self._works() and self.chance.random() < FRONTS
            life = self._new_life(is_front=is_front)
            try:
                async with asyncio.timeout(30):
                    await life.workspace.deploy(self.plot.definitions())
                    await life.workspace.start(is_front=is_front)
            except (StoreError, TimeoutError):
                life.die()
                await asyncio.sleep(1)
                continue
            if not life.is_dead:
                self.lives.append(life)
                self.note("a front started" if is_front else "started")
                return

    def _new_life(self, *, is_front: bool) -> Life:
        handle = Handle(
            self.disk, self.chance, trouble=self.plan.trouble, slowest_s=self.plan.slowest_s
        )
        ahead = self.chance.randint(-LONGEST_JUMP_US, LONGEST_JUMP_US) if self.plan.jumps else 0
        clock = SimulatedClock(ahead)
        settings = Settings(
            lease_seconds=LEASE_S, stop_grace_seconds=1, variables=self.plot.variables
        )

        async def perform(command: OutsideCommand) -> CallResult:
            assert isinstance(command, HttpCall)  # noqa: S101 -- no other is in the processes
            await handle.awake()
            result = await self.plot.perform(command)
            await handle.awake()
            self.plot.heard(command)
            return result

        engine = Engine(
            settings, handle, clock, Random(self.chance.getrandbits(64)), perform,
            scheduler=VirtualScheduler(),
        )  # fmt: skip
        return Life(Workspace(settings, handle, engine, None), handle, clock, is_front=is_front)

    # The end.

    async def _is_quiet(self) -> bool:
        """Whether every task has ended, and mail that nobody takes was given up."""
        store = self.disk.store
        return not await store.oldest_waiting() and not await store.expired(SOON_US, 1)
