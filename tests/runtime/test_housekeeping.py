"""What is done now and then: expiry, retention, forgotten answers."""

import pytest

from engine.core.message import Once
from engine.core.task import TaskState
from engine.core.view import kept_view
from engine.errors import StoreUnavailable
from engine.runtime.housekeeping import _guarded

SHOP = """
process: shop
retention: 2d
nodes:
  start: {type: start, next: what}
  what: {type: condition, cases: [{when: quick, next: done}], else: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, keep_early: 15m, timeout: {after: 30d, next: done}, next: done}
  done: {type: end}
"""
HOUR = 3600
DAY = 24 * HOUR


async def test_a_callback_that_nobody_took_in_time_can_be_seen(opened, clock):
    workspace = await opened(SHOP)
    graph = workspace.graph("shop")
    await workspace.callback(_target(workspace, graph), {"id": "t", "secret": "x"})

    clock.advance(14 * 60)
    await workspace._engine._housekeeping.expire()
    await workspace.rest()
    assert await workspace.undelivered() == []
    clock.advance(60)
    await workspace._engine._housekeeping.expire()
    await workspace.rest()

    (kept,) = await workspace.undelivered()
    shown = kept_view(kept)
    assert (shown["ref"], shown["reason"]) == ("t", "nobody took it while it was kept")
    assert (shown["parameters"], "x" in str(shown.values())) == (["id", "secret"], False)


def _target(workspace, graph):
    from engine.workspace import Target

    return Target(graph, graph.nodes["wait"])


async def test_an_undelivered_callback_can_be_delivered_later(opened, clock):
    workspace = await opened(SHOP)
    await workspace.callback(_target(workspace, workspace.graph("shop")), {"id": "t"})
    clock.advance(HOUR)
    await workspace._engine._housekeeping.expire()
    await workspace.rest()
    await workspace.submit("shop", {"quick": False}, "t")
    (kept,) = await workspace.undelivered()

    answer = await workspace.redeliver(kept.message_id)

    assert answer.delivery == "taken"
    assert (await workspace.task("shop", "t")).state is TaskState.SUCCESS
    assert await workspace.undelivered() == []


async def test_finished_tasks_are_kept_as_long_as_the_process_says(opened, clock):
    workspace = await opened(SHOP)
    for n in range(5):
        await workspace.submit("shop", {"quick": True}, f"done{n}")
    await workspace.submit("shop", {"quick": False}, "waits")

    clock.advance(2 * DAY - 1)
    await workspace._engine._housekeeping.forget()
    assert (await workspace.task("shop", "done0")).state is TaskState.SUCCESS
    clock.advance(2)
    await workspace._engine._housekeeping.forget()

    from engine.store.interface import TaskQuery

    assert [task.ref for task in await workspace.tasks(TaskQuery("shop"))] == ["waits"]
    assert workspace.counts("shop")["done"] == (5, 0)


async def test_more_tasks_than_one_transaction_takes_are_forgotten(opened, clock, monkeypatch):
    from engine.runtime import housekeeping

    monkeypatch.setattr(housekeeping, "AT_ONCE", 10)
    workspace = await opened(SHOP)
    await workspace.submit_many("shop", [(f"t{n}", {"quick": True}, None) for n in range(35)])

    clock.advance(3 * DAY)
    await workspace._engine._housekeeping.forget()

    from engine.store.interface import TaskQuery

    assert await workspace.tasks(TaskQuery("shop")) == []


async def test_an_answer_is_remembered_for_a_day(opened, clock):
    workspace = await opened(SHOP)
    once = Once("k", "d")
    first = await workspace.submit("shop", {"quick": True}, once=once)

    clock.advance(DAY - 1)
    await workspace._engine._housekeeping.forget()
    again = await workspace.submit("shop", {"quick": True}, once=once)
    clock.advance(2)
    await workspace._engine._housekeeping.forget()
    new = await workspace.submit("shop", {"quick": True}, once=once)

    assert (again.body, again.task) == (first.body, None)
    assert new.task.task_id != first.task.task_id


async def test_housekeeping_tries_again_later(caplog):
    async def job():
        raise StoreUnavailable("no")

    await _guarded(job)()

    assert "housekeeping will try again: no" in caplog.text


@pytest.mark.parametrize("is_active", [True, False])
async def test_retention_holds_for_paused_processes_too(opened, clock, is_active):
    from tests.runtime.conftest import definition

    workspace = await opened(SHOP)
    await workspace.submit("shop", {"quick": True}, "t")
    if not is_active:
        await workspace.deploy([definition(SHOP + "status: paused\n")])

    clock.advance(3 * DAY)
    await workspace._engine._housekeeping.forget()

    from engine.errors import UnknownTask

    with pytest.raises(UnknownTask):
        await workspace.task("shop", "t")
