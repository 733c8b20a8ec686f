"""Ten thousand tasks in one queue, and several who take them: each is taken once, in its order."""

import asyncio
from collections import Counter

import pytest

from engine.settings import Settings
from engine.workspace import Workspace
from tests.runtime.conftest import definition

ITEMS = 10_000
TAKERS = 8
AT_ONCE = 100

pytestmark = pytest.mark.slow

LINE = """
process: line
params: {number: {type: number, required: true}}
nodes:
  start: {type: start, next: wait}
  wait: {type: queue, timeout: {after: 1d, next: late}, next: taken}
  taken: {type: end}
  late: {type: end, result: error}
"""
TAKER = """
process: taker
nodes:
  start: {type: start, next: take}
  take: {type: get_from_queue, process: line, node: wait, next: done, error: empty}
  done: {type: end}
  empty: {type: end, result: error}
"""


@pytest.fixture(params=["sqlite", "postgres"])
async def engines(request, tmp_path):
    """One engine on a file, or two on one server."""
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path}/engine.db"]
    else:
        urls = [request.getfixturevalue("postgres_url")] * 2
    opened = []
    for url in urls:
        workspace = await Workspace.open(Settings(database=url, stop_grace_seconds=0))
        await workspace.deploy([definition(text) for text in (LINE, TAKER)])
        await workspace.start()
        opened.append(workspace)
    yield opened
    for workspace in opened:
        await workspace.stop()


async def put(engines):
    """Puts all items into the queue, one after the other."""
    for first in range(0, ITEMS, AT_ONCE):
        engine = engines[first // AT_ONCE % len(engines)]
        numbers = range(first, first + AT_ONCE)
        await asyncio.gather(*(engine.submit("line", {"number": n}, f"i{n}") for n in numbers))


async def take(engine, *, at_once=1):
    """Takes until the queue is empty; gives the numbers that were taken, in that order."""
    numbers = []
    while True:
        asked = await asyncio.gather(*(engine.submit("taker", {}, "") for _ in range(at_once)))
        tasks = [each.task for each in asked]
        numbers += [
            task.data["__queue_task_data__"]["number"] for task in tasks if task.node == "done"
        ]
        if any(task.node == "empty" for task in tasks):
            return numbers


async def test_each_task_of_a_queue_is_taken_by_one_of_many_takers(engines):
    await put(engines)

    taken = await asyncio.gather(
        *(take(engines[taker % len(engines)], at_once=20) for taker in range(TAKERS))
    )

    assert Counter(number for numbers in taken for number in numbers) == Counter(range(ITEMS))


async def test_one_taker_takes_in_the_order_in_which_they_came(engines):
    await put(engines)

    taken = await take(engines[0], at_once=AT_ONCE)

    assert taken == list(range(ITEMS))
