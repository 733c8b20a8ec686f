"""Queues and their takers, node by node and in turns on a real store."""

import pytest

from engine.core.message import Modify, Submit
from engine.core.task import TaskState
from engine.node import Ask, Constant, Done, Refusal, Refused, TakeFromQueue, Taken
from nodes.get_from_queue import GetFromQueue, Order, Settings
from tests.core.conftest import Board, store

__all__ = ["store"]

LINE = """
process: line
nodes:
  start: {type: start, next: queue}
  queue: {type: queue, data: {by: "{{ n * 10 + 0 }}"}, timeout: {after: 1h, next: late}, next: done, error: bad}
  done: {type: end}
  late: {type: end, result: error}
  bad: {type: end, result: error}
"""
TAKER = """
process: taker
nodes:
  start: {type: start, next: take}
  take: {type: get_from_queue, process: line, node: queue, next: done, error: none}
  done: {type: end}
  none: {type: end, result: error}
"""


@pytest.fixture
def board(store):
    return Board(
        store,
        LINE,
        TAKER,
        TAKER.replace("taker", "last").replace("queue, n", "queue, order: desc, n"),
    )


async def put(board, *numbers):
    """Puts a task into the queue for each number, one turn after the other."""
    for number in numbers:
        board.now += 1000
        await board.submit("line", {"n": number}, f"t{number}")


def number_of(task):
    return task.data["__queue_task_data__"]["n"]


def test_it_asks_for_the_next_or_the_last(visit):
    settings = Settings(Constant("line"), "queue", Order.DESC)

    assert GetFromQueue().enter(settings, visit()) == Ask(TakeFromQueue("line", "queue", True))


def test_what_is_taken_is_set_and_not_merged(visit):
    outcome = GetFromQueue().resume(
        Settings(Constant("line"), "queue"), visit({"n": 1}), Taken("id", "ref", {"n": 2})
    )

    assert outcome.changes == {
        "__queue_task_id__": "id", "__queue_task_ref__": "ref", "__queue_task_data__": {"n": 2},
    }  # fmt: skip


def test_an_empty_queue_is_a_failure_that_clears_what_was_taken_before(visit):
    seen = visit({"__queue_task_id__": "id", "n": 1})

    outcome = GetFromQueue().resume(
        Settings(Constant("line"), "queue"), seen, Refused(Refusal.EMPTY, "not_found_task")
    )

    assert (outcome.tag, outcome.description) == ("get_task_executing_error", "not_found_task")
    assert outcome.changes == {"__queue_task_id__": ""}


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        GetFromQueue().resume(Settings(Constant("line"), "queue"), visit(), Done())


async def test_tasks_are_taken_in_the_order_in_which_they_came(board):
    await put(board, 3, 1, 2)

    taken = [await board.submit("taker") for _ in range(3)]

    assert [number_of(task) for task in taken] == [3, 1, 2]
    assert taken[0].data["__queue_task_data__"] == {"n": 3, "by": 30}
    ended = await board.task("line", "t3")
    assert (ended.node, ended.state, ended.data) == ("done", TaskState.SUCCESS, {"n": 3, "by": 30})


async def test_the_last_may_be_taken_first(board):
    await put(board, 1, 2, 3)

    assert [number_of(await board.submit("last")) for _ in range(3)] == [3, 2, 1]


async def test_many_takers_at_once_take_each_task_once(board):
    await put(board, *range(100))

    await board.turn(*(Submit("taker", f"k{number}", {}) for number in range(120)))

    takers = [await board.task("taker", f"k{number}") for number in range(120)]
    assert [number_of(task) for task in takers[:100]] == list(range(100))
    assert {task.node for task in takers[100:]} == {"none"}


async def test_a_task_that_came_in_the_same_turn_may_be_taken(board):
    await put(board, 1)
    await board.turn(
        Submit("line", "t2", {"n": 2}), *(Submit("taker", f"k{number}", {}) for number in range(3))
    )

    takers = [await board.task("taker", f"k{number}") for number in range(3)]
    assert [task.node for task in takers] == ["done", "done", "none"]
    assert [number_of(task) for task in takers[:2]] == [1, 2]


async def test_a_modification_leaves_a_task_in_its_place(board):
    await put(board, 1, 2)
    await board.turn(Modify("line", "t1", {"more": True}))

    taken = await board.submit("taker")

    assert taken.data["__queue_task_data__"] == {"n": 1, "more": True, "by": 10}


async def test_a_task_whose_data_can_not_be_made_fails_and_the_next_is_taken(board):
    await put(board, "x", 2)

    taken = await board.submit("taker")

    assert number_of(taken) == 2
    assert (await board.task("line", "tx")).node == "bad"


async def test_a_task_that_nobody_takes_leaves_by_its_timer(board):
    await put(board, 1)

    await board.pass_time(3601)

    assert (await board.task("line", "t1")).node == "late"
    assert (await board.submit("taker")).node == "none"


@pytest.mark.parametrize(
    ("process", "node", "tag"),
    [
        ("line", "done", "queue_wrong_logic"),
        ("line", "nothing", "queue_wrong_logic"),
        ("{{ 'nobody' }}", "queue", "access_denied"),
    ],
)
async def test_what_is_no_queue_is_refused(store, process, node, tag):
    text = TAKER.replace("process: line, node: queue", f'process: "{process}", node: {node}')
    played = Board(store, LINE, text)

    task = await played.submit("taker")

    assert (task.node, task.memo.error.tag) == ("none", tag)
