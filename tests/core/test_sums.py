"""Sums: added with the move, read by templates, added once whatever happens."""

import pytest

from engine.core.billionths import number_of
from engine.core.message import Submit
from engine.core.turn import Turn

SHOP = """
process: shop
nodes:
  start: {type: start, next: add}
  add:
    type: sum
    sums: {orders: 1, total: "{{ price }}"}
    next: look
    error: bad
  look:
    type: set_parameter
    set:
      orders: "{{ node('add').sums.orders }}"
      total: "{{ sum('shop', 'add', 'total') }}"
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
"""
READER = """
process: reader
nodes:
  start: {type: start, next: look}
  look: {type: set_parameter, set: {seen: "{{ sum('shop', node, name) }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
FLEETING = """
process: fleeting
nodes:
  start: {type: start, next: add}
  add: {type: sum, sums: {n: 1}, next: done, error: done}
  done: {type: end, keep: false}
"""


async def test_a_task_sees_what_was_added_up_to_itself(board):
    b = board(SHOP)

    for price in ("0.1", 0.2, 5):
        await b.submit("shop", {"price": price}, str(price))

    seen = [(await b.task("shop", ref)).data for ref in ("0.1", "0.2", "5")]
    assert [(data["orders"], data["total"]) for data in seen] == [(1, 0.1), (2, 0.3), (3, 5.3)]
    assert await b.store.sums() == {
        ("shop", "add", "orders"): 3_000_000_000,
        ("shop", "add", "total"): 5_300_000_000,
    }


async def test_many_tasks_of_one_turn_add_up(board):
    b = board(SHOP)

    await b.turn(*(Submit("shop", f"t{number}", {"price": 2}) for number in range(50)))

    assert (await b.store.sums())["shop", "add", "total"] == 100_000_000_000
    assert (await b.task("shop", "t49")).data["total"] == 100


async def test_what_can_not_be_added_adds_nothing(board):
    b = board(SHOP)

    await b.submit("shop", {"price": "much"}, "t")

    task = await b.task("shop", "t")
    assert task.node == "bad"
    assert task.data["__conveyor_api_sum_return_type_tag__"] == "api_sum_wrong_convert_param"
    assert await b.store.sums() == {}


async def test_another_process_reads_a_sum(board):
    b = board(SHOP, READER)
    await b.submit("shop", {"price": 4}, "t")

    await b.submit("reader", {"node": "add", "name": "total"}, "r")

    assert (await b.task("reader", "r")).data["seen"] == 4


@pytest.mark.parametrize(("node", "name"), [("add", "nothing"), ("look", "total"), ("none", "n")])
async def test_a_sum_that_nobody_keeps_is_an_error(board, node, name):
    b = board(SHOP, READER)

    await b.submit("reader", {"node": node, "name": name}, "r")

    assert (await b.task("reader", "r")).memo.error.tag == "template_error"


async def test_a_turn_that_is_not_written_adds_nothing(board):
    b = board(SHOP)
    turn = Turn(b, b.now)
    turn.take([Submit("shop", "t", {"price": 1})])
    while wants := turn.run():
        turn.supply(await b.store.load(wants))

    turn.close()
    await b.submit("shop", {"price": 1}, "t")

    assert (await b.store.sums())["shop", "add", "orders"] == 1_000_000_000


async def test_tasks_that_are_not_kept_are_added_too(board):
    b = board(FLEETING)

    await b.submit("fleeting", {}, "t")

    assert await b.store.sums() == {("fleeting", "add", "n"): 1_000_000_000}


def test_a_sum_is_whole_if_it_can_be():
    assert [repr(number_of(amount)) for amount in (3 * 10**9, -5 * 10**8, 1)] == [
        "3", "-0.5", "1e-09",
    ]  # fmt: skip
