"""Parts of the runtime around a real store in memory, and whole engines in virtual time."""

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from engine.core.command import HttpAnswer
from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.runtime.intake import Intake
from engine.runtime.loop import Loop
from engine.settings import Settings
from engine.store.opening import open_store
from engine.testing.world import VirtualClock
from engine.workspace import Workspace
from tests.core.conftest import Board

SPINS = 200_000


async def until(condition):
    """Lets everything else run until something holds; no time is measured."""
    for _ in range(SPINS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def spin(times=50):
    """Lets everything else run for a while."""
    for _ in range(times):
        await asyncio.sleep(0)


def definition(text):
    found, faults = read_definition(text, "test.yaml", Catalog.installed())
    assert not [fault for fault in faults if fault.is_error], faults
    return found


async def ok(command):
    """Answers every call at once."""
    return HttpAnswer(200, (("content-type", "application/json"),), b'{"answer": 1}')


@pytest.fixture
async def store():
    opened = await open_store("sqlite://")
    yield opened
    await opened.aclose()


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def board(store, clock):
    def make(*texts, **more):
        made = Board(store, *texts, **more)
        made.now = clock.now()
        return made

    return make


@pytest.fixture
async def looping(clock):
    """Starts a loop on a board; gives it with its intake. It is stopped in the end."""
    started = []

    def start(board, store=None, after=None, limit=1000):
        intake = Intake(limit)

        def count(batch):
            for key, (came, went) in batch.counts.items():
                before = board.counts.get(key, (0, 0))
                board.counts[key] = (before[0] + came, before[1] + went)
            if after is not None:
                after(batch)

        doubts = []
        loop = Loop(
            store or board.store, board, intake, clock, count, doubts.append, retry_after_s=0
        )
        started.append(asyncio.create_task(loop.run()))
        return loop, intake

    yield start
    for each in started:
        each.cancel()
    await asyncio.gather(*started, return_exceptions=True)


@asynccontextmanager
async def engines(place, clock, perform):
    """Gives a function that opens workspaces; those still open are stopped in the end."""
    open_ones = []
    usual = perform

    async def open_one(*texts, perform=usual, start=True, database=place, **settings):
        workspace = await Workspace.open(
            Settings(database=database, stop_grace_seconds=0, **settings),
            perform=perform,
            clock=clock,
            chance=random.Random(7),
        )
        await workspace.deploy([definition(text) for text in texts])
        if start:
            await workspace.start()
        open_ones.append(workspace)
        return workspace

    async def close(workspace):
        """Stops one; the next is opened a moment later."""
        open_ones.remove(workspace)
        await workspace.stop()
        clock.advance(0.001)

    open_one.close = close
    yield open_one
    for workspace in open_ones:
        await workspace.stop()


@pytest.fixture
async def opened(tmp_path, clock):
    """Opens workspaces on one database file."""
    async with engines(f"sqlite:///{tmp_path}/engine.db", clock, ok) as open_one:
        yield open_one
