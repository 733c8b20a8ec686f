"""How a task moves: links, failures, timers, limits, loops."""

import pytest

from engine.core.batch import Limits
from engine.core.command import CallFailed, CallFailure, ScriptAnswer
from engine.core.message import Continue, Result, Submit
from engine.core.task import TaskState

PURE = """
process: pure
nodes:
  start: {type: start, next: work}
  work: {type: set_parameter, set: {double: "{{ a * 2 }}"}, next: big, error: bad}
  big: {type: condition, cases: [{when: double > 10, next: done}], else: small}
  done: {type: end}
  small: {type: end}
  bad: {type: end, result: error}
"""

CALL = """
process: call
params: {token: {type: string, secret: true}}
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/", timeout: {after: 30s, next: late}, next: done, error: why}
  why: {type: condition, cases: [{when: error.attempt < 3, next: later}], else: bad}
  later: {type: delay, for: 30s, next: ask}
  done: {type: end}
  late: {type: end, result: error}
  bad: {type: end, result: error}
"""


async def test_a_task_goes_through_all_nodes_that_need_nothing_in_one_turn(board):
    b = board(PURE)

    task = await b.submit("pure", {"a": 7})

    assert (task.node, task.state, task.data) == ("done", TaskState.SUCCESS, {"a": 7, "double": 14})
    assert await b.path(task) == [
        ("start", "next"),
        ("work", "next"),
        ("big", "next"),
        ("done", ""),
    ]


async def test_counts_say_how_many_came_and_went(board):
    b = board(PURE)

    await b.submit("pure", {"a": 7})
    await b.submit("pure", {"a": 1})

    assert b.counts["pure", "work"] == (2, 2)
    assert (b.counts["pure", "done"], b.counts["pure", "small"]) == ((1, 0), (1, 0))


async def test_a_failing_template_takes_the_error_link_and_says_so_in_the_data(board):
    b = board(PURE)

    task = await b.submit("pure", {"a": None})

    assert (task.node, task.state) == ("bad", TaskState.ERROR)
    assert task.data["__conveyor_set_param_return_type_tag__"] == "template_error"
    assert task.data["__conveyor_set_param_return_type_error__"] == "software"
    assert task.memo.error.node == "work"
    assert "double" not in task.data


async def test_a_failure_without_error_link_parks_the_task(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: c}\n"
        "  c: {type: condition, cases: [{when: a < 1, next: done}], else: done}\n  done: {type: end}\n"
    )

    task = await b.submit("p", {"a": "text"})

    assert (task.node, task.state, task.finished) == ("c", TaskState.PARKED, None)
    assert task.memo.failed_in == "c"


async def test_a_call_starts_only_with_the_batch_and_its_answer_moves_the_task(board):
    b = board(CALL)

    task = await b.submit("call")
    assert (task.node, task.state) == ("ask", TaskState.CALLING)
    await b.answer(task, 200, b'{"x": 1}')

    task = await b.task("call", task.ref)
    assert (task.node, task.data["x"]) == ("done", 1)


async def test_the_answer_to_an_earlier_visit_is_dropped(board):
    b = board(CALL)
    task = await b.submit("call")
    await b.pass_time(31)

    await b.answer(task, 200, b'{"x": 1}')

    task = await b.task("call", task.ref)
    assert (task.node, "x" in task.data) == ("late", False)


async def test_a_timer_takes_the_task_out_and_cancels_its_call(board):
    b = board(CALL)
    task = await b.submit("call")

    batch = await b.pass_time(31)

    assert batch.cancelled == [(task.task_id, task.visit)]
    assert await b.path(task) == [("start", "next"), ("ask", "timeout"), ("late", "")]


async def test_a_timer_never_rings_early(board):
    b = board(CALL)
    task = await b.submit("call")

    await b.pass_time(29)

    assert (await b.task("call", task.ref)).node == "ask"


async def test_attempts_are_counted_until_the_node_succeeds(board):
    b = board(CALL)
    task = await b.submit("call")
    for attempt in (1, 2):
        task = await b.task("call", task.ref)
        await b.answer(task, 500, b"{}")
        task = await b.task("call", task.ref)
        assert (task.node, task.memo.error.attempt) == ("later", attempt)
        await b.pass_time(30)

    await b.answer(await b.task("call", task.ref), 200, b"{}")

    task = await b.task("call", task.ref)
    assert (task.node, task.memo.attempts) == ("done", {})
    assert "__conveyor_api_return_type_tag__" not in task.data


async def test_the_last_attempt_leaves_by_else(board):
    b = board(CALL)
    task = await b.submit("call")
    for _ in range(3):
        await b.answer(await b.task("call", task.ref), 500, b"{}")
        await b.pass_time(30)

    assert (await b.task("call", task.ref)).node == "bad"


async def test_a_secret_never_stands_in_an_error_description(board):
    b = board(CALL)
    task = await b.submit("call", {"token": "hunter22"})

    await b.answer(task, 400, b'{"echo": "hunter22"}')

    task = await b.task("call", task.ref)
    assert "hunter22" not in task.memo.error.description
    assert "hunter22" not in task.data["__conveyor_api_return_description__"]


async def test_a_call_interrupted_by_a_crash_is_made_again_with_the_same_key(board):
    b = board(CALL)
    task = await b.submit("call")

    batch = await b.turn(Continue(task.task_id, task.visit, call_was_out=True))

    (call,) = batch.calls
    assert (call.task_id, call.visit) == (task.task_id, task.visit)
    assert dict(call.command.headers)["Idempotency-Key"] == f"{task.task_id}-{task.visit}"


def keys_of(batch):
    return [dict(call.command.headers)["Idempotency-Key"] for call in batch.calls]


async def in_doubt(board, task, failure=CallFailure.TIMEOUT):
    """Lets a call end without an answer, and time pass until it is made again."""
    await board.turn(Result(task.task_id, task.visit, CallFailed(failure, "no answer")))
    batch = await board.pass_time(30)
    return keys_of(batch), await board.task("call", task.ref)


async def test_a_call_that_is_repeated_behind_error_has_the_key_of_the_one_in_doubt(board):
    b = board(CALL)
    task = await b.submit("call")

    keys, task = await in_doubt(b, task)
    again, _ = await in_doubt(b, task, CallFailure.UNREACHABLE)

    assert keys == again == [f"{task.task_id}-2"]
    assert task.visit == 5


async def test_an_answer_ends_the_doubt(board):
    b = board(CALL)
    task = await b.submit("call")
    _, task = await in_doubt(b, task)

    await b.answer(task, 500, b"{}")
    batch = await b.pass_time(30)

    assert keys_of(batch) == [f"{task.task_id}-8"]


async def test_a_call_for_something_else_has_a_key_of_its_own(board):
    b = board(
        "process: call\nnodes:\n  start: {type: start, next: ask}\n"
        "  ask: {type: api_call, url: 'http://there.example/', json: {to: '{{ n }}'}, "
        "next: done, error: skip}\n"
        "  skip: {type: set_parameter, set: {n: '{{ n + 1 }}'}, next: later, error: done}\n"
        "  later: {type: delay, for: 30s, next: ask}\n  done: {type: end}\n"
    )
    task = await b.submit("call", {"n": 1})

    keys, task = await in_doubt(b, task)

    assert keys == [f"{task.task_id}-{task.visit}"]


async def test_a_call_in_doubt_can_be_held_for_a_person(board):
    b = board(CALL.replace("api_call,", "api_call, in_doubt: hold,"))
    task = await b.submit("call")

    await b.turn(
        Result(task.task_id, task.visit, CallFailed(CallFailure.TIMEOUT, "no answer in 30 s"))
    )

    task = await b.task("call", task.ref)
    assert (task.node, task.state, task.memo.error.tag) == ("ask", TaskState.HELD, "api_in_doubt")


LOOP = """
process: loop
nodes:
  start: {type: start, next: a}
  a: {type: set_parameter, set: {n: "{{ n | default(0) + 1 }}"}, next: b, error: bad}
  b: {type: condition, cases: [{when: n > 100000, next: done}], else: a}
  done: {type: end}
  bad: {type: end, result: error}
"""


async def test_a_loop_of_two_nodes_is_stopped_after_fifty_rounds(board):
    b = board(LOOP)

    task = await b.submit("loop")

    assert (task.node, task.memo.error.tag) == ("bad", "infinite_loop")
    assert task.data["n"] == 50


async def test_a_script_is_no_stop_in_a_loop(board):
    """Source: Corezoid, Infinite loops protection (Code is a part of the second shape)."""
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: a}\n"
        "  a: {type: code, source: data.n += 1, next: b, error: bad}\n"
        "  b: {type: condition, cases: [{when: n > 100000, next: done}], else: a}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n"
    )
    task = await b.submit("p", {"n": 0})

    while task.state is TaskState.CALLING:
        made = ScriptAnswer({"n": task.data["n"] + 1})
        await b.turn(Result(task.task_id, task.visit, made))
        task = await b.task("p", task.ref)

    assert (task.node, task.memo.error.tag) == ("bad", "infinite_loop")
    assert task.data["n"] == 50


@pytest.mark.parametrize(
    ("limit", "rounds"), [("{short: 3}", 3), ("{short: 200}", 200), ("{any: 3}", 50)]
)
async def test_a_process_says_how_long_its_short_loops_may_be(board, limit, rounds):
    b = board(LOOP.replace("nodes:", f"loop_limit: {limit}\nnodes:"))

    task = await b.submit("loop")
    await b.go_on()

    task = await b.task("loop", task.ref)
    assert (task.node, task.memo.error.tag) == ("bad", "infinite_loop")
    assert task.data["n"] == rounds


@pytest.mark.parametrize(("limit", "rounds"), [("{any: 7}", 7), ("{short: 7}", 1000)])
async def test_a_loop_of_four_nodes_has_a_limit_of_its_own(board, limit, rounds):
    longer = LOOP.replace("else: a}", "else: c}").replace(
        "  done:",
        "  c: {type: set_parameter, set: {x: 1}, next: d, error: bad}\n"
        "  d: {type: set_parameter, set: {x: 2}, next: a, error: bad}\n  done:",
    )
    b = board(longer.replace("nodes:", f"loop_limit: {limit}\nnodes:"))

    task = await b.submit("loop")
    while task.state is TaskState.READY:
        await b.go_on()
        task = await b.task("loop", task.ref)

    assert (task.node, task.memo.error.tag) == ("bad", "infinite_loop")
    assert task.data["n"] == rounds


async def test_a_delay_is_a_stop_in_a_loop(board):
    b = board(
        LOOP.replace("else: a}", "else: w}").replace(
            "  done:", "  w: {type: delay, for: 1s, next: a}\n  done:"
        )
    )
    task = await b.submit("loop")

    for _ in range(60):
        await b.pass_time(1)

    task = await b.task("loop", task.ref)
    assert (task.node, task.data["n"]) == ("w", 61)


async def test_a_long_walk_goes_to_the_end_of_the_line(board):
    b = board(LOOP, limits=Limits(moves_a_task=10))

    batch = await b.turn()
    task = await b.submit("loop")
    assert task.state is TaskState.READY
    rounds = 0
    while (task := await b.task("loop", task.ref)).state is TaskState.READY:
        batch = await b.turn(Continue(task.task_id, task.visit))
        rounds += 1

    assert (task.node, rounds > 5, batch.resumed) == ("bad", True, [])


async def test_a_process_that_copies_itself_does_not_hold_up_the_turn(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: c}\n"
        "  c: {type: copy_task, process: p, data: {x: 1}, next: done, error: bad}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n",
        limits=Limits(moves_a_turn=300, copy_generations=500),
    )

    batch = await b.turn()
    await b.submit("p", {"x": 1})
    turns = 1
    while walks := await b.store.walks(b.now + 1, "", 1000):
        batch = await b.turn(*(Continue(walk.task_id, walk.visit) for walk in walks))
        turns += 1

    assert turns > 3
    assert b.counts["p", "bad"] == (1, 0)
    assert batch.resumed == []


async def test_data_that_would_grow_too_large_is_not_written(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        '  w: {type: set_parameter, set: {y: "{{ x }}{{ x }}"}, next: done, error: bad}\n'
        "  done: {type: end}\n  bad: {type: end, result: error}\n",
        limits=Limits(task_bytes=1000),
    )

    task = await b.submit("p", {"x": "a" * 600})

    assert (task.node, task.memo.error.tag) == ("bad", "set_param_size_overflow_limit")
    assert "y" not in task.data


async def test_a_full_node_sends_the_next_task_aside(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        "  w: {type: waiting_for_callback, match: {ref: id}, limit: {tasks: 2, next: full}, "
        "timeout: {after: 1d, next: full}, next: done}\n"
        "  done: {type: end}\n  full: {type: end, result: error}\n"
    )

    nodes = [(await b.submit("p")).node for _ in range(3)]

    assert nodes == ["w", "w", "full"]


async def test_an_alert_makes_one_signal_task_each_way(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        "  w: {type: waiting_for_callback, match: {ref: id}, alert: {tasks: 2, next: tell}, "
        "timeout: {after: 1d, next: done}, next: done}\n"
        "  done: {type: end}\n  tell: {type: end}\n"
    )
    refs = [(await b.submit("p", ref=f"r{n}")).ref for n in range(3)]
    assert b.counts["p", "tell"] == (1, 0)

    for ref in refs:
        await b.callback("p", "w", ref)

    assert b.counts["p", "tell"] == (2, 0)


async def test_a_signal_task_says_which_alert_it_is(board):
    """Source: Corezoid, count semaphore: the data is text, the ref generated."""
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        "  w: {type: waiting_for_callback, match: {ref: id}, alert: {tasks: 1, next: tell}, "
        "timeout: {after: 1d, next: done}, next: done}\n"
        "  tell: {type: set_parameter, set: {at: '{{ root.prev_node_id }}'}, next: told, error: told}\n"
        "  done: {type: end}\n  told: {type: end}\n"
    )

    batch = await b.turn(Submit("p", "r1", {}))

    (signal,) = [task for task in batch.created if task.node == "told"]
    assert signal.data == {"start": "true", "at": "w"}
    assert signal.ref == signal.task_id


@pytest.mark.parametrize("name", ["root.ref", "root.task_id", "root.process", "env.PLACE"])
async def test_templates_know_the_task_and_the_workspace(board, name):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: w}\n"
        f'  w: {{type: set_parameter, set: {{y: "{{{{ {name} }}}}"}}, next: done, error: done}}\n'
        "  done: {type: end}\n"
    )

    task = await b.submit("p", ref="r1")

    expected = {
        "root.ref": "r1",
        "root.task_id": task.task_id,
        "root.process": "p",
        "env.PLACE": "Kyiv",
    }
    assert task.data["y"] == expected[name]


async def test_a_paused_process_takes_no_task_and_moves_none(board):
    b = board(CALL)
    task = await b.submit("call")
    b.graphs["call"] = compiled_paused(CALL)

    refused = await b.submit("call")
    await b.answer(task, 200, b"{}")

    assert refused.kind == "not_active"
    task = await b.task("call", task.ref)
    assert (task.node, task.state) == ("done", TaskState.READY)


def compiled_paused(text):
    from engine.definition import Catalog, compile_graph, read_definition

    definition, _ = read_definition(text + "status: paused\n", "p.yaml", Catalog.installed())
    return compile_graph(definition, version=1, conv_id=1001)


async def test_keep_false_leaves_only_the_counter(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: done}\n  done: {type: end, keep: false}\n"
    )

    task = await b.submit("p", ref="r1")

    assert task.state is TaskState.SUCCESS
    assert await b.task("p", "r1") is None
    assert b.counts["p", "done"] == (1, 0)
