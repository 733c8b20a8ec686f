"""Each state of a task has its sentence."""

import dataclasses

import pytest

from engine.core.explain import explain
from engine.core.graph import ProcessStatus
from engine.core.task import ErrorNote, TaskState

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: late}, next: rest}
  rest: {type: delay, for: 10s, next: line}
  line: {type: queue, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""


async def test_a_task_is_explained_on_its_way(board):
    played = board(WAIT)
    graph = played.graphs["wait"]
    said = [explain(await played.submit("wait", {}, "t"), graph)]
    await played.callback("wait", "wait", "t")
    said.append(explain(await played.task("wait", "t"), graph))
    await played.pass_time(11)
    task = await played.task("wait", "t")
    said.append(explain(task, graph))

    assert said == [
        (
            "It waits in 'wait' since 2023-11-14T22:13:20.000Z for a callback or a modification."
            " At 2023-11-14T23:13:20.000Z it leaves to 'late'."
        ),
        (
            "It waits in 'rest' since 2023-11-14T22:13:20.000Z for its time."
            " At 2023-11-14T22:13:30.000Z it goes on."
        ),
        "It stands in the queue 'line' since 2023-11-14T22:13:31.000Z until a task takes it out.",
    ]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (TaskState.READY, "is about to enter 'done'"),
        (TaskState.CALLING, "has been out, or in line, since"),
        (TaskState.HELD, "until a person decides (no): rerun or delete it"),
        (TaskState.PARKED, "failed in 'done' (tag: no), and the node has no 'error' to go to"),
        (TaskState.SUCCESS, "has ended in 'done'"),
        (TaskState.ERROR, "has ended in the error node 'done'"),
    ],
)
async def test_every_state_has_a_sentence(board, state, said):
    played = board(WAIT)
    task = await played.submit("wait", {}, "t")
    task = dataclasses.replace(task, state=state, node="done", finished=None)
    task.memo.error = ErrorNote("software", "tag", "no")

    assert said in explain(task, played.graphs["wait"])


async def test_a_paused_process_and_a_node_that_is_gone_are_the_reason(board):
    played = board(WAIT)
    task = await played.submit("wait", {}, "t")
    active = played.pause("wait")

    assert "'wait' is paused" in explain(task, played.graphs["wait"])
    assert "which no version in force has" in explain(
        dataclasses.replace(task, node="gone"), active
    )
    assert active.status is ProcessStatus.ACTIVE
