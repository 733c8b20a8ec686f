"""Virtual time: an event loop that never waits, and the clocks of engines that live in it."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

START_US = 1_700_000_000_000_000
"""When stories begin, for the engines. The loop counts from 0: floats are finer there."""


class NothingLeft(Exception):
    """Nothing can happen any more, and the story is not over."""


class _Selector(selectors.BaseSelector):
    """Instead of waiting it moves the time on."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        self.now += max(timeout, 0.0)
        return self._real.select(0)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs everything that is ready, then goes to the next moment at which something is."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Gives the seconds of the virtual time."""
        return self._virtual.now


class SimulatedClock:
    """An engine's clock (`engine.runtime.clock.Clock`), which may be set to another time.

    As the system's it does not go back within one life, only to the next.
    """

    def __init__(self, ahead_us: int = 0) -> None:
        self.ahead_us = ahead_us
        self._last = 0

    def now(self) -> int:
        """Gives Unix microseconds."""
        now = START_US + self.ahead_us + int(asyncio.get_running_loop().time() * 1_000_000)
        self._last = max(self._last, now)
        return self._last

    async def wait(self, event: asyncio.Event, until: int) -> None:
        """Waits until the event is set or that moment has come."""
        try:
            await asyncio.wait_for(event.wait(), max((until - self.now()) / 1e6, 0.0))
        except TimeoutError:
            return


class VirtualScheduler:
    """In the place of APScheduler's, which asks the real clock: housekeeping on virtual time.

    It knows intervals only; schedules of processes are APScheduler's own matter.
    """

    def __init__(self) -> None:
        self.running = False
        self._jobs: list[tuple[Callable[[], Awaitable[None]], int]] = []
        self._begun: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Lets the jobs run."""
        self.running = True
        self._begun = [asyncio.ensure_future(_repeat(*job)) for job in self._jobs]

    def shutdown(self, *, wait: bool) -> None:
        """Ends the jobs; none is waited for."""
        del wait
        self.running = False
        for begun in self._begun:
            begun.cancel()

    def get_jobs(self) -> list[Any]:
        """Gives no jobs: those of processes, which are replaced by a deploy."""
        return []

    def add_job(self, func: Callable[..., Any], trigger: Any = None, **options: Any) -> None:
        """Plans a job."""
        if trigger != "interval":
            raise NotImplementedError(f"a job by {trigger}")
        self._jobs.append((func, options["seconds"]))


async def _repeat(job: Callable[[], Awaitable[None]], seconds: int) -> None:
    while True:
        await asyncio.sleep(seconds)
        await job()
