"""Two engines at work on one PostgreSQL database, with callbacks and submits at either."""

import asyncio

import pytest

from engine.core.batch import Delivery
from engine.core.command import HttpAnswer
from engine.core.message import Callback
from engine.core.task import TaskState
from engine.errors import RefTaken
from engine.runtime.order import File, Order
from engine.settings import Settings
from engine.workspace import TaskQuery, Workspace
from tests.runtime.conftest import definition

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, next: done}
  done: {type: end}
"""
CALL = """
process: call
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/", in_doubt: repeat, next: done, error: bad}
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
ADD = """
process: add
nodes:
  start: {type: start, next: add}
  add: {type: sum, sums: {first: 1, second: 0.1}, next: done, error: done}
  done: {type: end}
"""
TASKS = 200


async def answered(command):
    del command
    return HttpAnswer(200, (("content-type", "application/json"),), b"{}")


async def never(command):
    await asyncio.Event().wait()


def definitions(*texts):
    return [definition(text) for text in texts]


@pytest.fixture
async def engine(postgres_url):
    """Starts engines on one database; those that did not die are stopped in the end."""
    started = []

    async def start(perform=answered):
        settings = Settings(database=postgres_url, stop_grace_seconds=0)
        workspace = await Workspace.open(settings, perform=perform)
        await workspace.deploy(definitions(WAIT, CALL, SOON))
        await workspace.start()
        started.append(workspace)
        return workspace

    yield start
    for workspace in started:
        await workspace.stop()


async def all_ended(workspace, process, count):
    """Waits until so many tasks have ended, and gives them."""
    while True:
        tasks = await workspace.tasks(TaskQuery(process, limit=1000))
        ended = [task for task in tasks if task.is_finished]
        if len(ended) == count:
            return ended
        await asyncio.sleep(0.01)  # asked over a connection: only the server knows


def call_back(workspace, ref):
    return workspace.deliver(Callback("wait", "wait", "", ref, {"from": ref}, False, 10**9))


async def test_a_ref_that_two_engines_are_given_at_once_is_one_task(engine):
    first, second = await engine(), await engine()

    results = await asyncio.gather(
        *(each.submit("wait", {}, "same") for each in (first, second) for _ in range(3)),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in results) == ["Answer", *["RefTaken"] * 5]
    assert RefTaken.kind == "ref_taken"


async def test_every_callback_is_taken_once_whichever_engine_gets_it(engine):
    first, second = await engine(), await engine()
    refs = [f"r{number}" for number in range(TASKS)]

    await asyncio.gather(
        *(first.submit("wait", {}, ref) for ref in refs),
        *(call_back(second, ref) for ref in refs),
    )
    ended = await all_ended(first, "wait", TASKS)

    assert sorted(task.data["from"] for task in ended) == sorted(refs)
    assert first.counts("wait").keys() == second.counts("wait").keys()
    for task in ended[:20]:
        steps = [step.node for step in await second.history(task)]
        assert steps == ["start", "wait", "done"]


async def test_timers_of_both_ring_once(engine):
    first, second = await engine(), await engine()

    await asyncio.gather(*(each.submit("soon", {}) for each in (first, second) for _ in range(50)))

    for task in await all_ended(first, "soon", 100):
        assert [step.node for step in await first.history(task)] == ["start", "pause", "done"]


async def test_tasks_of_a_dead_engine_are_taken_on(engine, postgres_server):
    dead, alive = await engine(never), await engine()
    answer = await dead.submit("call", {}, "left")
    task = await alive.task("call", "left")
    assert task.state is TaskState.CALLING
    name = dead._engine._crew._name
    for part in dead._engine._running:
        part.cancel()

    postgres_server.sql(f"UPDATE worker SET expires = 0 WHERE worker = '{name}'", database="engine")
    await alive._engine._crew.renew()
    ended = await all_ended(alive, "call", 1)

    assert ended[0].task_id == answer.task.task_id
    assert ended[0].state is TaskState.SUCCESS


async def test_an_engine_that_was_taken_for_dead_joins_again(engine, postgres_server):
    first = await engine()
    postgres_server.sql("DELETE FROM worker", database="engine")

    await first.submit("wait", {}, "after")

    assert (await first.task("wait", "after")).state is TaskState.WAITING


async def test_a_process_that_another_engine_deploys_is_known(engine):
    first, second = await engine(), await engine()

    await first.deploy(definitions(WAIT.replace("process: wait", "process: later")))
    await second._engine._crew.renew()

    await second.submit("later", {}, "here")
    assert (await first.task("later", "here")).state is TaskState.WAITING


async def test_a_new_version_from_another_engine_is_what_people_see(engine):
    first, second = await engine(), await engine()
    assert second.definition("wait").title == "wait"

    await first.deploy(definitions(WAIT.replace("process: wait", "process: wait\ntitle: Changed")))
    await second._engine._crew.renew()

    assert second.graph("wait").title == "Changed"
    assert second.definition("wait").title == "Changed"


async def test_a_task_of_a_version_that_another_engine_just_deployed_goes_on(engine):
    first, second = await engine(), await engine()
    await second._engine._crew.renew()
    await first.deploy(
        definitions(
            WAIT.replace("id}, next: done", "id}, next: more").replace(
                "  done:", "  more: {type: delay, for: 1h, next: done}\n  done:"
            )
        )
    )
    await first.submit("wait", {}, "a")

    seen = await second.task("wait", "a")
    delivery = await call_back(second, "a")

    task = await second.task("wait", "a")
    assert (seen.node, delivery) == ("wait", Delivery.TAKEN)
    assert (task.node, task.version, task.state) == ("more", 2, TaskState.WAITING)


async def test_tasks_that_a_deploy_moves_are_moved_once_by_whoever_meets_them(engine):
    first, second = await engine(), await engine()
    for number in range(TASKS):
        await first.submit("wait", {}, f"t{number}")

    renamed = WAIT.replace("next: wait", "next: pause").replace("  wait:", "  pause:")
    order = Order(files=(File("test.yaml", renamed),), moves={"wait": "pause"})
    await first.carry_out(order)
    await second._engine._crew.renew()
    await asyncio.gather(first.rest(), second.rest())

    found = await first.tasks(TaskQuery("wait", limit=2 * TASKS))
    histories = [await first.history(task) for task in found]
    assert {(task.node, task.state) for task in found} == {("pause", TaskState.WAITING)}
    assert {tuple(step.by for step in steps) for steps in histories} == {("next", "deploy")}
    assert (await first._store.counts())["wait", "pause"] == (TASKS, 0)


async def test_two_engines_add_to_one_sum(engine):
    first, second = await engine(), await engine()
    await first.deploy(definitions(ADD))
    await second._engine._crew.renew()

    await asyncio.gather(
        *(each.submit("add", {}, "") for each in (first, second) for _ in range(TASKS))
    )

    assert await first._store.sums() == {
        ("add", "add", "first"): 2 * TASKS * 10**9,
        ("add", "add", "second"): 2 * TASKS * 10**8,
    }
