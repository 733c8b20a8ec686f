"""Which task takes which message: every cell of the table in `engine/core/mailbox.py`."""

import pytest

from engine.core.batch import Delivery, Limits
from engine.core.message import Alarm, Expire, KeptState, Modify, Redeliver, Submit
from engine.core.task import TaskState
from engine.core.turn import Turn
from engine.errors import NotPossible, UnknownTask
from tests.core.conftest import callback

WAIT = """
process: wait
nodes:
  start: {type: start, next: how}
  how: {type: condition, cases: [{when: slow, next: rest}], else: one}
  rest: {type: delay, for: 10s, next: one}
  one: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 7d, next: late}, next: two}
  two: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 7d, next: late}, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""

LOOP = """
process: loop
nodes:
  start: {type: start, next: how}
  how: {type: condition, cases: [{when: slow, next: rest}], else: wait}
  rest: {type: delay, for: 10s, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 7d, next: late}, next: add}
  add:
    type: set_parameter
    set: {got: "{{ (got | default([])) + [n] }}"}
    next: enough
    error: late
  enough: {type: condition, cases: [{when: status == 'last', next: done}], else: wait}
  done: {type: end}
  late: {type: end, result: error}
"""

TELLER = """
process: teller
nodes:
  start: {type: start, next: tell}
  tell: {type: modify_task, process: wait, ref: t, data: {told: "{{ what }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""

PLAIN = """
process: plain
nodes:
  start: {type: start, next: done}
  done: {type: end}
"""


async def undelivered(board):
    return [(kept.ref, kept.data, kept.reason) for kept in await board.store.undelivered("", 50)]


async def kept_ids(board):
    """The ids of all messages that still wait for their task."""
    return await board.store.expired(2**60, 100)


# The table: a callback by ref, one by id that is not sync, a sync one by id.


async def standing(board, where):
    """A task of `wait` that stands as the row of the table says; None if it does not exist."""
    if where == "missing":
        return None
    if where == "on its way":
        return await board.submit("wait", {"slow": True}, "t")
    task = await board.submit("wait", ref="t")
    if where in ("elsewhere", "ended"):
        await board.callback("wait", "one", "t")
    if where == "ended":
        await board.callback("wait", "two", "t")
    return await board.task("wait", task.ref)


TABLE = [
    ("here", Delivery.TAKEN, Delivery.TAKEN, Delivery.TAKEN),
    ("on its way", Delivery.KEPT, Delivery.KEPT, Delivery.KEPT),
    ("elsewhere", Delivery.KEPT, Delivery.KEPT, Delivery.ELSEWHERE),
    ("ended", Delivery.LATE, Delivery.LATE, Delivery.NO_TASK),
    ("missing", Delivery.KEPT, Delivery.NO_TASK, Delivery.NO_TASK),
]
WAYS = ("ref", "id", "sync id")


@pytest.mark.parametrize(("where", "way", "expected"), [
    (row[0], way, row[1 + column]) for row in TABLE for column, way in enumerate(WAYS)
])  # fmt: skip
async def test_what_becomes_of_a_callback(board, where, way, expected):
    b = board(WAIT)
    task = await standing(b, where)
    task_id = task.task_id if task else "f" * 24

    if way == "ref":
        delivery = await b.callback("wait", "one", "t", {"x": 1}, is_sync=True)
    else:
        delivery = await b.callback(
            "wait", "one", "", {"x": 1}, task_id=task_id, is_sync=way == "sync id"
        )

    assert delivery is expected
    assert len(await kept_ids(b)) == (1 if expected is Delivery.KEPT else 0)
    after = await b.task("wait", "t")
    assert (after is not None and after.node == "two") is (where in ("here", "elsewhere"))


async def test_an_early_callback_by_ref_is_taken_when_its_task_gets_to_the_node(board):
    b = board(WAIT)

    assert await b.callback("wait", "one", "t", {"x": 1}) is Delivery.KEPT
    task = await b.submit("wait", ref="t")

    assert (task.node, task.data) == ("two", {"x": 1})
    assert await b.path(task) == [("start", "next"), ("how", "next"), ("one", "callback")]
    assert await kept_ids(b) == []


async def test_a_callback_for_a_later_node_waits_for_it(board):
    b = board(WAIT)
    task = await b.submit("wait", ref="t")
    await b.callback("wait", "two", "t", {"second": 2})

    await b.callback("wait", "one", "t", {"first": 1})

    task = await b.task("wait", "t")
    assert (task.node, task.data) == ("done", {"first": 1, "second": 2})


async def test_a_callback_by_id_is_kept_for_that_task_alone(board):
    b = board(WAIT)
    task = await b.submit("wait", {"slow": True}, "t")
    await b.callback("wait", "one", "", {"x": 1}, task_id=task.task_id)

    other = await b.submit("wait", ref="u")
    await b.pass_time(10)

    assert (await b.task("wait", "u")).node == "one"
    assert (await b.task("wait", "t")).node == "two"
    assert other.data == {}


async def test_a_callback_and_its_task_may_come_in_one_turn(board):
    b = board(WAIT)

    batch = await b.turn(callback("wait", "one", "t", {"x": 1}), Submit("wait", "t", {}))

    assert batch.answers[0].delivery is Delivery.KEPT
    assert (batch.kept, batch.taken) == ([], [])
    assert (await b.task("wait", "t")).node == "two"


async def test_a_callback_for_a_task_of_another_process_finds_no_task(board):
    b = board(WAIT, LOOP)
    task = await b.submit("wait", ref="t")

    delivery = await b.callback("loop", "wait", "", {"x": 1}, task_id=task.task_id)

    assert delivery is Delivery.NO_TASK
    assert (await b.task("wait", "t")).data == {}


async def test_a_message_that_nobody_waits_for_is_answered_to_nobody(board):
    b = board(WAIT)
    message = callback("wait", "one", "t")
    message.ticket = None

    batch = await b.turn(message)

    assert (batch.answers, len(batch.kept)) == ([], 1)


# Order, and one message a visit.


async def test_kept_callbacks_are_taken_one_a_visit_in_order_of_arrival(board):
    b = board(LOOP)
    for n in (1, 2):
        await b.callback("loop", "wait", "t", {"n": n, "status": "on"})
    await b.callback("loop", "wait", "t", {"n": 3, "status": "last"})

    task = await b.submit("loop", ref="t")

    assert (task.node, task.data["got"]) == ("done", [1, 2, 3])
    assert [by for node, by in await b.path(task) if node == "wait"] == ["callback"] * 3


async def test_a_message_for_another_node_holds_up_nobody(board):
    b = board(WAIT)
    await b.callback("wait", "two", "t", {"second": 2})
    await b.callback("wait", "one", "t", {"first": 1})

    task = await b.submit("wait", ref="t")

    assert (task.node, task.data) == ("done", {"first": 1, "second": 2})


async def test_callbacks_of_one_turn_are_taken_in_order_of_arrival(board):
    b = board(LOOP)
    await b.submit("loop", ref="t")

    await b.turn(
        *(callback("loop", "wait", "t", {"n": n, "status": "on"}) for n in range(20)),
        callback("loop", "wait", "t", {"n": 20, "status": "last"}),
    )

    assert (await b.task("loop", "t")).data["got"] == list(range(21))


async def test_what_was_kept_before_is_taken_before_what_comes_now(board):
    b = board(LOOP)
    await b.submit("loop", {"slow": True}, "t")
    await b.callback("loop", "wait", "t", {"n": 1, "status": "on"})
    await b.pass_time(10)

    await b.callback("loop", "wait", "t", {"n": 2, "status": "last"})

    assert (await b.task("loop", "t")).data["got"] == [1, 2]


# Duplicates and ranks.


async def test_a_repeated_event_before_the_task_exists_is_dropped(board):
    b = board(LOOP)

    first = await b.callback("loop", "wait", "t", {"n": 1, "status": "on"}, key="e1")
    second = await b.callback("loop", "wait", "t", {"n": 2, "status": "on"}, key="e1")

    assert (first, second) == (Delivery.KEPT, Delivery.DUPLICATE)
    assert (await b.submit("loop", ref="t")).data["got"] == [1]


async def test_a_repeated_event_while_the_task_is_on_its_way_is_dropped(board):
    b = board(LOOP)
    await b.submit("loop", {"slow": True}, "t")

    answers = [
        await b.callback("loop", "wait", "t", {"n": n, "status": "on"}, key="e1") for n in (1, 2)
    ]

    assert answers == [Delivery.KEPT, Delivery.DUPLICATE]


async def test_a_repeated_event_while_the_task_waits_again_is_dropped(board):
    b = board(LOOP)
    await b.submit("loop", ref="t")

    answers = [
        await b.callback("loop", "wait", "t", {"n": n, "status": "on"}, key="e1") for n in (1, 2)
    ]

    assert answers == [Delivery.TAKEN, Delivery.DUPLICATE]
    assert (await b.task("loop", "t")).data["got"] == [1]


async def test_a_repeated_event_after_the_end_is_dropped_whether_taken_or_late(board):
    b = board(LOOP)
    await b.submit("loop", ref="t")
    await b.callback("loop", "wait", "t", {"n": 1, "status": "last"}, key="e1")

    answers = [
        await b.callback("loop", "wait", "t", {"n": 2}, key=key) for key in ("e1", "e2", "e2")
    ]

    assert answers == [Delivery.DUPLICATE, Delivery.LATE, Delivery.DUPLICATE]


async def test_repeated_events_in_one_turn_count_once(board):
    b = board(LOOP)
    await b.submit("loop", ref="t")

    batch = await b.turn(
        *(callback("loop", "wait", "t", {"n": 1, "status": "on"}, key="e1") for _ in range(10))
    )

    assert [answer.delivery for answer in batch.answers] == [
        Delivery.TAKEN, *[Delivery.DUPLICATE] * 9
    ]  # fmt: skip
    assert (await b.task("loop", "t")).data["got"] == [1]


async def test_only_so_many_event_keys_are_remembered(board):
    b = board(LOOP, limits=Limits(seen_keys=3))
    await b.submit("loop", ref="t")

    for n in range(5):
        await b.callback("loop", "wait", "t", {"n": n, "status": "on"}, key=f"e{n}")
    await b.callback("loop", "wait", "t", {"n": 5, "status": "last"}, key="e5")
    await b.callback("loop", "wait", "t", {"n": 6}, key="e6")

    assert (await b.task("loop", "t")).memo.seen == ["e4", "e5", "e6"]


async def test_a_callback_of_a_lower_rank_than_one_taken_was_overtaken(board):
    b = board(LOOP)
    await b.submit("loop", ref="t")

    answers = [
        await b.callback("loop", "wait", "t", {"n": n, "status": "on"}, rank=rank)
        for n, rank in ((1, 5), (2, 4), (3, 5), (4, 0))
    ]

    assert answers == [Delivery.TAKEN, Delivery.OVERTAKEN, Delivery.TAKEN, Delivery.TAKEN]
    assert (await b.task("loop", "t")).data["got"] == [1, 3, 4]


async def test_a_kept_callback_that_was_overtaken_is_passed_over(board):
    b = board(LOOP)
    await b.callback("loop", "wait", "t", {"n": 1, "status": "on"}, rank=6)
    await b.callback("loop", "wait", "t", {"n": 2, "status": "on"}, rank=5)
    await b.callback("loop", "wait", "t", {"n": 3, "status": "on"}, rank=7)

    task = await b.submit("loop", ref="t")

    assert (task.node, task.data["got"], task.memo.rank) == ("wait", [1, 3], 7)
    assert await kept_ids(b) == []


async def test_many_overtaken_callbacks_are_passed_over_in_one_go(board):
    b = board(LOOP)
    await b.turn(
        callback("loop", "wait", "t", {"n": 0, "status": "on"}, rank=9),
        *(callback("loop", "wait", "t", {"n": n, "status": "on"}, rank=1) for n in range(2000)),
    )

    task = await b.submit("loop", ref="t")

    assert (task.node, task.data["got"]) == ("wait", [0])


# Modifications by other tasks.


async def test_a_modification_by_another_task_waits_for_a_task_on_its_way(board):
    b = board(WAIT, TELLER)
    await b.submit("wait", {"slow": True}, "t")

    teller = await b.submit("teller", {"what": "news"})
    assert (teller.node, len(await kept_ids(b))) == ("done", 1)
    await b.pass_time(10)

    task = await b.task("wait", "t")
    assert (task.node, task.data["told"], task.data["__modify_ref_id__"]) == (
        "two", "news", teller.ref,
    )  # fmt: skip


async def test_modifications_and_callbacks_are_taken_in_order_of_arrival(board):
    b = board(WAIT, TELLER)
    await b.submit("wait", {"slow": True}, "t")
    await b.callback("wait", "one", "t", {"told": "by callback"})
    await b.submit("teller", {"what": "by task"})

    await b.pass_time(10)

    task = await b.task("wait", "t")
    assert (task.node, task.data["told"]) == ("done", "by task")


async def test_modifications_of_one_turn_are_taken_one_a_visit(board):
    b = board(LOOP, TELLER.replace("process: wait", "process: loop").replace("told:", "n:"))
    await b.submit("loop", {"status": "on"}, "t")
    await b.callback("loop", "elsewhere", "t", {"n": 9, "status": "on"})

    batch = await b.turn(*(Submit("teller", "", {"what": n}) for n in range(3)))

    assert [task.node for task in batch.created] == ["done"] * 3
    task = await b.task("loop", "t")
    assert (task.node, task.data["got"]) == ("wait", [0, 1, 2])
    assert len(await kept_ids(b)) == 1


# Leftovers.


async def test_a_leftover_with_an_event_key_is_noted_as_late(board):
    b = board(WAIT)
    task = await b.submit("wait", {"slow": True}, "t")
    for n, key in enumerate(("e1", "e2", "e3"), start=1):
        await b.callback("wait", ("one", "two", "two")[n - 1], "t", {"n": n}, key=key)

    await b.pass_time(10)

    task = await b.task("wait", "t")
    assert (task.node, task.memo.seen) == ("done", ["e1", "e2", "e3"])
    assert (await b.path(task))[-1] == ("done", "late")
    assert (await kept_ids(b), await undelivered(b)) == ([], [])


async def test_a_leftover_without_event_key_becomes_undelivered(board):
    b = board(WAIT)
    await b.submit("wait", {"slow": True}, "t")
    for n, node in enumerate(("one", "two", "two")):
        await b.callback("wait", node, "t", {"n": n})

    await b.pass_time(10)

    assert await undelivered(b) == [("t", {"n": 2}, "its task ended before it could be taken")]


async def test_a_leftover_of_a_task_that_is_not_kept_becomes_undelivered(board):
    b = board(WAIT.replace("done: {type: end}", "done: {type: end, keep: false}"))
    await b.submit("wait", {"slow": True}, "t")
    for n, node in enumerate(("one", "two", "two")):
        await b.callback("wait", node, "t", {"n": n}, key=f"e{n}")

    await b.pass_time(10)

    assert await b.task("wait", "t") is None
    assert [each[:2] for each in await undelivered(b)] == [("t", {"n": 2})]


async def test_an_early_callback_for_a_process_that_waits_for_none_becomes_undelivered(board):
    b = board(PLAIN)
    await b.callback("plain", "done", "t", {"x": 1})

    task = await b.submit("plain", ref="t")

    assert task.state is TaskState.SUCCESS
    assert [each[:2] for each in await undelivered(b)] == [("t", {"x": 1})]


async def test_a_leftover_of_the_same_turn_becomes_undelivered_too(board):
    b = board(PLAIN)

    await b.turn(callback("plain", "done", "t", {"x": 1}), Submit("plain", "t", {}))

    assert [each[:2] for each in await undelivered(b)] == [("t", {"x": 1})]


# Expiry and redelivery.


async def expire(board):
    return await board.turn(*(Expire(each) for each in await board.store.expired(board.now, 100)))


async def test_a_message_that_nobody_took_in_time_becomes_undelivered(board):
    b = board(WAIT)
    await b.callback("wait", "one", "t", {"x": 1})

    await expire(b)
    assert await undelivered(b) == []
    b.now += 3600 * 1_000_000
    await expire(b)

    assert await undelivered(b) == [("t", {"x": 1}, "nobody took it while it was kept")]
    assert (await b.submit("wait", ref="t")).node == "one"


async def test_expiry_of_a_message_that_was_taken_has_no_effect(board):
    b = board(WAIT)
    await b.callback("wait", "one", "t", {"x": 1})
    (message_id,) = await kept_ids(b)
    await b.submit("wait", ref="t")

    await b.turn(Expire(message_id))

    assert await undelivered(b) == []


async def test_a_message_that_expired_in_this_turn_is_no_mail_of_a_later_task(board):
    copier = (
        "process: copier\nnodes:\n  start: {type: start, next: copy}\n"
        "  copy: {type: copy_task, process: wait, ref: t, data: {y: 1}, next: done, error: done}\n"
        "  done: {type: end}\n"
    )
    b = board(WAIT, copier)
    await b.callback("wait", "one", "t", {"x": 1})
    (message_id,) = await kept_ids(b)

    await b.turn(Expire(message_id), Submit("copier", "c", {}))

    assert (await b.task("wait", "t")).node == "one"
    assert [each[:2] for each in await undelivered(b)] == [("t", {"x": 1})]


async def test_a_task_that_takes_a_message_is_before_its_expiry_in_the_same_turn(board):
    b = board(WAIT)
    await b.callback("wait", "one", "t", {"x": 1})
    (message_id,) = await kept_ids(b)

    await b.turn(Submit("wait", "t", {}), Expire(message_id))

    assert (await b.task("wait", "t")).node == "two"
    assert (await undelivered(b), await kept_ids(b)) == ([], [])


async def undelivered_message(board):
    """An undelivered callback for the task `t`."""
    await board.callback("wait", "one", "t", {"x": 1}, key="e1", rank=3)
    board.now += 3600 * 1_000_000
    await expire(board)
    (kept,) = await board.store.undelivered("", 50)
    return kept


async def redeliver(board, message_id):
    batch = await board.turn(Redeliver(message_id, ticket="person"))
    (answer,) = batch.answers
    return answer.error or answer.delivery


async def test_an_undelivered_message_can_be_delivered_by_hand(board):
    b = board(WAIT)
    kept = await undelivered_message(b)
    await b.submit("wait", ref="t")

    assert await redeliver(b, kept.message_id) is Delivery.TAKEN

    task = await b.task("wait", "t")
    assert (task.node, task.data, task.memo.seen, task.memo.rank) == ("two", {"x": 1}, ["e1"], 3)
    assert await undelivered(b) == []


async def test_a_message_delivered_by_hand_waits_for_a_task_on_its_way(board):
    b = board(WAIT)
    kept = await undelivered_message(b)
    await b.submit("wait", {"slow": True}, "t")

    assert await redeliver(b, kept.message_id) is Delivery.KEPT
    assert (await undelivered(b), len(await kept_ids(b))) == ([], 1)
    assert await redeliver(b, kept.message_id) is Delivery.KEPT
    await b.pass_time(10)

    assert (await b.task("wait", "t")).node == "two"


async def test_a_message_that_was_taken_meanwhile_can_not_be_delivered_by_hand(board):
    b = board(WAIT)
    await b.submit("wait", ref="t")
    await b.callback("wait", "two", "t", {"x": 1})
    (message_id,) = await kept_ids(b)
    await b.callback("wait", "one", "t")

    assert isinstance(await redeliver(b, message_id), UnknownTask)

    assert (await b.task("wait", "t")).data == {"x": 1}


async def test_a_message_can_not_be_delivered_to_nobody(board):
    b = board(WAIT)
    kept = await undelivered_message(b)

    refused = await redeliver(b, kept.message_id)

    assert isinstance(refused, NotPossible)
    (still,) = await b.store.undelivered("", 50)
    assert still.state is KeptState.UNDELIVERED


async def test_a_message_for_an_id_is_delivered_to_that_task(board):
    b = board(WAIT)
    task = await b.submit("wait", {"slow": True}, "t")
    await b.callback("wait", "one", "", {"x": 1}, task_id=task.task_id)
    b.now += 3600 * 1_000_000
    await expire(b)
    (kept,) = await b.store.undelivered("", 50)
    await b.pass_time(10)

    assert await redeliver(b, kept.message_id) is Delivery.TAKEN

    assert (await b.task("wait", "t")).node == "two"


async def test_a_kept_message_named_in_the_turn_of_its_task_is_still_taken(board):
    """Looked up by its id and as mail of the task in one turn, it is the same message."""
    b = board(WAIT)
    await b.callback("wait", "one", "t", {"x": 1})
    (message_id,) = await kept_ids(b)

    await b.turn(Redeliver(message_id), Submit("wait", "t", {}))

    assert (await b.task("wait", "t")).node == "two"
    assert await kept_ids(b) == []


# A submit that is refused takes nobody's mail.


async def test_mail_for_one_of_several_tasks_of_a_ref_is_taken_by_that_one(board):
    b = board(WAIT.replace("process: wait", "process: wait\nunique_ref: false"))
    first = await b.submit("wait", {"slow": True}, "t")
    second = await b.submit("wait", {"slow": True}, "t")
    await b.callback("wait", "one", "", {"x": 1}, task_id=first.task_id)
    b.now += 10_000_000

    for task in (second, first):
        await b.turn(Alarm(task.task_id, task.visit))

    nodes = [(await b.task("wait", task.task_id)).node for task in (first, second)]
    assert nodes == ["two", "one"]


async def test_mail_that_was_kept_while_its_node_was_missing_is_delivered_by_hand(board):
    b = board(WAIT)
    await b.submit("wait", ref="t")
    whole = b.graphs["wait"]
    b.graphs["wait"] = None
    await b.callback("wait", "one", "t", {"x": 1})
    (message_id,) = await kept_ids(b)
    b.graphs["wait"] = whole

    assert await redeliver(b, message_id) is Delivery.TAKEN

    assert (await b.task("wait", "t")).node == "two"
    assert await kept_ids(b) == []


async def test_a_refused_submit_leaves_the_mail_to_the_next_task_of_the_ref(board):
    b = board(WAIT, limits=Limits(task_bytes=1000))
    await b.callback("wait", "one", "t", {"x": 1})

    await b.turn(Submit("wait", "t", {"a": "a" * 2000}), Submit("wait", "t", {"a": "b"}))

    task = await b.task("wait", "t")
    assert (task.node, task.data) == ("two", {"a": "b", "x": 1})


# Paused processes.


async def test_a_callback_to_a_paused_process_is_not_lost(board):
    b = board(WAIT)
    await b.submit("wait", ref="t")
    active = b.pause("wait")
    await b.callback("wait", "one", "t", {"x": 1})

    assert (await b.task("wait", "t")).state is TaskState.READY
    b.graphs["wait"] = active
    await b.go_on()

    task = await b.task("wait", "t")
    assert (task.node, task.data) == ("two", {"x": 1})


async def test_a_modification_wakes_a_task_only_while_it_waits(board):
    b = board(WAIT)
    await b.submit("wait", {"slow": True}, "t")

    await b.turn(Modify("wait", "t", {"y": 2}, "me"))

    task = await b.task("wait", "t")
    assert (task.node, task.data) == ("rest", {"slow": True, "y": 2})


async def written_at_once(board, *messages):
    """Has a turn for each message read the store before any of them is written, as engines do."""
    batches = []
    for message in messages:
        turn = Turn(board, board.now)
        turn.take([message])
        while wants := turn.run():
            turn.supply(await board.store.load(wants))
        batches.append(turn.close())
    for batch in batches:
        await board.store.commit(batch)


async def test_a_callback_that_two_engines_left_lying_is_taken_before_a_later_one(board):
    played = board(LOOP)
    await written_at_once(
        played, Submit("loop", "t", {}), callback("loop", "wait", "t", {"n": 1}, key="1")
    )

    await played.callback("loop", "wait", "t", {"n": 2, "status": "last"}, key="2")

    assert (await played.task("loop", "t")).data["got"] == [1, 2]


async def test_a_modification_does_not_overtake_a_callback_that_two_engines_left_lying(board):
    played = board(LOOP)
    await written_at_once(
        played, Submit("loop", "t", {}), callback("loop", "wait", "t", {"n": 1}, key="1")
    )

    await played.turn(Modify("loop", "t", {"n": 2, "status": "last"}))

    assert (await played.task("loop", "t")).data["got"] == [1, 2]


async def test_mail_is_taken_as_it_came_though_the_clock_was_set_back(board):
    played = board(LOOP)
    await played.callback("loop", "wait", "t", {"n": 1}, key="1")
    played._last_id -= 10**9
    await played.callback("loop", "wait", "t", {"n": 2, "status": "last"}, key="2")

    await played.submit("loop", {}, "t")

    assert (await played.task("loop", "t")).data["got"] == [1, 2]


async def unwritten(board, message):
    """Has an engine read the store, and stand still before it writes."""
    turn = Turn(board, board.now)
    turn.take([message])
    while wants := turn.run():
        turn.supply(await board.store.load(wants))
    return turn.close()


async def test_a_callback_that_two_engines_kept_is_taken_once(board):
    b = board(LOOP)
    twice = [callback("loop", "wait", "t", {"n": 1}, key="1") for _ in range(2)]
    await written_at_once(b, *twice)

    await b.submit("loop", {}, "t")
    await b.callback("loop", "wait", "t", {"n": 2, "status": "last"}, key="2")

    assert (await b.task("loop", "t")).data["got"] == [1, 2]
    assert (await kept_ids(b), await undelivered(b)) == ([], [])


async def test_a_callback_that_was_kept_after_another_engine_took_it_is_not_taken_again(board):
    b = board(LOOP)
    late = await unwritten(b, callback("loop", "wait", "t", {"n": 1}, key="1"))
    await b.submit("loop", {}, "t")
    await b.callback("loop", "wait", "t", {"n": 1}, key="1")
    await b.store.commit(late)

    (message_id,) = await kept_ids(b)
    batch = await b.turn(Redeliver(message_id, ticket="me"))

    assert batch.answers[0].delivery is Delivery.DUPLICATE
    assert (await b.task("loop", "t")).data["got"] == [1]
    assert (await kept_ids(b), await undelivered(b)) == ([], [])


async def test_a_callback_that_was_kept_after_it_ended_its_task_is_not_undelivered(board):
    b = board(LOOP)
    late = await unwritten(b, callback("loop", "wait", "t", {"n": 1}, key="1"))
    await b.submit("loop", {}, "t")
    await b.callback("loop", "wait", "t", {"n": 1, "status": "last"}, key="1")
    await b.store.commit(late)

    (message_id,) = await kept_ids(b)
    await b.turn(Redeliver(message_id))

    assert (await kept_ids(b), await undelivered(b)) == ([], [])


async def test_a_callback_that_two_engines_kept_and_one_end_took_is_not_late(board):
    b = board(LOOP)
    twice = [callback("loop", "wait", "t", {"n": 1, "status": "last"}, key="1") for _ in range(2)]
    await written_at_once(b, *twice)

    task = await b.submit("loop", {}, "t")

    assert (await b.task("loop", "t")).data["got"] == [1]
    assert "late" not in [by for _, by in await b.path(task)]
    assert (await kept_ids(b), await undelivered(b)) == ([], [])
