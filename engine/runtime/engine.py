"""One engine at work: its parts put together, started, told of every commit, and stopped."""

import asyncio
import contextlib
import gc
import logging
import platform
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.core.batch import Batch, Found, Limits
from engine.core.message import Continue, Follow
from engine.core.task import TaskState
from engine.errors import StoreError
from engine.runtime.alarms import Alarms
from engine.runtime.calls import Calls, Perform
from engine.runtime.clock import Chance, Clock, Ids
from engine.runtime.crew import Membership
from engine.runtime.deployments import Deployments
from engine.runtime.housekeeping import Housekeeping
from engine.runtime.intake import Intake
from engine.runtime.loop import Loop
from engine.runtime.masked import told
from engine.runtime.meter import Meter
from engine.runtime.plan import Plan, Planner, Wish
from engine.runtime.schedules import Scheduler, Schedules
from engine.settings import Settings
from engine.store.interface import Crew, Store, TaskQuery

T = TypeVar("T")

log = logging.getLogger("engine")

RECOVERY_WINDOW = 500
EVER = 2**62
MOVES = "moves"
RECOUNT_US = 1_000_000
PATIENCE_S = 1.0
STOP_S = 10.0
"""Beside the grace for calls: how long the loop may take to write what is in hand."""


class Engine:
    """Moves the tasks of one store."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        chance: Chance,
        perform: Perform,
        *,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self.meter = Meter()
        self.intake = Intake(settings.max_waiting)
        self.deployments = Deployments(
            Ids(clock, chance),
            Limits(task_bytes=settings.max_task_bytes),
            settings.variables,
            settings.base_url,
        )
        self.deployments.hide(settings.secret_values(), settings.secret_variables)
        self._calls = Calls(perform, self.intake, store)
        self._alarms = Alarms(store, self.intake, clock)
        name = f"{platform.node()}/{chance.getrandbits(32):08x}"
        self._crew = Membership(
            store, self.intake, clock, name, self._follow,
            alarms=self._alarms, lease_us=settings.lease_seconds * 1_000_000,
        )  # fmt: skip
        self._loop = Loop(
            store, self.deployments, self.intake, clock, self._after, self._after_doubt,
            join=self._crew.join if store.is_shared else None,
            learn=self._learn if store.is_shared else None,
        )  # fmt: skip
        self._scheduler: Scheduler = scheduler or AsyncIOScheduler(timezone=UTC)
        self._schedules = Schedules(
            self._scheduler, self.intake, lambda: datetime.fromtimestamp(clock.now() / 1e6, UTC)
        )
        self._housekeeping = Housekeeping(store, self.intake, clock, self.deployments)
        self._listeners: list[Callable[[Batch], None]] = []
        self._running: list[asyncio.Task[None]] = []
        self._loop_part: asyncio.Task[None] | None = None
        self._deployed = 0
        self._patience_s = PATIENCE_S
        self._stop_s = STOP_S

    @property
    def is_ready(self) -> bool:
        """Whether requests would be taken and stored now."""
        is_running = self._loop_part is not None and not self._loop_part.done()
        return is_running and self._loop.is_healthy and self.intake.room() > 0

    def listen(self, listener: Callable[[Batch], None]) -> None:
        """Has a function told of every batch that is safe on disk."""
        self._listeners.append(listener)

    def plan(self, wish: Wish) -> Plan:
        """Says what a deploy would do.

        Raises:
            PlanRefused: it can't be done; the message says why.
        """
        return Planner(self.deployments.versions, self.deployments.under_way()).plan(wish)

    async def deploy(self, wish: Wish) -> Plan:
        """Puts definitions into force, plans their schedules, and moves tasks that must move.

        Raises:
            PlanRefused: it can't be done, and nothing was changed; the message says why.
        """
        plan = self.plan(wish)
        now = self._clock.now()
        await self._change(self.deployments.deploy(self._store, plan, now, self._chance))
        self._schedules.plan(wish.definitions)
        return plan

    async def _learn(self, found: Found) -> None:
        """Reads the versions that another engine has put into force since the last look."""
        if not self.deployments.knows(found):
            await self._reload()

    async def _reload(self) -> None:
        changed = await self._change(self.deployments.reload(self._store))
        known = map(self.deployments.definition, changed)
        self._schedules.plan([each for each in known if each is not None])

    async def _follow(self, crew: Crew) -> None:
        """Takes this engine's part of the work, and reads what others counted and deployed."""
        self._calls.share(max(crew.workers, 1), crew.rank)
        await self.deployments.recount(self._store)
        if crew.deployed != self._deployed:
            await self._reload()
            self._deployed = crew.deployed

    async def _change(self, change: Awaitable[T]) -> T:
        """Lets a change of the processes happen; tasks that it resumes or moves go on."""
        paused = {row.process for row in self.deployments.rows() if self._is_paused(row.process)}
        result = await change
        resumed = {process for process in paused if not self._is_paused(process)}
        if resumed and self._running and self._crew.holds:
            self._start_part("resumption", lambda: self._resume(resumed))
        if self._running and self._crew.holds:
            self._take_along()
        return result

    def _take_along(self) -> None:
        """Moves the tasks that deploys took out of their nodes, if there are some."""
        if self.deployments.moving():
            self._start_part(MOVES, self._move)

    async def _move(self) -> None:
        """Takes in hand what stands in nodes that deploys took tasks out of.

        Whoever takes such a task in hand finds it in its new node; this has lists and counts say
        so too.
        """
        for process, node in self.deployments.moving():
            query = TaskQuery(process, node, limit=RECOVERY_WINDOW)
            while tasks := await self._store.tasks(query):
                self.intake.put(Follow(task.task_id) for task in tasks if not task.is_finished)
                query = replace(query, after=tasks[-1].task_id)
                await self.intake.worked_off(RECOVERY_WINDOW)

    def _is_paused(self, process: str) -> bool:
        graph = self.deployments.current(process)
        return graph is not None and not graph.is_active

    async def start(self, *, is_front: bool = False) -> None:
        """Starts to move tasks, those first that were on their way when the engine stopped.

        A front takes what comes from outside as far as its tasks go without a call or a timer;
        the rest it leaves to other engines, or to one that is started later.
        """
        _calm_collector()
        self.deployments.makes_calls = self._crew.holds = not is_front
        if self._store.is_shared:
            await self._crew.join()
            self._start_part("lease", self._crew.keep)
        # Asked before anything can come: work of this life needs no recovery.
        newest = "" if self._store.is_shared else await self._store.newest()
        self._loop_part = self._start_part("loop", self._loop.run)
        if is_front:
            return
        self._start_part("alarms", self._alarms.run)
        if self._store.is_shared:
            self._start_part("claims", self._crew.watch)
            self._start_part("counts", self._recount)
        else:
            self._start_part("recovery", lambda: self._recover(newest))
        self._take_along()
        self._housekeeping.plan(self._scheduler)
        self._scheduler.start()

    async def _recount(self) -> None:
        """Reads what others counted while a node asks for it, oftener than the lease is renewed."""
        while True:
            if self.deployments.has_readers:
                await self.deployments.recount(self._store)
            await self._clock.wait(asyncio.Event(), self._clock.now() + RECOUNT_US)

    def _start_part(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        part = asyncio.create_task(self._patiently(work), name=name)
        part.add_done_callback(_log_death)
        self._running.append(part)
        return part

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begins again after the database did not answer."""
        while True:
            try:
                return await work()
            except StoreError as error:
                log.warning("the database does not answer, trying again: %s", error)
                await asyncio.sleep(self._patience_s)

    async def _resume(self, processes: Collection[str]) -> None:
        """Takes on what rested while its process was paused; calls are under way already."""
        after = ""
        while walks := await self._store.walks(EVER, after, RECOVERY_WINDOW):
            after = walks[-1].task_id
            self.intake.put(
                Continue(walk.task_id, walk.visit)
                for walk in walks
                if walk.process in processes and walk.state is TaskState.READY
            )
            await self.intake.worked_off(RECOVERY_WINDOW)

    async def _recover(self, newest: str) -> None:
        """Takes on what stood READY or CALLING when the engine stopped, a window at a time.

        What of this is the engine's own work by now is told by what it has in hand, not by the
        time: the clock may have been set back since.
        """
        after = ""
        while after < newest:
            walks = await self._store.walks(EVER, after, RECOVERY_WINDOW)
            after = walks[-1].task_id if walks else newest
            await self._loop.turn_over()
            self.intake.put(
                Continue(walk.task_id, walk.visit, walk.state is TaskState.CALLING)
                for walk in walks
                if not self._calls.knows(walk.task_id, walk.visit)
            )
            await self.intake.worked_off(RECOVERY_WINDOW)

    def _after_doubt(self, batch: Batch) -> None:
        """Does after a commit of which nobody knows what does nothing if it was not written."""
        self._alarms.arm(batch.alarms)
        self.intake.put(Continue(call.task_id, call.visit) for call in batch.calls)
        self.intake.put_walks(Continue(task_id, visit) for task_id, visit in batch.resumed)

    def _after(self, batch: Batch) -> None:
        """Does what may be done only now that a batch is safe on disk."""
        self.deployments.count(batch)
        self.meter.count(batch)
        if batch.heard:
            self._calls.heard(batch.heard)
        if batch.calls:
            self._calls.start(batch.calls)
        if batch.cancelled:  # after the start: a task may have left in the turn in which it asked
            self._calls.cancel(batch.cancelled)
        if batch.alarms:
            self._alarms.arm(batch.alarms)
        if batch.resumed:
            self.intake.put_walks(Continue(task_id, visit) for task_id, visit in batch.resumed)
        for incident in batch.incidents:
            log.error(
                "incident %s in node '%s' of '%s'\n%s",
                incident.incident_id, incident.node, incident.process,
                told(incident.exception, incident.masker),
            )  # fmt: skip
        for alert in batch.alerts:
            log.warning(
                "%d tasks stand in '%s' of '%s': the alert is %s",
                alert.standing, alert.node, alert.process, "on" if alert.is_on else "over",
            )  # fmt: skip
        for listener in self._listeners:
            listener(batch)

    async def rest(self) -> None:
        """Waits until every task stands where only time or somebody outside can move it."""
        while True:
            await asyncio.gather(*(part for part in self._running if part.get_name() == MOVES))
            await self._calls.rest()
            await self._loop.rest()
            if not len(self._calls) and not len(self.intake):
                return

    async def stop(self, grace_s: float) -> None:
        """Refuses what is new, finishes what is in hand, and ends."""
        self.intake.close()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        loop = self._loop_part
        if loop is None:
            return
        for other in self._running:
            if other is not loop:
                other.cancel()
        # A database that does not answer must not hold up the end: what is on disk is found again.
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(2 * grace_s + self._stop_s):
                await self._calls.stop(grace_s)
                if not loop.done():
                    await self._loop.rest()
        loop.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running, self._loop_part = [], None
        with contextlib.suppress(StoreError):
            await self._crew.leave()


def _calm_collector() -> None:
    """Has Python's cycle collector look less often, and not at what is there for good.

    Under load it otherwise takes half of the time (20,000 tasks in the air: 95 us of CPU a
    task with the default thresholds, 45 without).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _log_death(part: asyncio.Task[None]) -> None:
    """A part that dies is a fault of ours; without it the engine must not pretend to be well."""
    if not part.cancelled() and part.exception() is not None:
        log.critical("the engine's %s broke", part.get_name(), exc_info=part.exception())
