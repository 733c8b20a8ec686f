"""What passes the time: the machine's clock, or one that stands still until it is advanced."""

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Any, Protocol

# A step of the virtual clock wakes tasks that wake others. No chain in this package is longer.
_TURNS_TO_SETTLE = 25


class Scheduler(Protocol):
    """Tells the time and calls back later. All delays are as at speed 1."""

    def now(self) -> float:
        """Gives Unix seconds."""

    def call_later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Calls the callback once that much time has passed."""


class LoopScheduler:
    """The clock of the machine and the timers of the running event loop."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def now(self) -> float:
        """Gives Unix seconds."""
        return time.time_ns() / 1e9

    def call_later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Calls the callback after the delay divided by the speed."""
        asyncio.get_running_loop().call_later(delay_s / self._speed, callback, *args)


class VirtualScheduler:
    """Time that passes when it is told to: two hours take no time."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now_us = round(start * 1e6)
        self._timers: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0

    def now(self) -> float:
        """Gives Unix seconds."""
        return self._now_us / 1e6

    def call_later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Remembers the callback until the clock is advanced so far."""
        self._count += 1
        due = self._now_us + round(delay_s * 1e6)
        heapq.heappush(self._timers, (due, self._count, callback, args))

    async def advance(self, seconds: float) -> None:
        """Lets time pass, runs what falls due in its order and all that follows from it."""
        until = self._now_us + round(seconds * 1e6)
        await _settle()
        while self._timers and self._timers[0][0] <= until:
            self._now_us, _, callback, args = heapq.heappop(self._timers)
            callback(*args)
            await _settle()
        self._now_us = until


async def _settle() -> None:
    for _ in range(_TURNS_TO_SETTLE):
        await asyncio.sleep(0)


async def pause(scheduler: Scheduler, delay_s: float) -> None:
    """Returns after the delay."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scheduler.call_later(delay_s, _end, over)
    await over


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
