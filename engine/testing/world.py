"""Time that passes when it is told to, for tests and simulations."""

import asyncio

START = 1_700_000_000_000_000


class VirtualClock:
    """A clock (`engine.runtime.clock.Clock`) that stands still until it is advanced."""

    def __init__(self, start: int = START) -> None:
        self._now = start
        self._sleepers: set[tuple[int, asyncio.Future[None]]] = set()

    def now(self) -> int:
        """Gives Unix microseconds."""
        return self._now

    async def wait(self, event: asyncio.Event, until: int) -> None:
        """Waits until the event is set or the clock was advanced to that moment."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (until, woken)
        self._sleepers.add(sleeper)
        waiting = asyncio.ensure_future(event.wait())
        waiting.add_done_callback(lambda _: _wake(woken))
        try:
            if until > self._now:
                await woken
        finally:
            waiting.cancel()
            self._sleepers.discard(sleeper)

    def advance(self, seconds: float) -> None:
        """Lets time pass and wakes who slept until then."""
        self._now += round(seconds * 1_000_000)
        for until, woken in list(self._sleepers):
            if until <= self._now:
                _wake(woken)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
