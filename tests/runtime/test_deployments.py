"""Versions of processes: a task stays in its own, whatever is deployed or is gone."""

import pytest

from engine.core.task import TaskState
from engine.errors import NotPossible, TemplateError
from engine.store.interface import NewVersion
from tests.runtime.conftest import definition

OLD = """
process: shop
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: done}, next: say}
  say: {type: set_parameter, set: {by: old}, next: done, error: done}
  done: {type: end}
"""
NEW = OLD.replace("by: old", "by: new")
RENAMED = OLD.replace("next: wait", "next: pause").replace("  wait:", "  pause:")
GONE = OLD.replace("type: waiting_for_callback, match: {ref: id}", "type: telepathy")


def target(workspace, node="wait", conv_id=None):
    url = workspace.callback_url("shop", node)
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    return workspace.target(hex_id, digest, conv_id)


async def test_a_task_stays_in_the_version_it_began_in(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    await workspace.deploy([definition(NEW)])
    await workspace.submit("shop", {}, "b")
    for ref in ("a", "b"):
        await workspace.callback(target(workspace), {"id": ref})

    tasks = [await workspace.task("shop", ref) for ref in ("a", "b")]
    assert [(task.version, task.data["by"]) for task in tasks] == [(1, "old"), (2, "new")]


async def test_a_task_stays_in_its_version_after_a_restart(opened):
    first = await opened(OLD)
    await first.submit("shop", {}, "a")
    await opened.close(first)

    second = await opened(NEW)
    await second.callback(target(second), {"id": "a"})

    assert (await second.task("shop", "a")).data["by"] == "old"


async def test_the_same_definition_is_no_new_version(opened):
    workspace = await opened(OLD)
    url = workspace.callback_url("shop", "wait")

    await workspace.deploy([definition(OLD)])
    await workspace.deploy([definition(NEW)])

    assert workspace.graph("shop").version == 2
    assert workspace.callback_url("shop", "wait") == url


async def test_a_callback_url_of_a_node_that_is_gone_leads_nowhere(opened):
    from engine.errors import NotAllowed

    workspace = await opened(OLD)
    url = workspace.callback_url("shop", "wait")
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    await workspace.deploy([definition(RENAMED)])

    with pytest.raises(NotAllowed):
        workspace.target(hex_id, digest)


@pytest.mark.parametrize("wrong", ["hex", "hash", "conv"])
async def test_a_callback_url_must_be_right_in_every_part(opened, wrong):
    from engine.errors import NotAllowed

    workspace = await opened(OLD)
    hex_id, _, digest = (
        workspace.callback_url("shop", "wait").rpartition("callback/")[2].partition("/")
    )
    conv_id = workspace.graph("shop").conv_id

    with pytest.raises(NotAllowed):
        workspace.target(
            "f" * 24 if wrong == "hex" else hex_id,
            "0" * 40 if wrong == "hash" else digest,
            conv_id + 1 if wrong == "conv" else conv_id,
        )


async def test_urls_for_templates_are_built_for_nodes_that_take_callbacks(opened):
    workspace = await opened(OLD, public_url="https://engine.example")
    deployments = workspace._engine.deployments

    plain = deployments.callback_url("shop", "wait", "")
    plugin = deployments.callback_url("shop", "wait", "twilio")

    assert plain.startswith("https://engine.example/api/1/json/callback/")
    assert plugin.startswith(
        f"https://engine.example/api/1/json/plugins/twilio/{workspace.graph('shop').conv_id}/"
    )
    for process, node in (("nowhere", "wait"), ("shop", "done"), ("shop", "nowhere")):
        with pytest.raises(TemplateError):
            deployments.callback_url(process, node, "")


async def with_a_missing_type(opened):
    """An engine whose task waits in a node of a type that is not installed any more."""
    first = await opened(OLD)
    await first.submit("shop", {}, "a")
    await first._store.deploy([NewVersion("shop", "other", GONE, "shop.yaml", None, "0" * 40)], 1)
    await first._store._write(
        lambda writer: writer.execute("UPDATE version SET source = ? WHERE version = 1", (GONE,))
    )
    await opened.close(first)
    return await opened(NEW)


async def test_a_task_whose_node_type_is_gone_stays_visible_and_does_not_move(
    opened, clock, caplog
):
    workspace = await with_a_missing_type(opened)

    delivery = await workspace.callback(target(workspace), {"id": "a"})

    task = await workspace.task("shop", "a")
    assert (delivery, task.node, task.state) == ("kept", "wait", TaskState.WAITING)
    assert workspace.view(task)["node"] == "wait"
    assert "version 1 of 'shop' can't be used" in caplog.text


async def test_a_task_whose_node_type_is_gone_fails_when_its_time_comes(opened, clock, caplog):
    workspace = await with_a_missing_type(opened)

    clock.advance(60)
    for _ in range(20_000):
        if (await workspace.task("shop", "a")).state is TaskState.PARKED:
            break
        await workspace.rest()

    task = await workspace.task("shop", "a")
    assert (task.memo.error.tag, task.memo.failed_in) == ("node_missing", "wait")


async def test_other_tasks_go_on_where_a_node_type_is_gone(opened, caplog):
    workspace = await with_a_missing_type(opened)

    await workspace.submit("shop", {}, "b")
    await workspace.callback(target(workspace), {"id": "b"})

    assert (await workspace.task("shop", "b")).data["by"] == "new"


async def test_a_database_shows_its_processes_without_their_files(opened):
    first = await opened(OLD)
    await opened.close(first)

    second = await opened()

    assert [graph.process for graph in second.graphs()] == ["shop"]
    assert second.definition("shop").process == "shop"
    (shown,) = await second.view_processes([second.graph("shop")])
    assert shown["nodes"][0]["node"] == "start"


async def test_counts_are_right_after_a_restart(opened):
    first = await opened(OLD)
    for n in range(5):
        await first.submit("shop", {}, f"t{n}")
    await first.callback(target(first), {"id": "t0"})
    before = first.counts("shop")
    await opened.close(first)

    second = await opened()

    assert second.counts("shop") == before
    assert before["wait"] == (5, 1)


async def test_a_task_that_has_not_failed_is_not_put_back(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    with pytest.raises(NotPossible):
        await workspace.rerun("shop", "a")
