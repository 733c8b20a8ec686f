"""What a turn does beside moving a task: faults of nodes, history, alerts, names, what comes twice."""

import dataclasses
import gc
import weakref

import pytest

from engine.core.batch import Limits
from engine.core.command import CallFailed, CallFailure, SendReply
from engine.core.message import Alarm, Continue, Modify, Result, Submit, Unsent
from engine.core.node import NodeType, NoSettings
from engine.core.outcome import Ask, Go, Wait
from engine.core.task import TaskState, WaitKind
from engine.core.turn import Turn

SIMPLE = """
process: simple
nodes:
  start: {type: start, next: work}
  work: {type: set_parameter, set: {x: 1}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: late}, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""

CALL = """
process: call
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/", timeout: {after: 60s, next: late}, next: done, error: late}
  done: {type: end}
  late: {type: end, result: error}
"""


class Broken(NodeType[NoSettings]):
    """Raises when a task comes in, or when what it asked for has come."""

    type = "broken"
    title = "Broken"

    def __init__(self, *, asks):
        self.asks = asks

    def enter(self, settings, visit):
        if self.asks:
            return Ask(SendReply({}))
        raise ZeroDivisionError("of the node")

    def resume(self, settings, visit, answer):
        raise ZeroDivisionError("of the node")


def with_node(graph, node, type_):
    changed = dataclasses.replace(graph.nodes[node], type=type_, settings=NoSettings())
    return dataclasses.replace(graph, nodes={**graph.nodes, node: changed})


@pytest.mark.parametrize("asks", [False, True])
async def test_an_exception_of_a_node_is_the_failure_of_its_task_and_an_incident(board, asks):
    b = board(SIMPLE, WAIT)
    b.graphs["simple"] = with_node(b.graphs["simple"], "work", Broken(asks=asks))

    task = await b.submit("simple")
    batch = await b.turn()
    other = await b.submit("wait")

    assert (task.node, task.memo.error.tag, task.memo.error.kind) == (
        "bad", "broken_fatal_error", "hardware",
    )  # fmt: skip
    assert "of the node" not in task.memo.error.description
    assert (other.node, batch.incidents) == ("wait", [])


async def test_an_incident_names_the_node_and_carries_the_exception(board):
    from engine.core.message import Submit

    b = board(SIMPLE)
    b.graphs["simple"] = with_node(b.graphs["simple"], "work", Broken(asks=False))

    (incident,) = (await b.turn(Submit("simple", "", {}))).incidents

    assert (incident.process, incident.node, str(incident.exception)) == (
        "simple", "work", "of the node",
    )  # fmt: skip


class Odd(NodeType[NoSettings]):
    """Returns what it was made with."""

    type = "odd"
    title = "Odd"

    def __init__(self, outcome):
        self.outcome = outcome

    def enter(self, settings, visit):
        return self.outcome

    def resume(self, settings, visit, answer):
        return None


NO_JSON = [Go(changes={"x": object()}), Go(changes={"x": "\ud800"})]


@pytest.mark.parametrize(
    "outcome",
    [None, "done", Go("nowhere"), Ask(SendReply({})), *NO_JSON],
    ids=["nothing", "text", "nowhere", "reply", "object", "surrogate"],
)
async def test_a_node_that_returns_what_nobody_can_follow_fails_its_task(board, outcome):
    b = board(SIMPLE)
    b.graphs["simple"] = with_node(b.graphs["simple"], "work", Odd(outcome))

    task = await b.submit("simple")

    assert (task.node, task.memo.error.tag) == ("bad", "odd_fatal_error")
    assert b.counts["simple", "work"] == (1, 1)


class Brief(NodeType[NoSettings]):
    """Waits for a moment that has come already."""

    type = "brief"
    title = "Brief"

    def enter(self, settings, visit):
        return Wait(WaitKind.TIME, visit.now)

    def resume(self, settings, visit, answer):
        return Go()


async def test_a_wait_for_a_moment_that_has_come_is_none(board):
    b = board(SIMPLE)
    b.graphs["simple"] = with_node(b.graphs["simple"], "work", Brief())

    assert (await b.submit("simple")).node == "done"


class Asking(NodeType[NoSettings]):
    type = "asking"
    title = "Asking"

    def enter(self, settings, visit):
        return visit.call("nothing", (), {})


async def test_a_function_that_the_engine_has_not_is_a_failure(board):
    b = board(SIMPLE)
    b.graphs["simple"] = with_node(b.graphs["simple"], "work", Asking())

    task = await b.submit("simple")

    assert (task.node, task.memo.error.tag) == ("bad", "template_error")
    assert task.memo.error.description == "the engine has no function 'nothing' for templates"


async def test_a_time_semaphore_that_is_no_time_is_a_failure(board):
    b = board(WAIT.replace("after: 60s", 'after: "{{ how_long }}"'))

    task = await b.submit("wait", {"how_long": "for ever"})

    assert (task.state, task.memo.error.tag) == (TaskState.PARKED, "timer_wrong_value")


async def test_a_time_semaphore_of_a_version_that_has_none_any_more_asks_the_node(board):
    b = board(WAIT)
    await b.submit("wait", ref="t")
    graph = b.graphs["wait"]
    plain = dataclasses.replace(graph.nodes["wait"], timeout=None)
    b.graphs["wait"] = dataclasses.replace(graph, nodes={**graph.nodes, "wait": plain})

    await b.pass_time(60)

    assert (await b.task("wait", "t")).state is TaskState.PARKED


async def test_a_delay_of_no_time_is_none(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: d}\n"
        "  d: {type: delay, for: 0s, next: done}\n  done: {type: end}\n"
    )

    assert (await b.submit("p")).node == "done"


@pytest.mark.parametrize("wait_s", [10, 90])
async def test_of_a_timer_and_a_time_semaphore_the_nearer_rings(board, wait_s):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: d}\n"
        f"  d: {{type: delay, for: {wait_s}s, timeout: {{after: 60s, next: late}}, next: done}}\n"
        "  done: {type: end}\n  late: {type: end}\n"
    )
    await b.submit("p", ref="t")

    await b.pass_time(min(wait_s, 60))

    assert (await b.task("p", "t")).node == ("done" if wait_s < 60 else "late")


@pytest.mark.parametrize(
    ("mode", "visits"),
    [("full", ["start", "work", "bad"]), ("errors", ["work"]), ("none", [])],
)
async def test_as_much_history_is_kept_as_the_process_says(board, mode, visits):
    text = SIMPLE.replace("set: {x: 1}", 'set: {x: "{{ 1 / 0 }}"}')
    b = board(text.replace("process: simple", f"process: simple\nhistory: {mode}"))

    task = await b.submit("simple")

    assert [node for node, _ in await b.path(task)] == visits


async def test_a_way_without_errors_leaves_no_history_where_only_errors_are_kept(board):
    b = board(SIMPLE.replace("process: simple", "process: simple\nhistory: errors"))

    assert await b.path(await b.submit("simple")) == []


async def test_an_alert_without_a_node_is_only_told(board):
    from engine.core.message import Submit

    b = board(WAIT.replace("match:", "alert: {tasks: 2}, match:"))

    told = [(await b.turn(Submit("wait", f"t{n}", {}))).alerts for n in range(3)]
    await b.callback("wait", "wait", "t0")
    over = (await b.turn()).alerts

    assert [[(each.node, each.is_on, each.standing) for each in alerts] for alerts in told] == [
        [], [("wait", True, 2)], [],
    ]  # fmt: skip
    assert over == []


async def test_templates_may_ask_for_a_callback_url(board):
    b = board(SIMPLE.replace("x: 1", "x: \"{{ callback_url('wait', 'wait', plugin='twilio') }}\""))

    assert (await b.submit("simple")).data["x"] == "http://engine.example/wait/wait/twilio"


async def test_templates_know_the_error_of_the_task(board):
    b = board(
        SIMPLE.replace("next: done, error: bad", "next: why, error: bad").replace(
            "  done:",
            "  why: {type: set_parameter, set: {y: \"{{ error.tag | default('none') }}\"}, "
            "next: done, error: bad}\n  done:",
        )
    )

    assert (await b.submit("simple")).data["y"] == "none"


async def test_data_near_the_limit_is_measured_whole(board):
    """The bound is added up change by change; what is replaced counts once."""
    loop = (
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        '  w: {type: set_parameter, set: {x: "{{ x }}", n: "{{ n + 1 }}"}, next: c, error: bad}\n'
        "  c: {type: condition, cases: [{when: n < 20, next: w}], else: done}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n"
    )
    b = board(loop, limits=Limits(task_bytes=500))

    task = await b.submit("p", {"x": "a" * 300, "n": 0})

    assert (task.node, task.data["n"]) == ("done", 20)


# What comes twice, late, or for nobody.


async def test_what_comes_for_a_task_that_is_gone_has_no_effect(board):
    b = board(WAIT)
    gone = "f" * 24

    batch = await b.turn(
        Alarm(gone, 1),
        Result(gone, 1, CallFailed(CallFailure.TIMEOUT, "")),
        Continue(gone, 1),
        Unsent(gone, 1),
    )

    assert not batch.has_rows


async def test_what_comes_for_another_visit_has_no_effect(board):
    b = board(WAIT, CALL)
    for process in ("wait", "call"):
        task = await b.submit(process)

        batch = await b.turn(
            Alarm(task.task_id, 1),
            Result(task.task_id, 1, CallFailed(CallFailure.TIMEOUT, "")),
            Continue(task.task_id, 1),
            Unsent(task.task_id, 1),
        )

        assert not batch.has_rows


async def test_what_a_waiting_task_did_not_ask_for_has_no_effect(board):
    b = board(WAIT)
    task = await b.submit("wait")

    batch = await b.turn(
        Result(task.task_id, task.visit, CallFailed(CallFailure.TIMEOUT, "")),
        Continue(task.task_id, task.visit, call_was_out=True),
        Unsent(task.task_id, task.visit),
    )

    assert not batch.has_rows


async def test_a_call_that_was_asked_for_again_is_not_made_when_its_answer_comes(board):
    b = board(CALL)
    task = await b.submit("call")

    batch = await b.turn(
        Continue(task.task_id, task.visit),
        Result(task.task_id, task.visit, CallFailed(CallFailure.TIMEOUT, "")),
    )

    assert batch.calls == []
    assert batch.heard == [(task.task_id, task.visit)]


async def test_an_answer_is_heard_though_nobody_needs_it_any_more(board):
    b = board(CALL)
    gone = "f" * 24

    batch = await b.turn(Result(gone, 1, CallFailed(CallFailure.TIMEOUT, "")))

    assert batch.heard == [(gone, 1)]


async def test_a_call_that_was_not_sent_is_not_in_doubt(board):
    b = board(CALL.replace("api_call,", "api_call, in_doubt: hold,"))
    task = await b.submit("call")

    await b.turn(Unsent(task.task_id, task.visit))
    stopped = await b.task("call", task.ref)
    batch = await b.turn(Continue(task.task_id, task.visit))

    assert (stopped.state, stopped.due) == (TaskState.READY, task.due)
    assert [call.visit for call in batch.calls] == [task.visit]


async def test_an_alarm_that_rings_again_has_no_effect(board):
    b = board(WAIT)
    task = await b.submit("wait", ref="t")
    b.now += 60_000_000

    await b.turn(*[Alarm(task.task_id, task.visit)] * 3)

    assert (await b.task("wait", "t")).node == "late"
    assert b.counts["wait", "late"] == (1, 0)


async def test_an_alarm_that_rings_early_has_no_effect(board):
    b = board(WAIT)
    task = await b.submit("wait")
    b.now += 59_999_999

    assert not (await b.turn(Alarm(task.task_id, task.visit))).has_rows


async def test_a_task_known_by_id_and_by_ref_is_one_task(board):
    b = board(WAIT)
    task = await b.submit("wait", ref="t")
    b.now += 60_000_000

    batch = await b.turn(Alarm(task.task_id, task.visit), Modify("wait", "t", {"x": 1}, "me"))

    assert type(batch.answers[0].error).__name__ == "NotPossible"
    assert len(batch.changed) == 1


async def test_a_result_that_comes_again_has_no_effect(board):
    b = board(CALL)
    task = await b.submit("call", ref="t")

    await b.answer(task, 200, b'{"x": 1}')
    await b.answer(task, 200, b'{"x": 2}')

    assert (await b.task("call", "t")).data["x"] == 1


async def test_an_idempotent_turn_with_nothing_in_it_writes_nothing(board):
    b = board(WAIT)

    assert not (await b.turn()).has_rows


async def test_a_turn_is_freed_without_the_cycle_collector(board):
    b = board(CALL)
    turn = Turn(b, b.now)
    gc.disable()

    turn.take([Submit("call", "t", {})])
    while wants := turn.run():
        turn.supply(await b.store.load(wants))
    batch = turn.close()
    parts = [weakref.ref(turn), weakref.ref(turn.ledger)]
    del turn

    assert [part() for part in parts] == [None, None]
    assert len(batch.created) == 1
    gc.enable()
