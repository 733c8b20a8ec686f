"""What people and clients ask about one task, and idempotency keys."""

import json

import pytest

from engine.core.batch import Delivery, Limits
from engine.core.command import CallFailed, CallFailure
from engine.core.message import (
    Callback,
    Continue,
    Delete,
    Modify,
    Once,
    Redeliver,
    Rerun,
    Result,
    Submit,
)
from engine.core.task import TaskState
from engine.core.turn import Turn
from engine.errors import KeyReused, NotPossible, RefTaken, TooLarge, UnknownNode, UnknownTask

SHOP = """
process: shop
params: {price: {type: number}, token: {type: string, secret: true}}
nodes:
  start: {type: start, next: check}
  check: {type: condition, cases: [{when: price > 10, next: wait}], else: cheap}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: late}, next: done}
  cheap: {type: end, result: error}
  done: {type: end}
  late: {type: end, result: error}
"""

CALL = """
process: call
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, in_doubt: hold, url: "http://there.example/", timeout: {after: 30s, next: late}, next: done, error: late}
  done: {type: end}
  late: {type: end, result: error}
"""


async def ask(board, message):
    """Sends one message; gives the error, delivery or task it is answered with."""
    message.ticket = "me"
    (answer,) = (await board.turn(message)).answers
    return answer.error or answer.delivery or answer.task


# Modify.


async def test_a_task_that_waits_goes_on_with_a_modification(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 20}, "t")

    task = await ask(b, Modify("shop", "t", {"price": 30}))

    assert (task.node, task.data) == ("done", {"price": 30})


async def test_a_task_that_stands_elsewhere_is_changed_where_it_stands(board):
    b = board(CALL)
    task = await b.submit("call")

    changed = await ask(b, Modify("call", task.ref, {"x": 1}))

    assert (changed.node, changed.state, changed.data) == ("ask", TaskState.CALLING, {"x": 1})
    assert (await b.task("call", task.ref)).data == {"x": 1}


async def test_a_task_that_has_ended_is_not_modified(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 1}, "t")

    assert isinstance(await ask(b, Modify("shop", "t", {"price": 30})), NotPossible)
    assert (await b.task("shop", "t")).data == {"price": 1}


async def test_a_modification_that_would_be_too_large_is_refused(board):
    b = board(CALL, limits=Limits(task_bytes=100))
    await b.submit("call", {"x": "a"}, "t")

    refused = await ask(b, Modify("call", "t", {"x": "b" * 200}))

    assert isinstance(refused, TooLarge)
    assert (await b.task("call", "t")).data == {"x": "a"}


@pytest.mark.parametrize("kind", [Modify, Delete, Rerun])
async def test_there_must_be_a_task_to_do_something_to(board, kind):
    b = board(SHOP)
    message = Modify("shop", "t", {}) if kind is Modify else kind("shop", "t")

    assert isinstance(await ask(b, message), UnknownTask)


# Delete.


async def test_a_deleted_task_leaves_no_trace(board):
    b = board(SHOP)
    task = await b.submit("shop", {"price": 20}, "t")

    answered = await ask(b, Delete("shop", "t"))

    assert answered.task_id == task.task_id
    assert await b.task("shop", "t") is None
    assert (await b.path(task), b.standing("shop", "wait")) == ([], 0)


async def test_a_deleted_task_gives_up_its_call(board):
    b = board(CALL)
    task = await b.submit("call")

    batch = await b.turn(Delete("call", task.ref))
    await b.answer(task, 200, b"{}")

    assert batch.cancelled == [(task.task_id, task.visit)]
    assert await b.task("call", task.ref) is None


async def test_the_mail_of_a_deleted_task_becomes_undelivered(board):
    b = board(CALL)
    await b.submit("call", ref="t")
    message = Callback(
        "call", "ask", "", "t", {"x": 1}, is_sync=False, keep_us=10**9, event_key="e"
    )
    await b.turn(message)

    await ask(b, Delete("call", "t"))

    assert [each.data for each in await b.store.undelivered("", 9)] == [{"x": 1}]


async def test_a_task_made_in_this_turn_can_be_deleted_in_it(board):
    b = board(SHOP)

    batch = await b.turn(
        Submit("shop", "t", {"price": 20}, "a"),
        Delete("shop", "t", "b"),
        Delete("shop", "t", "c"),
        Submit("shop", "t", {"price": 30}, "d"),
    )

    assert [type(answer.error) for answer in batch.answers] == [
        type(None), type(None), UnknownTask, type(None),
    ]  # fmt: skip
    assert (batch.deleted, len(batch.created)) == ([], 1)
    assert (await b.task("shop", "t")).data == {"price": 30}


# Rerun.


async def parked(b):
    """A task of `shop` that failed in `check`, which has no `error` link."""
    return await b.submit("shop", {"price": None}, "t")


async def test_a_parked_task_is_put_back_into_the_node_it_failed_in(board):
    b = board(SHOP)
    assert (await parked(b)).state is TaskState.PARKED
    await ask(b, Modify("shop", "t", {"price": 20}))

    task = await ask(b, Rerun("shop", "t"))

    assert (task.node, task.state, task.visit) == ("wait", TaskState.WAITING, 4)
    assert await b.path(task) == [("start", "next"), ("check", "rerun"), ("check", "next")]


async def test_a_held_call_is_made_again_with_a_new_key(board):
    b = board(CALL)
    task = await b.submit("call")
    await b.turn(Result(task.task_id, task.visit, CallFailed(CallFailure.TIMEOUT, "late")))

    batch = await b.turn(Rerun("call", task.ref))

    (call,) = batch.calls
    assert dict(call.command.headers)["Idempotency-Key"] == f"{task.task_id}-{task.visit + 1}"


async def test_a_task_that_ended_with_an_error_can_go_to_another_node(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 1}, "t")

    task = await ask(b, Rerun("shop", "t", "wait"))

    assert (task.node, task.finished) == ("wait", None)
    assert (b.standing("shop", "cheap"), b.standing("shop", "wait")) == (0, 1)
    assert await b.callback("shop", "wait", "t") is Delivery.TAKEN


async def test_a_rerun_is_refused_with_the_reason(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 20}, "waits")
    await b.submit("shop", {"price": 1}, "cheap")

    waits = await ask(b, Rerun("shop", "waits"))
    no_node = await ask(b, Rerun("shop", "cheap"))
    wrong_node = await ask(b, Rerun("shop", "cheap", "nowhere"))

    assert (type(waits), str(waits)) == (NotPossible, "the task 'waits' has not failed")
    assert (type(no_node), str(no_node)) == (NotPossible, "no node of 'cheap' failed; name one")
    assert (type(wrong_node), str(wrong_node)) == (UnknownNode, "'shop' has no node 'nowhere'")


async def test_a_rerun_is_refused_while_another_task_has_the_ref(board):
    b = board(SHOP)
    ended = await b.submit("shop", {"price": 1}, "t")
    await b.submit("shop", {"price": 20}, "t")

    refused = await ask(b, Rerun("shop", ended.task_id, "wait"))

    assert isinstance(refused, RefTaken)
    assert (await b.task("shop", ended.task_id)).node == "cheap"


async def test_an_older_task_that_runs_again_has_the_ref_from_then_on(board):
    b = board(SHOP)
    older = await b.submit("shop", {"price": 1}, "t")
    b.now += 1
    await b.submit("shop", {"price": 2}, "t")

    batch = await b.turn(
        Rerun("shop", older.task_id, "wait", "a"), Submit("shop", "t", {"price": 20}, "b")
    )

    assert [type(answer.error) for answer in batch.answers] == [type(None), RefTaken]
    assert (await b.task("shop", "t")).task_id == older.task_id


async def test_a_task_whose_node_is_gone_stays_visible_and_can_go_elsewhere(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 20}, "t")
    whole = b.graphs["shop"]
    b.graphs["shop"] = None

    await b.pass_time(24 * 3600)

    task = await b.task("shop", "t")
    assert (task.state, task.node) == (TaskState.PARKED, "wait")
    assert (task.memo.error.tag, task.memo.error.kind) == ("node_missing", "software")
    assert task.memo.error.description == "version 1 of 'shop' has no node 'wait' here"
    b.graphs["shop"] = whole
    assert (await ask(b, Rerun("shop", "t"))).state is TaskState.WAITING


async def test_a_callback_to_a_missing_node_is_kept(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 20}, "t")
    b.graphs["shop"] = None

    assert await b.callback("shop", "wait", "t", {"x": 1}) is Delivery.KEPT

    task = await b.task("shop", "t")
    assert (task.node, task.state, task.data) == ("wait", TaskState.WAITING, {"price": 20})


async def test_a_task_whose_version_is_gone_stays_where_it_is_at_a_restart(board):
    b = board(CALL)
    await b.submit("call", ref="t")
    b.graphs["call"] = None

    task = await b.task("call", "t")
    batch = await b.turn(Continue(task.task_id, task.visit))

    assert batch.incidents == []
    assert (await b.task("call", "t")).memo.error.tag == "node_missing"


# Idempotency keys.


def submit(key="k", digest="d", ticket="me", **data):
    return Submit("shop", "", {"price": 20, **data}, ticket, Once(key, digest))


async def test_a_repeat_in_a_later_turn_is_answered_byte_for_byte_the_same(board):
    b = board(SHOP)
    (first,) = (await b.turn(submit(token="hunter22"))).answers
    await b.callback("shop", "wait", first.task.ref)

    (second,) = (await b.turn(submit(token="hunter22", ticket="again"))).answers

    assert second.ticket == "again"
    assert second.body == first.body
    shown = json.loads(second.body)
    assert (shown["node"], shown["data"]["token"]) == ("wait", "***")
    assert b.counts["shop", "start"] == (1, 1)


async def test_a_repeat_in_the_same_turn_is_answered_byte_for_byte_the_same(board):
    b = board(SHOP)

    answers = (await b.turn(*(submit(ticket=n) for n in range(3)))).answers

    assert [answer.ticket for answer in answers] == [0, 1, 2]
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].body is not None
    assert b.counts["shop", "start"] == (1, 1)


@pytest.mark.parametrize("is_same_turn", [True, False])
async def test_a_key_with_another_body_is_refused(board, is_same_turn):
    b = board(SHOP)
    messages = [submit(digest="d1"), submit(digest="d2", ticket="other")]

    if is_same_turn:
        answers = (await b.turn(*messages)).answers
    else:
        answers = [(await b.turn(message)).answers[0] for message in messages]

    assert (answers[0].error, type(answers[1].error)) == (None, KeyReused)
    assert b.counts["shop", "start"] == (1, 1)


async def test_a_refused_submit_does_not_use_up_its_key(board):
    b = board(SHOP)

    refused = await ask(b, submit(price="much"))
    taken = await ask(b, submit())

    assert (refused.kind, taken.node) == ("invalid_data", "wait")


async def test_a_submit_that_nobody_waits_for_is_made_once_too(board):
    b = board(SHOP)

    for _ in range(2):
        await b.turn(submit(ticket=None))

    assert b.counts["shop", "start"] == (1, 1)


def test_a_key_and_its_task_are_looked_up_in_one_look(board):
    """In two, another engine could write both in between, and refuse the key its own task."""
    turn = Turn(board(SHOP), now=1)
    turn.take([Submit("shop", "t", {"price": 20}, "me", Once("k", "d"))])

    wanted = turn.run()

    assert (wanted.once, wanted.keys) == ({"k"}, {("shop", "t")})


async def test_a_repeated_rerun_has_no_effect(board):
    b = board(SHOP)
    await parked(b)

    answers = [
        (await b.turn(Rerun("shop", "t", "", "me", Once("k", "d")))).answers[0] for _ in range(2)
    ]

    assert answers[0].body == answers[1].body is not None
    assert (await b.task("shop", "t")).visit == 3


async def test_a_refused_rerun_may_be_asked_again_with_its_key(board):
    b = board(SHOP)
    await b.submit("shop", {"price": 20}, "t")

    refused = [await ask(b, Rerun("shop", "t", once=Once("k", "d"))) for _ in range(2)]

    assert [type(each) for each in refused] == [NotPossible, NotPossible]


async def test_a_repeated_redelivery_has_no_effect(board):
    b = board(SHOP)
    await b.callback("shop", "wait", "t", {"x": 1})
    (kept,) = await b.store.expired(2**60, 9)
    from engine.core.message import Expire

    await b.turn(Expire(kept))
    await b.submit("shop", {"price": 20}, "t")

    answers = [(await b.turn(Redeliver(kept, "me", Once("k", "d")))).answers[0] for _ in range(2)]

    assert [answer.body for answer in answers] == [b'{"result":"taken"}'] * 2
    assert await b.store.undelivered("", 9) == []
