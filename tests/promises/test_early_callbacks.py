"""A callback that comes before its task, or with a thousand others, is consumed once."""

import asyncio
import os
import random

import pytest

from engine.core.batch import Delivery
from engine.core.command import HttpAnswer
from engine.core.task import TaskState
from engine.store.interface import TaskQuery
from engine.workspace import Target

TASKS = 10_000
PARALLEL = 1_000
SEED = int(os.environ.get("ENGINE_TEST_SEED") or random.SystemRandom().getrandbits(32))

SENDER = """
process: sender
nodes:
  start: {type: start, next: send}
  send: {type: api_call, url: "http://sms.example/{{ root.ref }}", max_threads: 100, timeout: {after: 1h, next: bad}, next: copy, error: bad}
  copy: {type: copy_task, process: receiver, ref: "sid-{{ root.ref }}", data: {ref: "{{ root.ref }}"}, next: wait, error: bad}
  wait: {type: waiting_for_callback, timeout: {after: 1h, next: bad}, next: done}
  done: {type: end}
  bad: {type: end, result: error}
"""
RECEIVER = """
process: receiver
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: bad}, next: add}
  add: {type: set_parameter, set: {got: "{{ (got | default([])) + [status] }}"}, next: final, error: bad}
  final: {type: condition, cases: [{when: status == 'delivered', next: tell}], else: wait}
  tell: {type: modify_task, process: sender, ref: "{{ ref }}", data: {status: "{{ status }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
ONE = """
process: one
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: bad}, next: again}
  again: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: bad}, next: bad}
  bad: {type: end, result: error}
"""
LOOP = """
process: loop
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: bad}, next: on}
  on: {type: set_parameter, set: {times: "{{ times | default(0) + 1 }}"}, next: wait, error: bad}
  bad: {type: end, result: error}
"""


def target(workspace, process, node="wait"):
    graph = workspace.graph(process)
    return Target(graph, graph.nodes[node])


async def all_of(workspace, process):
    found, after = [], ""
    while page := await workspace.tasks(TaskQuery(process, limit=1000, after=after)):
        found.extend(page)
        after = page[-1].task_id
    return found


@pytest.mark.slow
async def test_ten_thousand_early_callbacks_are_each_consumed_once(opened, clock):
    """The provider calls back while its answer is on the wire, after it, and any time between.

    How early is drawn in steps of the event loop, not in milliseconds: what counts is the order.
    """
    print(f"to repeat: ENGINE_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    deliveries = []

    async def call_back(ref, status):
        delivery = await workspace.callback(
            target(workspace, "receiver"), {"id": f"sid-{ref}", "status": status}, f"{ref}/{status}"
        )
        deliveries.append(delivery)

    async def call_back_when_it_likes(ref):
        for status in ("sent", "delivered"):
            for _ in range(chance.choice((0, 0, 1, 3, 10))):
                await asyncio.sleep(0)
            await call_back(ref, status)

    async def provider(command):
        """Takes the message; its callbacks come before or after the task that waits for them."""
        ref = command.url.rpartition("/")[2]
        callbacks.append(asyncio.create_task(call_back_when_it_likes(ref)))
        for _ in range(chance.choice((0, 1, 3, 10))):
            await asyncio.sleep(0)
        clock.advance(chance.random() * 0.0005)
        return HttpAnswer(201, (("content-type", "application/json"),), b'{"status": "queued"}')

    callbacks = []
    workspace = await opened(
        SENDER, RECEIVER, perform=provider, database="sqlite://", max_waiting=2 * TASKS
    )

    refs = [f"t{n}" for n in range(TASKS)]
    answers = await workspace.submit_many("sender", [(ref, {}, None) for ref in refs])
    assert len(answers) == TASKS
    while len(callbacks) < TASKS or not all(each.done() for each in callbacks):
        await workspace.rest()
        await asyncio.sleep(0)
    await workspace.rest()

    receivers = await all_of(workspace, "receiver")
    assert [task.data.get("got") for task in receivers] == [["sent", "delivered"]] * TASKS
    senders = await all_of(workspace, "sender")
    assert {task.state for task in senders} == {TaskState.SUCCESS}
    assert {task.data["status"] for task in senders} == {"delivered"}
    assert (len(senders), await workspace.undelivered()) == (TASKS, [])
    assert set(deliveries) <= {Delivery.TAKEN, Delivery.KEPT}
    # It was no walk-over: thousands came early, and thousands did not.
    assert min(deliveries.count(each) for each in (Delivery.TAKEN, Delivery.KEPT)) > TASKS // 20


@pytest.mark.parametrize("when", ["before the task", "while it waits"])
async def test_a_thousand_equal_callbacks_make_one_move(opened, when):
    workspace = await opened(ONE)
    if when == "while it waits":
        await workspace.submit("one", {}, "t")

    deliveries = await asyncio.gather(
        *(
            workspace.callback(target(workspace, "one"), {"id": "t"}, "event-1")
            for _ in range(PARALLEL)
        )
    )
    if when == "before the task":
        await workspace.submit("one", {}, "t")

    task = await workspace.task("one", "t")
    assert (task.node, task.visit) == ("again", 3)
    assert deliveries.count(Delivery.DUPLICATE) == PARALLEL - 1
    assert await workspace.undelivered() == []


async def test_a_thousand_callbacks_without_a_key_make_a_thousand_moves(opened):
    workspace = await opened(LOOP)
    await workspace.submit("loop", {}, "t")

    deliveries = await asyncio.gather(
        *(
            workspace.callback(target(workspace, "loop"), {"id": "t", "n": n})
            for n in range(PARALLEL)
        )
    )
    await workspace.rest()

    task = await workspace.task("loop", "t")
    # A long walk is cut into pieces; what waits meanwhile is kept, in order.
    assert set(deliveries) <= {Delivery.TAKEN, Delivery.KEPT}
    assert (task.data["times"], task.data["n"]) == (PARALLEL, PARALLEL - 1)
    assert await workspace.undelivered() == []
