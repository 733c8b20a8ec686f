"""Time and ids: never back, never twice."""

import asyncio
import random
import time

from engine.runtime.clock import Ids, SystemClock, system_chance
from engine.testing.world import VirtualClock


def test_the_clock_tells_unix_microseconds():
    before = time.time_ns() // 1000

    assert before <= SystemClock().now() <= time.time_ns() // 1000


def test_the_clock_never_goes_back(monkeypatch):
    clock = SystemClock()
    told = iter([2_000_000_000, 1_000_000_000, 3_000_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(told))

    assert [clock.now() for _ in range(3)] == [2_000_000, 2_000_000, 3_000_000]


async def test_a_wait_ends_with_its_event_or_its_moment():
    clock, event = SystemClock(), asyncio.Event()

    await clock.wait(event, clock.now() - 1)
    event.set()
    await clock.wait(event, clock.now() + 3600 * 1_000_000)

    assert event.is_set()


def test_ids_sort_by_the_time_of_their_making():
    clock = VirtualClock()
    ids = Ids(clock, random.Random(1))

    made = []
    for _ in range(1000):
        made.extend(ids.next_id() for _ in range(3))
        clock.advance(0.0005)

    assert made == sorted(set(made))
    assert {len(each) for each in made} == {24}


def test_ids_can_not_be_guessed_from_the_time():
    clock = VirtualClock()

    one, other = (Ids(clock, system_chance()).next_id() for _ in range(2))

    assert one[:12] == other[:12]
    assert one[12:] != other[12:]
