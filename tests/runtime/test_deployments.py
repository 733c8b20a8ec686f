"""Versions of processes: where tasks go on when another is deployed, or something is gone."""

import asyncio

import pytest

from engine.core.task import TaskState
from engine.errors import NotPossible, PlanRefused, TemplateError
from engine.runtime.order import File, Order
from engine.store.interface import NewVersion
from tests.runtime.conftest import definition, ok, until

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
WAIT_NODE = "{type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: done},"
DELAY_NODE = "{type: delay, for: 30s,"
WITHOUT_WAIT = "\n".join(line for line in NEW.splitlines() if "  wait:" not in line).replace(
    "next: wait", "next: say"
)
CHAIN = """
process: shop
nodes:
  start: {type: start, next: first}
  first: {type: waiting_for_callback, match: {ref: id}, next: second}
  second: {type: waiting_for_callback, match: {ref: id}, next: say}
  say: {type: set_parameter, set: {by: old}, next: done, error: done}
  done: {type: end}
"""
CHAIN_WITHOUT_FIRST = "\n".join(
    line for line in CHAIN.replace("by: old", "by: new").splitlines() if "  first:" not in line
).replace("next: first", "next: second")
CALLS = """
process: shop
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/", next: done, error: done}
  done: {type: end}
"""
CALLS_NO_MORE = """
process: shop
nodes:
  start: {type: start, next: say}
  say: {type: set_parameter, set: {by: new}, next: done, error: done}
  done: {type: end}
"""
FAILS = """
process: shop
nodes:
  start: {type: start, next: broken}
  broken: {type: set_parameter, set: {by: "{{ 1 / none }}"}, next: done}
  done: {type: end}
"""
MENDED = FAILS.replace("broken", "say").replace(
    '{{ 1 / none }}"}, next: done', 'new"}, next: done, error: done'
)
GONE = OLD.replace("type: waiting_for_callback, match: {ref: id}", "type: telepathy")


def target(workspace, node="wait", conv_id=None):
    url = workspace.callback_url("shop", node)
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    return workspace.target(hex_id, digest, conv_id)


async def deploy(workspace, text, **more):
    order = Order(files=(File("shop.yaml", text),), **more)
    return await workspace.carry_out(order)


def gone(plan):
    return [(each.node, each.standing, each.fate, each.to) for each in plan.processes[0].gone]


async def reached(workspace, ref, state):
    for _ in range(20_000):
        if (await workspace.task("shop", ref)).state is state:
            return
        await workspace.rest()
    raise AssertionError("it never came to that")


async def test_a_task_goes_on_in_the_newest_version_that_has_its_node(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    await workspace.deploy([definition(NEW)])
    await workspace.submit("shop", {}, "b")
    for ref in ("a", "b"):
        await workspace.callback(target(workspace), {"id": ref})

    tasks = [await workspace.task("shop", ref) for ref in ("a", "b")]
    assert [(task.version, task.data["by"]) for task in tasks] == [(2, "new"), (2, "new")]


async def test_a_task_goes_on_in_the_newest_version_after_a_restart(opened):
    first = await opened(OLD)
    await first.submit("shop", {}, "a")
    await opened.close(first)

    second = await opened(NEW)
    shown = second.view(await second.task("shop", "a"))
    await second.callback(target(second), {"id": "a"})

    assert shown["version"] == 2
    assert (await second.task("shop", "a")).data["by"] == "new"


async def test_tasks_that_are_kept_stay_in_their_version_to_the_end(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    await deploy(workspace, NEW, keeps=True)
    await deploy(workspace, NEW.replace("new", "newest"))
    await workspace.callback(target(workspace), {"id": "a"})

    task = await workspace.task("shop", "a")
    assert (task.version, task.data["by"]) == (1, "old")


async def test_a_task_stays_in_its_version_until_it_has_left_a_node_that_is_gone(opened):
    workspace = await opened(CHAIN)
    await workspace.submit("shop", {}, "a")
    url = target(workspace, "first")

    plan = await deploy(workspace, CHAIN_WITHOUT_FIRST)
    await workspace.callback(url, {"id": "a"})
    between = await workspace.task("shop", "a")
    await workspace.callback(target(workspace, "second"), {"id": "a"})

    assert gone(plan) == [("first", 1, "stay", "")]
    assert (between.node, between.version) == ("second", 2)
    assert (await workspace.task("shop", "a")).data["by"] == "new"


async def test_a_node_that_is_gone_is_listed_while_tasks_stand_in_it(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")
    url = target(workspace)
    await deploy(workspace, RENAMED)

    (before,) = await workspace.view_processes([workspace.graph("shop")])
    await workspace.callback(url, {"id": "a"})
    (after,) = await workspace.view_processes([workspace.graph("shop")])

    assert before["nodes"][-1]["node"] == "wait"
    assert before["nodes"][-1]["standing"] == 1
    assert "wait" not in [node["node"] for node in after["nodes"]]


async def test_tasks_are_counted_in_the_node_that_a_move_named_before_they_are_taken_there(opened):
    first = await opened(OLD)
    await first.submit("shop", {}, "a")
    await opened.close(first)
    second = await opened(start=False)
    await deploy(second, RENAMED, moves={"wait": "pause"})

    plan = await deploy(second, OLD, moves={"pause": "wait"})

    assert gone(plan) == [("pause", 1, "move", "wait")]


async def test_a_task_goes_on_in_the_node_that_a_move_names(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")
    url = target(workspace)

    plan = await deploy(workspace, RENAMED, moves={"wait": "pause"})
    await workspace.rest()
    counts = workspace.counts("shop")
    moved = await workspace.task("shop", "a")
    await workspace.callback(url, {"id": "a"})

    assert gone(plan) == [("wait", 1, "move", "pause")]
    assert (moved.node, moved.state, moved.version) == ("pause", TaskState.WAITING, 2)
    assert counts["pause"] == (1, 0)
    done = await workspace.task("shop", "a")
    steps = [(step.node, step.by) for step in await workspace.history(done)]
    assert steps == [
        ("start", "next"), ("wait", "deploy"), ("pause", "callback"), ("say", "next"), ("done", ""),
    ]  # fmt: skip


async def test_a_moved_task_keeps_its_timer(opened, clock):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    await deploy(workspace, RENAMED, moves={"wait": "pause"})
    await workspace.rest()
    clock.advance(60)
    await reached(workspace, "a", TaskState.SUCCESS)

    assert "by" not in (await workspace.task("shop", "a")).data


async def test_a_task_enters_a_node_of_another_type(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    plan = await deploy(workspace, WITHOUT_WAIT, moves={"shop/wait": "say"})
    await workspace.rest()

    assert plan.processes[0].gone[0].is_entered
    task = await workspace.task("shop", "a")
    assert (task.state, task.data["by"]) == (TaskState.SUCCESS, "new")


async def test_a_node_whose_type_changed_keeps_its_tasks_in_their_version(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    url = target(workspace)
    plan = await deploy(workspace, OLD.replace(WAIT_NODE, DELAY_NODE))
    await workspace.callback(url, {"id": "a"})

    assert gone(plan) == [("wait", 1, "stay", "")]
    assert (await workspace.task("shop", "a")).data["by"] == "old"


async def test_a_node_whose_type_changed_is_entered_anew_if_a_move_says_so(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")

    await deploy(workspace, OLD.replace(WAIT_NODE, DELAY_NODE), moves={"wait": "wait"})
    await workspace.rest()

    task = await workspace.task("shop", "a")
    assert (task.node, task.memo.wait, task.visit) == ("wait", "time", 3)


async def test_a_call_that_is_out_is_answered_where_it_asked(opened):
    answer = asyncio.Event()

    async def slow(command):
        await answer.wait()
        return await ok(command)

    workspace = await opened(CALLS, perform=slow)
    await workspace.submit("shop", {}, "a")

    await deploy(workspace, CALLS_NO_MORE, moves={"ask": "say"})
    answer.set()
    await workspace.rest()

    task = await workspace.task("shop", "a")
    steps = [(step.node, step.by) for step in await workspace.history(task)]
    assert steps == [("start", "next"), ("ask", "next"), ("done", "")]


async def test_a_failed_task_stays_failed_where_it_is_moved_and_is_run_again_there(opened):
    workspace = await opened(FAILS)
    await workspace.submit("shop", {}, "a")

    await deploy(workspace, MENDED, moves={"broken": "say"})
    await workspace.rest()
    moved = await workspace.task("shop", "a")
    await workspace.rerun("shop", "a")

    assert (moved.node, moved.state, moved.memo.failed_in) == ("say", TaskState.PARKED, "say")
    assert (await workspace.task("shop", "a")).state is TaskState.SUCCESS


async def test_a_callback_that_was_kept_for_a_node_finds_the_one_instead_of_it(opened):
    workspace = await opened(CHAIN)
    await workspace.submit("shop", {}, "a")
    await workspace.callback(target(workspace, "second"), {"id": "a", "n": 2})

    renamed = CHAIN.replace("second", "next_one")
    await deploy(workspace, renamed)
    await workspace.callback(target(workspace, "first"), {"id": "a", "n": 1})
    between = await workspace.task("shop", "a")

    assert between.node == "next_one"


async def test_tasks_that_wait_are_moved_after_a_restart_too(opened):
    first = await opened(OLD, start=False)
    await first.start()
    await first.submit("shop", {}, "a")
    await opened.close(first)
    second = await opened(start=False)
    await deploy(second, RENAMED, moves={"wait": "pause"})
    await opened.close(second)

    third = await opened()
    await until(lambda: third.counts("shop")["pause"] == (1, 0))

    assert (await third.task("shop", "a")).node == "pause"


async def test_going_back_puts_tasks_back_where_they_were(opened):
    workspace = await opened(OLD)
    await workspace.submit("shop", {}, "a")
    await deploy(workspace, RENAMED, moves={"wait": "pause"})
    await workspace.rest()
    await workspace.submit("shop", {}, "b")

    plan = await workspace.carry_out(Order(process="shop", version=1))
    await workspace.rest()

    assert gone(plan) == [("pause", 2, "move", "wait")]
    assert workspace.graph("shop").version == 3
    for ref in ("a", "b"):
        await workspace.callback(target(workspace), {"id": ref})
        task = await workspace.task("shop", ref)
        assert (task.version, task.data["by"]) == (3, "old")


async def test_a_version_that_was_gone_back_from_is_not_put_back_by_a_start(opened, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(NEW)
    workspace = await opened(OLD)
    await workspace.deploy_folder([file])
    await workspace.carry_out(Order(process="shop", version=1))

    passed_over = await workspace.deploy_folder([file])
    file.write_text(NEW.replace("new", "newest"))
    await workspace.deploy_folder([file])

    assert passed_over.processes == ()
    assert workspace.graph("shop").version == 4


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ({"wait": "nowhere"}, "has no such node"),
        ({"say": "done"}, "there is nothing to move out of 'say'"),
        ({"other/wait": "pause"}, "there is nothing to move out of 'other/wait'"),
    ],
)
async def test_a_move_that_can_not_be_made_changes_nothing(opened, moves, said):
    workspace = await opened(OLD)

    with pytest.raises(PlanRefused, match=said):
        await deploy(workspace, RENAMED, moves=moves)

    assert workspace.graph("shop").version == 1


async def test_an_earlier_version_that_is_not_there_is_refused(opened):
    workspace = await opened(OLD)

    with pytest.raises(PlanRefused, match="no version 7"):
        await workspace.carry_out(Order(process="shop", version=7))


async def test_a_rehearsal_changes_nothing(opened):
    workspace = await opened(OLD)
    order = Order(files=(File("shop.yaml", NEW),))

    plan = await workspace.carry_out(order, is_rehearsal=True)

    assert (plan.processes[0].version, plan.processes[0].following) == (1, 2)
    assert workspace.graph("shop").version == 1


async def test_the_same_definition_is_no_new_version(opened):
    workspace = await opened(OLD)
    url = workspace.callback_url("shop", "wait")

    await workspace.deploy([definition(OLD)])
    await workspace.deploy([definition(NEW)])

    assert workspace.graph("shop").version == 2
    assert workspace.callback_url("shop", "wait") == url


async def test_a_callback_url_of_a_node_that_is_gone_reaches_the_tasks_that_still_stand_there(
    opened,
):
    first = await opened(OLD)
    await first.submit("shop", {}, "a")
    url = first.callback_url("shop", "wait")
    await deploy(first, RENAMED)
    await opened.close(first)

    second = await opened()
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    await second.callback(second.target(hex_id, digest), {"id": "a"})

    assert (await second.task("shop", "a")).state is TaskState.SUCCESS


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
