"""A long queue with many takers: each task is taken once, and in order.

`ENGINE_TEST_QUEUED` sets how many tasks there are (10,000).
"""

import asyncio
import itertools
import os

import pytest

from engine.core.task import TaskState
from engine.settings import Settings
from engine.store.interface import TaskQuery
from engine.workspace import Workspace
from tests.runtime.conftest import definition
from tests.store.conftest import _postgres_tables, postgres_server, postgres_url

__all__ = ["_postgres_tables", "postgres_server", "postgres_url"]

TASKS = int(os.environ.get("ENGINE_TEST_QUEUED", "10000"))
TAKERS = 8
AT_ONCE = 100
QUEUE = """
process: line
nodes:
  start: {type: start, next: wait}
  wait: {type: queue, next: taken}
  taken: {type: end}
"""
TAKE = """
process: take
nodes:
  start: {type: start, next: take}
  take: {type: get_from_queue, process: line, node: wait, next: done, error: none}
  done: {type: end}
  none: {type: end, result: error}
"""
TAKE_LAST = TAKE.replace("process: take", "process: take-last").replace(
    "node: wait,", "node: wait, order: desc,"
)

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
async def engines(request, tmp_path):
    """One engine on SQLite, two on PostgreSQL."""
    is_shared = request.param == "postgres"
    url = f"sqlite:///{tmp_path}/engine.db"
    settings = Settings(
        database=request.getfixturevalue("postgres_url") if is_shared else url,
        stop_grace_seconds=0,
    )
    started = []
    for _ in range(2 if is_shared else 1):
        workspace = await Workspace.open(settings)
        await workspace.deploy([definition(text) for text in (QUEUE, TAKE, TAKE_LAST)])
        await workspace.start()
        started.append(workspace)
    yield started
    for workspace in started:
        await workspace.stop()


async def put(workspace, number):
    """Puts so many tasks into the queue, in order."""
    left = iter(range(number))
    while part := list(itertools.islice(left, AT_ONCE)):
        answers = await workspace.submit_many("line", [(f"q{n:05}", {"n": n}, None) for n in part])
        assert not [answer for answer in answers if isinstance(answer, Exception)]


async def take_until(workspace, is_over, taken):
    """One taker: takes one after the other until nothing comes any more."""
    while True:
        was_over = is_over.is_set()
        task = (await workspace.submit("take", {})).task
        if task.node == "done":
            taken.append(task.data["__queue_task_data__"]["n"])
        elif was_over:
            return
        else:
            await asyncio.sleep(0)


async def all_of(workspace, process):
    found, after = [], ""
    while page := await workspace.tasks(TaskQuery(process, limit=1000, after=after)):
        found.extend(page)
        after = page[-1].task_id
    return found


async def test_many_takers_take_every_task_once(engines):
    is_over = asyncio.Event()
    taken = [[] for _ in range(TAKERS)]
    takers = [
        asyncio.create_task(take_until(engines[number % len(engines)], is_over, taken[number]))
        for number in range(TAKERS)
    ]

    await put(engines[0], TASKS)
    is_over.set()
    await asyncio.gather(*takers)

    assert sorted(itertools.chain(*taken)) == list(range(TASKS))
    # Whoever takes one after the other never gets one that came before what it has.
    assert all(each == sorted(each) for each in taken)
    line = await all_of(engines[-1], "line")
    assert {(task.node, task.state, task.visit) for task in line} == {
        ("taken", TaskState.SUCCESS, 3),
    }
    assert len(line) == TASKS


@pytest.mark.parametrize(("process", "step"), [("take", 1), ("take-last", -1)])
async def test_one_taker_gets_every_task_in_order(engines, process, step):
    await put(engines[0], TASKS)
    taker, taken = engines[-1], []

    for _ in range(0, TASKS, AT_ONCE):
        answers = await taker.submit_many(process, [("", {}, None)] * AT_ONCE)
        taken += [answer.task.data["__queue_task_data__"]["n"] for answer in answers]
    last = (await taker.submit(process, {})).task

    assert taken == list(range(TASKS))[::step]
    assert (last.node, last.memo.error.description) == ("none", "not_found_task")
