"""Fronts and workers on one PostgreSQL database: who does what, and that nobody does it twice."""

import asyncio

import pytest

from engine.core.command import HttpAnswer
from engine.core.message import Callback
from engine.core.task import TaskState
from engine.definition import Catalog, read_definition
from engine.settings import Settings
from engine.workspace import Workspace

CALL = """
process: call
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/{{ root.ref }}", max_threads: 4, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
SOON = """
process: soon
nodes:
  start: {type: start, next: pause}
  pause: {type: delay, for: 1ms, next: done}
  done: {type: end}
"""
WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, next: done}
  done: {type: end}
"""


class Outside:
    """Answers when it is told to; counts how many ask at once, through whichever engine."""

    def __init__(self):
        self.asked = []
        self.out = 0
        self.most = 0
        self.may_answer = asyncio.Event()

    async def perform(self, command):
        self.asked.append(command.url.rpartition("/")[2])
        self.out += 1
        self.most = max(self.most, self.out)
        await self.may_answer.wait()
        await asyncio.sleep(0)
        self.out -= 1
        return HttpAnswer(200, (("content-type", "application/json"),), b"{}")


async def forbidden(command):
    raise AssertionError(f"a front called {command.url}")


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
async def start(postgres_url):
    """Starts engines on one database; all are stopped in the end."""
    started = []

    async def engine(perform=forbidden, *, is_front=False):
        settings = Settings(database=postgres_url, stop_grace_seconds=0)
        workspace = await Workspace.open(settings, perform=perform)
        catalog = Catalog.installed()
        texts = (CALL, SOON, WAIT)
        await workspace.deploy([read_definition(each, "test.yaml", catalog)[0] for each in texts])
        await workspace.start(is_front=is_front)
        started.append(workspace)
        return workspace

    yield engine
    for workspace in started:
        await workspace.stop()


async def ended(workspace, process, *refs):
    tasks = [await workspace.task(process, ref) for ref in refs]
    return [await workspace.ended(task.task_id, process, 60) for task in tasks]


async def test_what_a_front_takes_a_worker_calls_for(start, outside):
    front = await start(is_front=True)
    outside.may_answer.set()
    refs = [f"r{number}" for number in range(50)]
    await asyncio.gather(*(front.submit("call", {}, ref) for ref in refs))

    before = await front.task("call", "r0")
    await start(outside.perform)
    tasks = await ended(front, "call", *refs)

    assert before.state is TaskState.READY
    assert {task.state for task in tasks} == {TaskState.SUCCESS}
    assert sorted(outside.asked) == sorted(refs)
    steps = [step.node for step in await front.history(tasks[0])]
    assert steps == ["start", "ask", "done"]


async def test_a_timer_that_a_front_armed_rings_at_a_worker(start):
    worker = await start()
    front = await start(is_front=True)

    await asyncio.gather(*(front.submit("soon", {}, f"s{number}") for number in range(20)))
    tasks = await ended(front, "soon", *(f"s{number}" for number in range(20)))

    for task in tasks:
        steps = [step.node for step in await worker.history(task)]
        assert steps == ["start", "pause", "done"]


async def test_a_front_takes_callbacks_of_any_task(start):
    worker = await start()
    front = await start(is_front=True)
    await worker.submit("wait", {}, "w")

    await front.deliver(Callback("wait", "wait", "", "w", {"id": "w", "from": "front"}, False, 0))

    assert (await worker.task("wait", "w")).data["from"] == "front"


async def test_workers_together_keep_to_the_threads_of_a_node(start, outside):
    first, second = await start(outside.perform), await start(outside.perform)
    await first._engine._crew.renew()
    await second._engine._crew.renew()
    refs = [f"r{number}" for number in range(40)]

    await asyncio.gather(
        *(first.submit("call", {}, ref) for ref in refs[:20]),
        *(second.submit("call", {}, ref) for ref in refs[20:]),
    )
    outside.may_answer.set()
    await ended(first, "call", *refs)

    assert outside.most == 4
    assert sorted(outside.asked) == sorted(refs)
