"""What tasks do to each other: copy, call and reply, modify."""

import pytest

from engine.core.batch import Limits
from engine.core.message import Alarm, Delete, Modify, Submit
from engine.core.task import TaskState
from engine.errors import InvalidData, NotActive, NotPossible, RefTaken, TooLarge, UnknownProcess

TARGET = """
process: target
params:
  id: {type: string, required: true}
  size: {type: number, default: 3}
  text: {type: string, max_length: 5, min_length: 2, regex: "^[a-z]+$"}
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: done}, next: done}
  done: {type: end}
"""

COPIER = """
process: copier
nodes:
  start: {type: start, next: copy}
  copy: {type: copy_task, process: "{{ to }}", ref: "{{ as }}", data: {id: "{{ id }}"}, next: rest, error: bad}
  rest: {type: delay, for: 10s, next: copy_or_end}
  copy_or_end: {type: condition, cases: [{when: again, next: copy}], else: done}
  done: {type: end}
  bad: {type: end, result: error}
"""


async def copied(b, **data):
    return await b.submit("copier", {"to": "target", "as": "t", "id": "a", **data})


# Submits.


@pytest.mark.parametrize(
    ("data", "parameter", "message"),
    [
        ({}, "id", "is required and missing"),
        ({"id": None}, "id", "is required and missing"),
        ({"id": 1}, "id", "must be of type string, is number"),
        ({"id": "a", "size": True}, "size", "must be of type number, is boolean"),
        ({"id": "a", "size": [1]}, "size", "must be of type number, is array"),
        ({"id": "a", "size": {}}, "size", "must be of type number, is object"),
        ({"id": "a", "text": "abcdef"}, "text", "is longer than 5"),
        ({"id": "a", "text": "a"}, "text", "is shorter than 2"),
        ({"id": "a", "text": "ABC"}, "text", "does not match the pattern of this parameter"),
        (
            {"id": "a", "sise": 1},
            "sise",
            "is not a parameter of this process; did you mean 'size'?",
        ),
        ({"id": "a", "zzz": 1}, "zzz", "is not a parameter of this process"),
    ],
)
async def test_data_that_does_not_fit_is_refused_by_name(board, data, parameter, message):
    b = board(TARGET)

    refused = await b.submit("target", data)

    assert isinstance(refused, InvalidData)
    assert refused.faults == ({"parameter": parameter, "message": message},)
    assert await b.store.counts() == {}


async def test_every_fault_of_the_data_is_told_at_once(board):
    b = board(TARGET)

    refused = await b.submit("target", {"size": "many", "text": "A"})

    assert [fault["parameter"] for fault in refused.faults] == ["id", "size", "text", "text"]


async def test_a_system_parameter_needs_no_declaration(board):
    b = board(TARGET)

    task = await b.submit("target", {"id": "a", "__trace__": 1, "text": None})

    assert task.data == {"id": "a", "__trace__": 1, "text": None, "size": 3}


async def test_a_process_that_declares_nothing_takes_anything(board):
    b = board(COPIER)

    task = await b.submit("copier", {"to": "nowhere", "x": [None, {"y": 1}]})

    assert task.data["x"] == [None, {"y": 1}]


async def test_a_submit_is_refused_with_the_reason(board):
    b = board(TARGET, limits=Limits(task_bytes=200))
    await b.submit("target", {"id": "a"}, "t")

    unknown = await b.submit("targe")
    taken = await b.submit("target", {"id": "a"}, "t")
    large = await b.submit("target", {"id": "a" * 300})
    long_ref = await b.submit("target", {"id": "a"}, "r" * 256)
    b.pause("target")
    paused = await b.submit("target", {"id": "a"})

    assert [type(each) for each in (unknown, taken, large, long_ref, paused)] == [
        UnknownProcess, RefTaken, TooLarge, InvalidData, NotActive,
    ]  # fmt: skip
    assert long_ref.faults[0]["parameter"] == "ref"
    assert b.counts["target", "start"] in [(1, 1), (2, 2)]
    assert b.standing("target", "wait") == 1


async def test_of_two_submits_with_one_ref_in_a_turn_the_first_is_taken(board):
    b = board(TARGET)

    batch = await b.turn(*(Submit("target", "t", {"id": n}, n) for n in ("a", "b")))

    first, second = batch.answers
    assert (first.ticket, first.task.data["id"]) == ("a", "a")
    assert (second.ticket, type(second.error)) == ("b", RefTaken)


async def test_a_refused_submit_that_nobody_waits_for_answers_nobody(board):
    b = board(TARGET)

    batch = await b.turn(Submit("target", "", {}))

    assert (batch.answers, batch.has_rows) == ([], False)


async def test_a_ref_is_free_again_when_its_task_has_ended(board):
    b = board(TARGET)
    first = await b.submit("target", {"id": "a"}, "t")
    await b.callback("target", "wait", "t")

    second = await b.submit("target", {"id": "b"}, "t")

    assert first.task_id != second.task_id
    assert (await b.task("target", "t")).task_id == second.task_id


async def test_refs_need_not_be_unique_where_the_process_says_so(board):
    b = board(TARGET.replace("process: target", "process: target\nunique_ref: false"))

    first = await b.submit("target", {"id": "a"}, "t")
    second = await b.submit("target", {"id": "b"}, "t")
    await b.callback("target", "wait", "t")

    assert first.task_id != second.task_id
    assert (await b.task("target", second.task_id)).node == "done"
    assert (await b.task("target", first.task_id)).node == "wait"


# Copies.


async def test_a_copy_is_made_in_the_turn_that_asks_for_it(board):
    b = board(COPIER, TARGET)

    copier = await copied(b)

    copy = await b.task("target", "t")
    assert (copier.node, copy.node) == ("rest", "wait")
    assert copy.data == {
        "id": "a", "size": 3, "__copy_conv_id__": 1001, "__copy_node_id__": "copy",
        "__copy_ref_id__": copier.ref,
    }  # fmt: skip
    assert copy.memo.origin == f"{copier.task_id}/copy"


async def test_the_same_copy_once_more_succeeds_without_a_second_task(board):
    b = board(COPIER, TARGET)
    copier = await copied(b, again=True)

    await b.pass_time(10)

    assert (await b.task("copier", copier.ref)).node == "rest"
    assert b.counts["target", "start"] == (1, 1)


async def test_another_task_with_the_same_ref_makes_the_copy_fail(board):
    b = board(COPIER, TARGET)
    await b.submit("target", {"id": "x"}, "t")

    copier = await copied(b)

    assert (copier.node, copier.memo.error.tag) == ("bad", "not_unical_ref")
    assert (await b.task("target", "t")).data["id"] == "x"


async def test_two_tasks_that_copy_with_one_ref_in_a_turn_make_one_copy(board):
    b = board(COPIER, TARGET)
    data = {"to": "target", "as": "t", "id": "a"}

    batch = await b.turn(*(Submit("copier", "", dict(data), n) for n in range(2)))

    assert [answer.task.node for answer in batch.answers] == ["rest", "bad"]
    assert b.counts["target", "start"] == (1, 1)


@pytest.mark.parametrize(
    ("data", "tag", "said"),
    [
        ({"to": "nowhere"}, "access_denied", "called process 'nowhere' does not exist"),
        ({"id": None}, "wrong_validate_params", "Param: id, Error: is required and missing"),
        ({"id": "a" * 300}, "copy_task_size_overflow_limit", "Max available task size: 400 bytes"),
    ],
)
async def test_a_copy_that_is_refused_fails_with_the_reason(board, data, tag, said):
    b = board(COPIER, TARGET, limits=Limits(task_bytes=400))

    copier = await copied(b, **data)

    assert (copier.node, copier.memo.error.tag) == ("bad", tag)
    assert said in copier.memo.error.description
    assert b.counts.get(("target", "start"), (0, 0)) == (0, 0)


async def test_a_copy_into_a_paused_process_fails(board):
    b = board(COPIER, TARGET)
    b.pause("target")

    copier = await copied(b)

    assert (copier.node, copier.memo.error.tag) == ("bad", "conveyor_is_not_active")


async def test_a_copy_with_all_parameters_may_bring_undeclared_ones(board):
    b = board(COPIER.replace('data: {id: "{{ id }}"}', "all_params: true"), TARGET)

    await copied(b, extra=1)

    copy = await b.task("target", "t")
    assert (copy.data["id"], copy.data["extra"], copy.data["to"]) == ("a", 1, "target")


async def test_a_copy_is_deleted_before_it_starts_and_does_nothing(board):
    b = board(COPIER, TARGET)

    await b.turn(
        Submit("copier", "", {"to": "target", "as": "t", "id": "a"}), Delete("target", "t", "me")
    )

    assert await b.task("target", "t") is None
    assert b.counts["target", "start"] == (1, 1)
    assert ("target", "wait") not in b.counts


async def test_copies_that_copy_themselves_are_stopped(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: c}\n"
        "  c: {type: copy_task, process: p, data: {x: 1}, next: done, error: bad}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n",
        limits=Limits(copy_generations=20),
    )

    await b.submit("p")

    assert (b.counts["p", "start"], b.counts["p", "bad"]) == ((21, 21), (1, 0))


async def test_what_comes_while_a_copy_is_looked_up_comes_after_it(board):
    b = board(COPIER, TARGET)
    await b.submit("target", {"id": "x"}, "t")

    batch = await b.turn(
        Submit("copier", "c", {"to": "target", "as": "t", "id": "a"}, "first"),
        Modify("copier", "c", {"y": 1}, "second"),
        Delete("copier", "c", "third"),
    )

    first, second, third = batch.answers
    assert (first.task.node, type(second.error)) == ("bad", NotPossible)
    assert third.task is first.task


# Calls and replies.

CALLER = """
process: caller
nodes:
  start: {type: start, next: ask}
  ask:
    type: call_process
    process: "{{ whom }}"
    data: {how: "{{ how }}", whom: "{{ whom }}"}
    timeout: {after: 60s, next: in_vain}
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
  in_vain: {type: end, result: error}
"""

ANSWERER = """
process: answerer
nodes:
  start: {type: start, next: how_so}
  how_so:
    type: condition
    cases:
      - {when: how == 'twice', next: first}
      - {when: how == 'exception', next: complain}
      - {when: how == 'later', next: rest}
    else: silent
  first: {type: reply_to_process, data: {answer: 1}, next: second}
  second: {type: reply_to_process, data: {answer: 2}, next: done}
  complain: {type: reply_to_process, exception: "no {{ how }}", data: {code: 7}, next: done}
  rest: {type: delay, for: 30s, next: second}
  silent: {type: end}
  done: {type: end}
"""


async def call(b, how):
    return await b.submit("caller", {"whom": "answerer", "how": how}, "c")


async def test_only_the_first_reply_counts(board):
    b = board(CALLER, ANSWERER)

    caller = await call(b, "twice")

    assert (caller.node, caller.data["answer"]) == ("done", 1)
    assert await b.path(caller) == [("start", "next"), ("ask", "reply"), ("done", "")]


async def test_an_exception_takes_the_error_link_with_its_data(board):
    b = board(CALLER, ANSWERER)

    caller = await call(b, "exception")

    assert (caller.node, caller.data["code"]) == ("bad", 7)
    assert caller.memo.error.description == "no exception"


async def test_a_called_task_that_ends_without_reply_is_an_error_of_its_caller(board):
    b = board(CALLER, ANSWERER)

    caller = await call(b, "silent")

    assert (caller.node, caller.memo.error.tag) == ("bad", "rpc_no_reply")
    assert "did not reply" in caller.memo.error.description


async def test_a_called_task_that_is_deleted_is_an_error_of_its_caller(board):
    b = board(CALLER, ANSWERER)
    caller = await call(b, "later")
    (called,) = await called_tasks(b)

    await b.turn(Delete("answerer", called.ref))

    assert (await b.task("caller", "c")).memo.error.tag == "rpc_no_reply"
    assert caller.state is TaskState.WAITING


async def called_tasks(b):
    from engine.store.interface import TaskQuery

    return await b.store.tasks(TaskQuery("answerer"))


async def test_a_reply_comes_in_a_later_turn(board):
    b = board(CALLER, ANSWERER)
    caller = await call(b, "later")
    assert (caller.node, caller.state) == ("ask", TaskState.WAITING)

    await b.pass_time(30)

    assert (await b.task("caller", "c")).data["answer"] == 2


async def test_a_reply_to_a_caller_that_left_has_no_effect(board):
    b = board(CALLER, ANSWERER.replace("for: 30s", "for: 90s"))
    await call(b, "later")
    await b.pass_time(60)

    await b.pass_time(30)

    caller = await b.task("caller", "c")
    assert (caller.node, "answer" in caller.data) == ("in_vain", False)
    assert (await called_tasks(b))[0].node == "done"


async def test_a_reply_to_a_caller_that_failed_in_its_place_has_no_effect(board):
    b = board(CALLER, ANSWERER.replace("for: 30s", "for: 90s"))
    await call(b, "later")
    whole = b.graphs["caller"]
    b.graphs["caller"] = None
    await b.pass_time(60)
    b.graphs["caller"] = whole

    await b.pass_time(30)

    caller = await b.task("caller", "c")
    assert (caller.node, caller.state) == ("ask", TaskState.PARKED)


async def test_a_reply_to_a_caller_that_was_deleted_has_no_effect(board):
    b = board(CALLER, ANSWERER)
    await call(b, "later")
    await b.turn(Delete("caller", "c"))

    await b.pass_time(30)

    assert await b.task("caller", "c") is None
    assert (await called_tasks(b))[0].node == "done"


async def test_the_timer_and_the_reply_in_one_turn_move_the_caller_once(board):
    b = board(CALLER, ANSWERER.replace("for: 30s", "for: 60s"))
    caller = await call(b, "later")
    (called,) = await called_tasks(b)
    b.now += 60_000_000

    await b.turn(Alarm(called.task_id, called.visit), Alarm(caller.task_id, caller.visit))

    # The reply was still on its way to the caller when the timer's turn came.
    assert await b.path(caller) == [("start", "next"), ("ask", "timeout"), ("in_vain", "")]


async def test_calls_that_call_themselves_are_stopped(board):
    b = board(CALLER, limits=Limits(call_depth=5))

    caller = await b.submit("caller", {"whom": "caller", "how": "x"})

    # The innermost is refused, and ends without a reply: so does each around it.
    assert (caller.node, caller.memo.error.tag) == ("bad", "rpc_no_reply")
    assert (b.counts["caller", "ask"], b.counts["caller", "bad"]) == ((6, 6), (6, 0))


async def test_a_call_of_an_unknown_process_fails(board):
    b = board(CALLER)

    caller = await b.submit("caller", {"whom": "nobody", "how": "x"})

    assert (caller.node, caller.memo.error.tag) == ("bad", "access_denied")


# Modifications.

TELLER = """
process: teller
nodes:
  start: {type: start, next: tell}
  tell: {type: modify_task, process: "{{ whom }}", BY, data: {x: 1}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
BY_REF = TELLER.replace("BY", 'ref: "{{ to }}"')
BY_ID = TELLER.replace("BY", 'task_id: "{{ to }}"')
STRICT = TELLER.replace("BY", 'ref: "{{ to }}", strict: true')


@pytest.mark.parametrize("by", ["ref", "id"])
async def test_a_modification_releases_the_task_that_waits(board, by):
    b = board(BY_REF if by == "ref" else BY_ID, TARGET)
    target = await b.submit("target", {"id": "a"}, "t")

    teller = await b.submit(
        "teller", {"whom": "target", "to": "t" if by == "ref" else target.task_id}
    )

    target = await b.task("target", "t")
    assert (teller.node, target.node, target.data["x"]) == ("done", "done", 1)


@pytest.mark.parametrize(
    ("whom", "to", "tag"),
    [
        ("target", "nobody", "not_found_task"),
        ("target", "ended", "not_found_task"),
        ("nowhere", "t", "access_denied"),
    ],
)
async def test_a_modification_of_nobody_fails(board, whom, to, tag):
    b = board(BY_REF, TARGET)
    await b.submit("target", {"id": "a"}, "ended")
    await b.callback("target", "wait", "ended")

    teller = await b.submit("teller", {"whom": whom, "to": to})

    assert (teller.node, teller.memo.error.tag) == ("bad", tag)


async def test_a_modification_by_id_is_not_for_a_task_of_another_process(board):
    b = board(BY_ID, TARGET, COPIER)
    target = await b.submit("target", {"id": "a"})

    teller = await b.submit("teller", {"whom": "copier", "to": target.task_id})

    assert teller.memo.error.tag == "not_found_task"
    assert (await b.task("target", target.ref)).node == "wait"


async def test_a_strict_modification_needs_a_task_that_waits_now(board):
    b = board(STRICT, TARGET, COPIER)
    await b.submit("copier", {"to": "nowhere"}, "c")
    await b.submit("copier", {"to": "target", "as": "u", "id": "a"}, "d")
    await b.submit("target", {"id": "a"}, "t")

    on_its_way = await b.submit("teller", {"whom": "copier", "to": "d"})
    waits = await b.submit("teller", {"whom": "target", "to": "t"})

    assert on_its_way.memo.error.tag == "no_api_callback_in_node_with_task"
    assert "it stands in 'rest'" in on_its_way.memo.error.description
    assert waits.node == "done"


async def test_a_task_may_modify_itself_and_takes_it_when_it_waits(board):
    b = board(
        "process: p\nnodes:\n  start: {type: start, next: tell}\n"
        '  tell: {type: modify_task, process: p, ref: "{{ root.ref }}", data: {x: 1}, next: wait, error: bad}\n'
        "  wait: {type: waiting_for_callback, timeout: {after: 1d, next: bad}, next: done}\n"
        "  done: {type: end}\n  bad: {type: end, result: error}\n"
    )

    task = await b.submit("p", ref="t")

    assert (task.node, task.data["x"]) == ("done", 1)


PING = """
process: ping
nodes:
  start: {type: start, next: serve}
  serve: {type: copy_task, process: pong, ref: "{{ root.ref }}", data: {n: 0}, next: wait, error: bad}
  wait: {type: waiting_for_callback, timeout: {after: 1d, next: bad}, next: enough}
  enough: {type: condition, cases: [{when: n >= 20, next: done}], else: back}
  back: {type: modify_task, process: pong, ref: "{{ root.ref }}", data: {n: "{{ n + 1 }}"}, next: wait, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
PONG = """
process: pong
nodes:
  start: {type: start, next: back}
  back: {type: modify_task, process: ping, ref: "{{ root.ref }}", data: {n: "{{ n + 1 }}"}, next: wait, error: done}
  wait: {type: waiting_for_callback, timeout: {after: 1d, next: done}, next: back}
  done: {type: end}
"""


async def test_two_tasks_play_ping_pong_in_one_turn(board):
    b = board(PING, PONG)

    ping = await b.submit("ping", ref="t")

    assert (ping.node, ping.data["n"]) == ("done", 21)
    assert (await b.task("pong", "t")).data["n"] == 20
    assert [step.visit for step in await b.store.history(ping.task_id)] == list(range(1, 36))
