"""A whole engine: nothing is lost by a stop, and a start takes on what was on its way."""

import asyncio
import logging

import pytest

from engine.core.command import HttpAnswer
from engine.core.message import Submit
from engine.core.task import TaskState
from engine.errors import Busy, StoreError, StoreUnavailable, WaitedInVain
from engine.store.interface import TaskQuery
from tests.runtime.conftest import definition, spin, until

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: late}, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""

ASK = """
process: ask
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/{{ root.ref }}", max_threads: 5, in_doubt: hold, timeout: {after: 60s, next: late}, next: done, error: late}
  done: {type: end}
  late: {type: end, result: error}
"""


RETRIED = ASK.replace("in_doubt: hold, ", "")


async def states(workspace, process):
    tasks = await workspace.tasks(TaskQuery(process, limit=1000))
    return [task.state for task in tasks]


async def test_a_stop_loses_no_task_that_was_answered(opened):
    first = await opened(WAIT)
    asked = [asyncio.ensure_future(first.submit("wait", {}, f"t{n}")) for n in range(300)]
    await spin(5)

    await opened.close(first)
    answers = await asyncio.gather(*asked, return_exceptions=True)

    second = await opened(start=False)
    stored = {task.ref for task in await second.tasks(TaskQuery("wait", limit=1000))}
    answered = {f"t{n}" for n, answer in enumerate(answers) if not isinstance(answer, Exception)}
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {Busy}
    assert stored == answered != set()


async def test_a_stopping_engine_refuses_what_is_new(opened):
    workspace = await opened(WAIT)
    assert workspace.is_ready

    await opened.close(workspace)

    assert not workspace.is_ready
    with pytest.raises(Busy, match="the engine is stopping"):
        await workspace.submit("wait", {})


async def test_a_task_goes_on_after_a_restart_by_callback_and_by_timer(opened, clock):
    first = await opened(WAIT)
    for ref in ("a", "b"):
        await first.submit("wait", {}, ref)
    await opened.close(first)

    second = await opened()
    await second.callback(target(second), {"id": "a", "x": 1})
    clock.advance(60)
    await until_state(second, "wait", "b", TaskState.ERROR)

    assert (await second.task("wait", "a")).data == {"id": "a", "x": 1}
    assert (await second.task("wait", "b")).node == "late"


async def test_a_timer_that_came_due_while_the_engine_was_down_rings_at_the_start(opened, clock):
    first = await opened(WAIT)
    await first.submit("wait", {}, "a")
    await opened.close(first)
    clock.advance(3600)

    second = await opened()

    await until_state(second, "wait", "a", TaskState.ERROR)


def target(workspace):
    url = workspace.callback_url("wait", "wait")
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    return workspace.target(hex_id, digest)


async def until_state(workspace, process, ref, state):
    for _ in range(20_000):
        if (await workspace.task(process, ref)).state is state:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"'{ref}' never got to be {state}")


async def test_calls_that_were_not_sent_are_made_after_a_restart_and_are_not_in_doubt(opened):
    asked = []

    async def never(command):
        asked.append(command.url)
        await asyncio.get_running_loop().create_future()

    first = await opened(ASK, perform=never)
    for n in range(20):
        await first.submit("ask", {}, f"t{n}")
    await until(lambda: len(asked) == 5)
    await opened.close(first)

    async def answer(command):
        asked.append(command.url)
        return HttpAnswer(200, (), b"{}")

    second = await opened(perform=answer)
    for _ in range(20_000):
        found = await states(second, "ask")
        if found.count(TaskState.SUCCESS) == 15:
            break
        await asyncio.sleep(0)

    assert (found.count(TaskState.SUCCESS), found.count(TaskState.HELD)) == (15, 5)
    assert len(asked) == len(set(asked)) == 20


async def test_an_engine_without_calls_stops_before_them(opened):
    workspace = await opened(ASK, start=False)
    await workspace.start(is_front=True)

    await workspace.submit("ask", {}, "t")
    await workspace.rest()

    assert (await workspace.task("ask", "t")).state is TaskState.READY


async def test_a_long_walk_goes_on_by_itself(opened):
    loop = (
        "process: p\nnodes:\n  start: {type: start, next: a}\n"
        '  a: {type: set_parameter, set: {n: "{{ n | default(0) + 1 }}"}, next: b, error: bad}\n'
        "  b: {type: set_parameter, set: {m: 1}, next: c, error: bad}\n"
        "  c: {type: set_parameter, set: {k: 1}, next: d, error: bad}\n"
        "  d: {type: condition, cases: [{when: n >= 300, next: done}], else: a}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n"
    )
    workspace = await opened(loop)

    answer = await workspace.submit("p", {}, "t")
    assert answer.task.state is TaskState.READY
    await workspace.rest()

    task = await workspace.task("p", "t")
    assert (task.node, task.data["n"]) == ("done", 300)
    visits = [step.visit for step in await workspace.history(task)]
    assert visits == list(range(1, 1203))


async def test_a_paused_process_stands_still_and_goes_on_when_it_is_put_into_force(opened, clock):
    workspace = await opened(WAIT)
    await workspace.submit("wait", {}, "a")
    await workspace.submit("wait", {}, "b")
    await workspace.submit("wait", {}, "c")
    await workspace.deploy([definition(WAIT + "status: paused\n")])

    await workspace.callback(target(workspace), {"id": "a"})
    clock.advance(60)
    await until_state(workspace, "wait", "b", TaskState.READY)
    assert (await workspace.task("wait", "a")).state is TaskState.READY

    await workspace.deploy([definition(WAIT)])

    await until_state(workspace, "wait", "a", TaskState.SUCCESS)
    await until_state(workspace, "wait", "b", TaskState.ERROR)


async def test_a_deployment_under_load_miscounts_nothing(opened):
    workspace = await opened(WAIT)
    asked = [asyncio.ensure_future(workspace.submit("wait", {})) for _ in range(500)]
    for n in range(10):
        await workspace.deploy([definition(WAIT + f"title: Number {n}\n")])
        asked.extend(asyncio.ensure_future(workspace.submit("wait", {})) for _ in range(50))
    await asyncio.gather(*asked)

    in_memory = workspace.counts("wait")
    stored = await workspace._store.counts()
    assert in_memory["wait"] == stored["wait", "wait"] == (1000, 0)


async def test_a_database_that_does_not_answer_does_not_stop_the_recovery(opened, caplog):
    first = await opened(ASK, start=False)
    await first.start(is_front=True)
    await first.submit("ask", {}, "t")
    await opened.close(first)
    second = await opened(start=False)
    failures = [StoreUnavailable("no")]

    async def walks(*args, real=second._store.walks):
        if failures:
            raise failures.pop()
        return await real(*args)

    second._store.walks = walks
    second._engine._patience_s = 0

    await second.start()

    await until_state(second, "ask", "t", TaskState.SUCCESS)
    assert "the database does not answer, trying again: no" in caplog.text


async def test_a_stop_ends_although_the_database_does_not_answer(opened, caplog):
    workspace = await opened(WAIT)
    await workspace.submit("wait", {}, "t")

    async def commit(batch):
        raise StoreUnavailable("no")

    workspace._store.commit = commit
    workspace._engine._stop_s = 0
    with pytest.raises(StoreUnavailable):
        await workspace.submit("wait", {}, "u")
    workspace._engine.intake.put([Submit("wait", "v", {})])

    await opened.close(workspace)

    second = await opened(start=False)
    assert [task.ref for task in await second.tasks(TaskQuery("wait"))] == ["t"]


async def test_a_part_that_breaks_is_told_and_the_engine_is_not_ready(opened, caplog):
    workspace = await opened(WAIT)

    workspace._engine._running[0].cancel()
    await spin()

    assert not workspace.is_ready
    assert caplog.records == [] or caplog.records[0].levelno < logging.CRITICAL


async def test_who_waits_for_an_end_is_told(opened):
    workspace = await opened(WAIT)
    task = (await workspace.submit("wait", {}, "a")).task
    waiting = asyncio.ensure_future(workspace.ended(task.task_id, "wait", None))
    await spin()

    await workspace.callback(target(workspace), {"id": "a"})

    assert (await waiting).state is TaskState.SUCCESS
    assert (await workspace.ended(task.task_id, "wait", None)).state is TaskState.SUCCESS


async def test_who_waits_for_an_end_too_long_is_told_that_it_goes_on(opened):
    workspace = await opened(WAIT)
    task = (await workspace.submit("wait", {}, "a")).task

    with pytest.raises(WaitedInVain, match="did not end within 0 s"):
        await workspace.ended(task.task_id, "wait", 0)

    assert len(workspace._waiters) == 0


async def test_two_engines_can_not_work_on_one_database(opened):
    await opened(WAIT)

    with pytest.raises(StoreError, match="another engine"):
        await opened(WAIT)


async def test_incidents_and_alerts_are_logged(opened, caplog):
    workspace = await opened(WAIT.replace("match:", "alert: {tasks: 1}, match:"))

    await workspace.submit("wait", {}, "a")
    await workspace.callback(target(workspace), {"id": "a"})

    assert [record.getMessage() for record in caplog.records] == [
        "1 tasks stand in 'wait' of 'wait': the alert is on",
        "0 tasks stand in 'wait' of 'wait': the alert is over",
    ]


async def test_what_was_out_is_taken_on_though_the_clock_was_set_back(opened, clock):
    async def never(command):
        await asyncio.Event().wait()

    first = await opened(RETRIED, perform=never)
    await first.submit("ask", {}, "t")
    await opened.close(first)

    clock.advance(-3600)
    second = await opened()

    await until_state(second, "ask", "t", TaskState.SUCCESS)


async def test_a_call_is_made_though_nobody_said_that_its_task_was_written(opened):
    workspace = await opened(ASK)
    workspace._engine._loop._retry_after_s = 0
    commit = workspace._store.commit

    async def silent(batch):
        workspace._store.commit = commit
        await commit(batch)
        raise StoreUnavailable("the answer was lost")

    workspace._store.commit = silent
    with pytest.raises(StoreUnavailable):
        await workspace.submit("ask", {}, "t")

    await until_state(workspace, "ask", "t", TaskState.SUCCESS)
