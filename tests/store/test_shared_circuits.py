"""What one engine learns of an upstream host, the others on its database know too."""

import asyncio

import pytest

from engine.core.circuit import Circuits
from engine.core.command import HttpAnswer
from engine.errors import StoreUnavailable
from engine.runtime.upstreams import Upstreams

HOST = "https://api.example.com"
BUSY = HttpAnswer(503, (), b"")
OK = HttpAnswer(200, (), b"")
SECOND_US = 1_000_000


class Time:
    """A clock that is set; who waits is let go when it is told to."""

    def __init__(self):
        self.us = 1_700_000_000 * SECOND_US
        self.has_passed = asyncio.Event()

    def now(self):
        return self.us

    async def wait(self, event, until):
        del until
        waits = [asyncio.create_task(each.wait()) for each in (event, self.has_passed)]
        _, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def two(database, time):
    """Two engines' circuits, each with what keeps them in step."""
    stores = [await database.open(name) for name in ("one", "two")]
    circuits = [Circuits(3, time.now) for _ in stores]
    yield [
        (each, Upstreams(store, each, time)) for each, store in zip(circuits, stores, strict=True)
    ]
    for store in stores:
        await store.aclose()


async def test_a_host_that_one_engine_lets_be_all_let_be_until_one_had_an_answer(two, time):
    (one, ones), (other, others) = two
    await others.look()
    for _ in range(3):
        one.heard(HOST, BUSY)

    await ones.look()
    await others.look()
    learnt = other.pause(HOST)
    time.us += SECOND_US
    other.pause(HOST)
    other.heard(HOST, OK)
    await others.look()
    await ones.look()

    assert (learnt.length, learnt.reason) == (SECOND_US, "the last answer was 503")
    assert (one.pause(HOST), one.pause(HOST), other.pause(HOST)) == (None, None, None)


async def test_a_change_is_told_at_once_and_is_not_lost_where_the_database_is(two, caplog):
    (one, ones), (other, others) = two
    write, failures = ones._store.note_pauses, [StoreUnavailable("away")]

    async def sometimes(changes, now):
        if failures:
            raise failures.pop()
        await write(changes, now)

    ones._store.note_pauses = sometimes
    for _ in range(3):
        one.heard(HOST, BUSY)

    with pytest.raises(StoreUnavailable):
        await ones.look()
    await ones.look()
    await others.look()

    assert other.pause(HOST) is not None
    assert [record.getMessage() for record in caplog.records] == [
        f"{HOST} is not called for 1 s: the last answer was 503"
    ]


async def test_changes_are_written_as_they_come(two):
    (one, ones), (other, others) = two
    keeping = asyncio.create_task(ones.keep())
    await asyncio.sleep(0)

    for _ in range(3):
        one.heard(HOST, BUSY)
    while other.pause(HOST) is None:
        await others.look()
    keeping.cancel()

    assert other.pause(HOST).reason == "the last answer was 503"
