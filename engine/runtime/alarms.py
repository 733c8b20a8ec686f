"""Timers: a window of the nearest ones in memory, the rest on disk.

Every timer due before the horizon is in the heap; the horizon moves on as time does.
"""

import asyncio
import heapq
from collections.abc import Iterable

from engine.core.message import Alarm
from engine.runtime.clock import Clock
from engine.runtime.intake import Intake
from engine.store.interface import Store

WINDOW_US = 60_000_000
WINDOW_SIZE = 10_000
AT_ONCE = 1000
"""Alarms put into the intake before the loop gets a chance to work them off."""


class Alarms:
    """Wakes tasks when they are due, never early."""

    def __init__(
        self, store: Store, intake: Intake, clock: Clock, *, window_size: int = WINDOW_SIZE
    ) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._window_size = window_size
        self._at_once = min(AT_ONCE, max(window_size // 10, 1))
        self._heap: list[tuple[int, str, int]] = []
        self._horizon = 0
        self._nearer = asyncio.Event()

    def arm(self, alarms: Iterable[tuple[int, str, int]]) -> None:
        """Notes timers (due, task id, visit) that were just written."""
        earliest = self._heap[0][0] if self._heap else self._horizon
        for alarm in alarms:
            if alarm[0] < self._horizon:
                heapq.heappush(self._heap, alarm)
                if alarm[0] < earliest:
                    self._nearer.set()
        if len(self._heap) > 2 * self._window_size:
            self._shrink()

    @property
    def horizon(self) -> int:
        """Until when every timer of this engine is in memory."""
        return self._horizon

    def _shrink(self) -> None:
        """Forgets the far end of the window; it is on disk."""
        self._heap = heapq.nsmallest(self._window_size, self._heap)
        self._horizon = self._heap[-1][0]

    async def run(self) -> None:
        """Rings until cancelled."""
        while True:
            if not self._heap or self._clock.now() >= self._horizon - WINDOW_US // 2:
                await self._look_ahead()
            await self._ring()
            await self._sleep()

    async def _look_ahead(self) -> None:
        # Set before the store is read: what is armed meanwhile must not be missed.
        until = self._horizon = self._clock.now() + WINDOW_US
        rows = await self._store.due(until, self._window_size)
        if len(rows) == self._window_size:
            # More of the same moment may be on disk: it is beyond the horizon as a whole.
            self._horizon = rows[-1].due
        # What was armed meanwhile may be in both.
        self._heap = [alarm for alarm in self._heap if alarm[0] < self._horizon]
        self._heap.extend((row.due, row.task_id, row.visit) for row in rows)
        self._heap = sorted(set(self._heap))

    async def _ring(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            due: list[Alarm] = []
            while self._heap and self._heap[0][0] <= now and len(due) < self._at_once:
                _, task_id, visit = heapq.heappop(self._heap)
                due.append(Alarm(task_id, visit))
            self._intake.put(due)
            await self._intake.worked_off(self._at_once)

    async def _sleep(self) -> None:
        """Sleeps until the next timer, the next look ahead, or a nearer timer.

        After a burst larger than the window the horizon has come already: the rest is on disk.
        """
        nearest = self._heap[0][0] if self._heap else self._horizon
        wake = min(nearest, self._clock.now() + WINDOW_US // 4)
        self._nearer.clear()
        await self._clock.wait(self._nearer, wake)
