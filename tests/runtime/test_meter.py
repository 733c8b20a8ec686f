"""What the engine counts."""

import asyncio

TWICE = """
process: twice
nodes:
  start: {type: start, next: which}
  which:
    type: condition
    cases: [{when: "mended", next: wait}]
    else: bad
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: bad}, next: done}
  done: {type: end}
  bad: {type: end, result: error}
"""


async def test_a_task_that_stops_twice_in_a_turn_is_counted_once(opened):
    workspace = await opened(TWICE)

    await asyncio.gather(
        workspace.submit("twice", {}, "r1"), workspace.rerun("twice", "r1", "which")
    )

    assert workspace.meter["batches"] == 1
    assert workspace.meter["tasks_ended_error"] == 1


async def test_a_task_that_stops_and_goes_on_in_a_turn_has_not_ended(opened):
    workspace = await opened(TWICE)

    await asyncio.gather(
        workspace.submit("twice", {}, "r1"), workspace.rerun("twice", "r1", "wait")
    )

    assert workspace.meter["batches"] == 1
    assert [name for name in workspace.meter if name.startswith("tasks_ended")] == []


async def test_a_task_that_stops_again_later_is_counted_again(opened):
    workspace = await opened(TWICE)

    await workspace.submit("twice", {}, "r1")
    await workspace.rerun("twice", "r1", "which")

    assert workspace.meter["tasks_ended_error"] == 2
