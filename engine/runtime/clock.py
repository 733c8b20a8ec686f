"""Time, chance and ids: the only place that asks the system for them."""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> int:
        """Gives Unix microseconds."""

    async def wait(self, event: asyncio.Event, until: int) -> None:
        """Waits until the event is set or that moment has come, whichever is first."""


class Chance(Protocol):
    """A source of random bits; a seeded `random.Random` in tests and simulations."""

    def getrandbits(self, k: int, /) -> int: ...


class SystemClock:
    """The machine's clock, which never goes back within one run of the engine."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Gives Unix microseconds, at least as many as the last time."""
        self._last = max(self._last, time.time_ns() // 1000)
        return self._last

    async def wait(self, event: asyncio.Event, until: int) -> None:
        """Waits until the event is set or that moment has come."""
        try:
            await asyncio.wait_for(event.wait(), max((until - self.now()) / 1e6, 0.0))
        except TimeoutError:
            return


def system_chance() -> Chance:
    """Gives the machine's random source."""
    return random.SystemRandom()


class Ids:
    """Makes ids of 24 hexadecimal digits: twelve of milliseconds, twelve that can't be guessed.

    Each is greater than the one before, so ids sort by the time of their making.
    """

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        # Seeded once: the system's source costs a call of the kernel for every number.
        self._random = random.Random(chance.getrandbits(128))
        self._millisecond = 0
        self._low = 0

    def next_id(self) -> str:
        """Gives the next id."""
        millisecond = self._clock.now() // 1000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._low = self._random.getrandbits(47)
        else:
            self._low += 1 + self._random.getrandbits(20)
        return f"{self._millisecond:012x}{self._low:012x}"

    def random_bits(self, count: int) -> int:
        """Gives bits straight from the source of chance: a template may make a code of them."""
        return self._chance.getrandbits(count)
