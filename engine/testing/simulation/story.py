"""One story: clients, engines, a service, and what happens to them, all from one seed."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from engine.core.command import CallResult, HttpCall, OutsideCommand
from engine.core.message import Callback, Once
from engine.definition import Catalog, Definition, read_definition
from engine.errors import Busy, StoreError
from engine.runtime.engine import Engine
from engine.settings import Settings
from engine.testing.simulation.disk import Disk
from engine.testing.simulation.handle import Handle
from engine.testing.simulation.outside import Service
from engine.testing.simulation.timeline import SimulatedClock
from engine.workspace import Workspace

T = TypeVar("T")

ORDER = """
process: order
params: {number: {type: number, required: true}}
nodes:
  start: {type: start, next: note}
  note:
    type: copy_task
    process: note
    ref: "note-{{ root.ref }}"
    data: {order: "{{ root.ref }}"}
    next: price
    error: bad
  price:
    type: call_process
    process: price
    data: {number: "{{ number }}"}
    timeout: {after: 1d, next: bad}
    next: tell
    error: bad
  tell:
    type: api_call
    url: "http://shop.example/{{ root.ref }}"
    max_threads: 3
    timeout: {after: 1d, next: bad}
    next: wait
    error: later
  later: {type: delay, for: 2s, next: tell}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: bad}, next: add}
  add: {type: set_parameter, set: {got: "{{ (got | default([])) + [n] }}"}, next: last, error: bad}
  last: {type: condition, cases: [{when: got | length == 3, next: done}], else: wait}
  done: {type: end}
  bad: {type: end, result: error}
"""
NOTE = """
process: note
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 3s, next: done}
  done: {type: end}
"""
PRICE = """
process: price
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 500ms, next: tell}
  tell: {type: reply_to_process, data: {price: "{{ number * 2 }}"}, next: done}
  done: {type: end}
"""
LEASE_S = 4
PATIENCE_S = 20.0
LONGEST_JUMP_US = 30_000_000
QUIET_S = 1_000.0
KEEP_US = 10**15


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed means."""

    engines: int
    orders: int
    trouble: float
    events: int
    jumps: bool

    @classmethod
    def of(cls, chance: Random) -> "Plan":
        """Draws a plan; half of them have one engine on a database of its own."""
        return cls(
            engines=chance.choice((1, 1, 1, 2, 2, 3)),
            orders=chance.randrange(1, 12),
            trouble=chance.choice((0.0, 0.05, 0.15)),
            events=chance.randrange(8),
            jumps=chance.random() < 0.3,
        )


class Life:
    """One engine from its start to its death."""

    def __init__(self, workspace: Workspace, handle: Handle, clock: SimulatedClock) -> None:
        self.workspace = workspace
        self.handle = handle
        self.clock = clock

    @property
    def is_dead(self) -> bool:
        return self.handle.is_dead

    def die(self) -> None:
        """Nothing it does from now on has any effect, and nobody hears of it."""
        self.handle.is_dead = True


class _NoSchedule:
    """In the place of a scheduler that asks the real clock."""

    running = False

    def start(self) -> None:
        """Starts nothing."""

    def shutdown(self, *, wait: bool) -> None:
        """Ends nothing."""

    def get_jobs(self) -> list[Any]:
        """Gives no jobs."""
        return []

    def add_job(self, *arguments: Any, **options: Any) -> None:
        """Plans nothing."""


class Story:
    """Plays one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.plan = Plan.of(self.chance)
        self.disk = Disk(is_shared=self.plan.engines > 1)
        self.service = Service(self.chance, self.deliver, trouble=self.plan.trouble)
        self.lives: list[Life] = []
        self.accepted: dict[str, int] = {}
        self.acknowledged: set[tuple[str, int]] = set()
        self.trace: list[str] = []
        self._names = itertools.count()
        catalog = Catalog.installed()
        read = (read_definition(text, "story.yaml", catalog)[0] for text in (ORDER, NOTE, PRICE))
        self._definitions: list[Definition] = [each for each in read if each is not None]

    def note(self, what: str) -> None:
        """Writes down what happened, with the time."""
        self.trace.append(f"{asyncio.get_running_loop().time():.6f} {what}")

    async def play(self) -> None:
        """Lets everything happen, then heals it and waits until nothing is left to do."""
        for _ in range(self.plan.engines):
            await self._begin_life()
        clients = [
            asyncio.create_task(self._order(f"o{number}")) for number in range(self.plan.orders)
        ]
        for _ in range(self.plan.events):
            await asyncio.sleep(self.chance.random() * 4)
            await self._event()
        async with asyncio.timeout(QUIET_S):
            healing = asyncio.create_task(self._heal())
            await asyncio.gather(*clients)
            while not await self._is_quiet():  # noqa: ASYNC110 -- nobody tells of it
                await asyncio.sleep(1)
            await self.service.rest()
        healing.cancel()

    # Clients.

    async def _order(self, ref: str) -> None:
        await asyncio.sleep(self.chance.random() * 5)
        number = self.chance.randrange(1000)
        once = Once(f"order {ref}", ref)
        await self._until_done(
            lambda workspace: workspace.submit("order", {"number": number}, ref, once=once)
        )
        self.accepted[ref] = number
        self.note(f"accepted {ref}")

    async def deliver(self, ref: str, number: int) -> None:
        """Sends a callback until some engine has acknowledged it."""

        def send(workspace: Workspace) -> Awaitable[Any]:
            data = {"id": ref, "n": number}
            callback = Callback(
                "order", "wait", "", ref, data,
                is_sync=False, keep_us=KEEP_US, event_key=f"{ref}/{number}",
            )  # fmt: skip
            return workspace.deliver(callback)

        delivery = await self._until_done(send)
        self.acknowledged.add((ref, number))
        self.note(f"callback {ref}/{number} {delivery}")

    async def _until_done(self, ask: Callable[[Workspace], Awaitable[T]]) -> T:
        """Asks whichever engine until one has answered; the others' silence means nothing."""
        while True:
            living = [life for life in self.lives if not life.is_dead]
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

    async def _event(self) -> None:
        event = self.chance.choice((self._kill, self._stop_disk, self._freeze, self._end))
        await event()
        if not [life for life in self.lives if not life.is_dead]:
            await self._begin_life()

    async def _kill(self) -> None:
        living = [life for life in self.lives if not life.is_dead]
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

    async def _freeze(self) -> None:
        """Lets an engine stand still, perhaps for longer than its lease."""
        living = [life for life in self.lives if not life.is_dead]
        if living:
            life = self.chance.choice(living)
            life.handle.thawed.clear()
            self.note("frozen")
            await asyncio.sleep(self.chance.random() * 2.5 * LEASE_S)
            life.handle.thawed.set()

    async def _end(self) -> None:
        """Stops an engine as an operator does, and starts another."""
        living = [life for life in self.lives if not life.is_dead]
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
        self.disk.is_down = False
        for life in self.lives:
            life.handle.thawed.set()
        while True:
            if not [life for life in self.lives if not life.is_dead]:
                await self._begin_life()
            await asyncio.sleep(1)

    async def _begin_life(self) -> None:
        """Starts an engine; where the database does not let it, another one later."""
        while True:
            life = self._new_life()
            try:
                async with asyncio.timeout(30):
                    await life.workspace.deploy(self._definitions)
                    await life.workspace.start()
            except (StoreError, TimeoutError):
                life.die()
                await asyncio.sleep(1)
                continue
            if not life.is_dead:
                self.lives.append(life)
                self.note("started")
                return

    def _new_life(self) -> Life:
        handle = Handle(self.disk, self.chance, trouble=self.plan.trouble)
        ahead = self.chance.randrange(-LONGEST_JUMP_US, LONGEST_JUMP_US) if self.plan.jumps else 0
        clock = SimulatedClock(ahead)
        settings = Settings(lease_seconds=LEASE_S, stop_grace_seconds=1)

        async def perform(command: OutsideCommand) -> CallResult:
            assert isinstance(command, HttpCall)  # noqa: S101 -- no other is in the processes
            result = await self.service.perform(command)
            if handle.is_dead:
                await asyncio.get_running_loop().create_future()
            self.service.heard(command)
            return result

        engine = Engine(
            settings, handle, clock, Random(self.chance.getrandbits(64)), perform,
            scheduler=_NoSchedule(),
        )  # fmt: skip
        return Life(Workspace(settings, handle, engine, None), handle, clock)

    # The end.

    async def _is_quiet(self) -> bool:
        """Whether every task has ended."""
        return not await self.disk.store.oldest_waiting()
