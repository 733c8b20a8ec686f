"""Timers: never early, a window at a time, the nearest first."""

import asyncio

import pytest

from engine.core.message import Alarm
from engine.runtime.alarms import WINDOW_US, Alarms
from engine.runtime.intake import Intake
from engine.testing.world import START
from tests.runtime.conftest import spin, until
from tests.store.store_values import batch, make_task

SECOND = 1_000_000

DELAY = """
process: delay
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 10s, next: done}
  done: {type: end}
"""


class Counting:
    """A store that notes how many timers were read at once."""

    def __init__(self, store):
        self._store = store
        self.reads = []

    async def due(self, until, limit):
        rows = await self._store.due(until, limit)
        self.reads.append(len(rows))
        return rows


@pytest.fixture
async def ringing(clock):
    """Starts alarms on a store; they are stopped in the end."""
    running = []

    def start(store, intake=None, **options):
        intake = Intake(10) if intake is None else intake
        alarms = Alarms(store, intake, clock, **options)
        running.append(asyncio.create_task(alarms.run()))
        return alarms, intake

    yield start
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def task_due(number, seconds):
    return make_task(number, due=START + round(seconds * SECOND), ref=f"r{number}")


async def write(store, *tasks):
    await store.commit(batch(created=list(tasks)))


async def rung(intake):
    """The tasks whose alarms rang so far."""
    await spin()
    return [message.task_id for message in await intake.take(10_000)] if len(intake) else []


async def test_a_timer_rings_when_it_is_due_and_not_before(store, clock, ringing):
    task = task_due(1, 10)
    await write(store, task)
    _, intake = ringing(store)

    clock.advance(9.999999)
    assert await rung(intake) == []
    clock.advance(0.000001)

    assert await rung(intake) == [task.task_id]


async def test_what_is_overdue_rings_at_the_start(store, ringing):
    await write(store, task_due(1, -3600), task_due(2, 0))

    _, intake = ringing(store)

    assert len(await rung(intake)) == 2


async def test_a_nearer_timer_is_rung_in_time(store, clock, ringing):
    await write(store, task_due(1, 50))
    alarms, intake = ringing(store)
    await spin()

    alarms.arm([(START + 5 * SECOND, "near", 3)])
    await spin()
    clock.advance(5)
    await spin()

    assert await intake.take(10) == [Alarm("near", 3)]


async def test_a_farther_timer_is_armed_too(store, clock, ringing):
    await write(store, task_due(1, 5))
    alarms, intake = ringing(store)
    await spin()

    alarms.arm([(START + 10 * SECOND, "farther", 3)])
    clock.advance(5)
    assert len(await rung(intake)) == 1
    clock.advance(5)

    assert await rung(intake) == ["farther"]


async def test_a_timer_beyond_the_horizon_is_left_on_disk_until_its_window_comes(
    store, clock, ringing
):
    task = task_due(1, 3600)
    await write(store, task)
    alarms, intake = ringing(store)
    await spin()
    alarms.arm([(task.due, task.task_id, 1)])
    assert alarms._heap == []

    for _ in range(3600 // 15 - 1):
        clock.advance(15)
        assert await rung(intake) == []
    clock.advance(15)

    assert await rung(intake) == [task.task_id]


async def test_a_clock_that_jumps_ahead_rings_everything_it_passed(store, clock, ringing):
    await write(store, *(task_due(n, n * 100) for n in range(1, 20)))
    _, intake = ringing(store)
    await spin()

    clock.advance(7 * 24 * 3600)

    assert len(await rung(intake)) == 19


async def test_only_a_window_of_many_timers_is_in_memory(store, ringing):
    await write(store, *(task_due(n, 30 + n / 1000) for n in range(2000)))
    counting = Counting(store)
    alarms, _ = ringing(counting, window_size=50)
    await spin()

    alarms.arm((START + 30 * SECOND + n, f"new{n}", 1) for n in range(500))
    await spin()

    assert max(counting.reads) == 50
    assert len(alarms._heap) <= 100


async def test_a_window_that_was_shrunk_loses_no_timer(board, looping, clock, ringing):
    b = board(DELAY)
    _, intake = looping(b)
    alarms, _ = ringing(b.store, intake, window_size=10)
    await spin()

    for _ in range(100):
        clock.advance(0.01)
        b.now = clock.now()
        made = await b.submit("delay")
        alarms.arm([(made.due, made.task_id, made.visit)])
    clock.advance(10)
    await until(lambda: b.counts.get(("delay", "done")) == (100, 0))

    assert b.counts["delay", "rest"] == (100, 100)


@pytest.mark.parametrize("number", [100, 95])
async def test_a_burst_larger_than_the_window_rings_at_once(board, looping, clock, ringing, number):
    b = board(DELAY)
    for _ in range(number):
        await b.submit("delay")
    clock.advance(10)
    _, intake = looping(b)

    ringing(b.store, intake, window_size=10)
    await until(lambda: b.counts.get(("delay", "done")) == (number, 0))

    assert b.counts["delay", "rest"] == (number, number)


async def test_a_timer_armed_while_the_window_is_read_is_not_missed(store, clock, ringing):
    class Slow(Counting):
        async def due(self, until, limit):
            rows = await super().due(until, limit)
            alarms.arm([(START + 5 * SECOND, "meanwhile", 1)])
            return rows

    alarms, intake = ringing(Slow(store))
    await spin()

    clock.advance(5)

    assert await rung(intake) == ["meanwhile"]


async def test_a_horizon_is_looked_at_again_before_it_comes(store, clock, ringing):
    counting = Counting(store)
    ringing(counting)
    await spin()

    for _ in range(8):
        clock.advance(WINDOW_US / SECOND / 4)
        await spin()

    assert len(counting.reads) >= 4
