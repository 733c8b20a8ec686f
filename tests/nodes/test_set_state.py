"""A state: stays until a modification makes a case hold."""

import pytest

from engine.core.batch import Delivery
from engine.core.message import Modify
from engine.core.task import TaskState
from engine.node import (
    Address,
    Arrived,
    Case,
    Go,
    Match,
    Stay,
    TimeUp,
    Wait,
    WaitKind,
    parse_duration,
)
from nodes.set_state import SetState, Settings
from tests.core.conftest import Board, callback, store

__all__ = ["store"]

PARCEL = """
process: parcel
kind: state
nodes:
  start: {type: start, next: waiting}
  waiting:
    type: set_state
    cases:
      - {when: event == 'picked_up', next: moving}
      - {when: event == 'broken' and nothing.more / 2, next: lost}
  moving:
    type: set_state
    match: {ref: parcel}
    cases: [{all: [{param: event, fun: eq, const: delivered}], next: delivered}]
    timeout: {after: 1h, next: lost}
  delivered: {type: end}
  lost: {type: end, result: error}
"""
SENDER = """
process: sender
nodes:
  start: {type: start, next: first}
  first: {type: modify_task, process: parcel, ref: p, data: {event: weighed, kg: 2}, next: second, error: bad}
  second: {type: modify_task, process: parcel, ref: p, data: {event: picked_up}, next: third, error: bad}
  third: {type: modify_task, process: parcel, ref: p, data: {event: delivered}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""


@pytest.fixture
def board(store):
    return Board(store, PARCEL, SENDER)


def case(next_, name, value):
    class Holds:
        def render(self, scope):
            return scope.data.get(name) == value

    return Case(next_, when=Holds())


def test_coming_in_moves_nothing_even_if_a_case_holds(visit):
    settings = Settings((case("away", "event", "go"),))

    assert SetState().enter(settings, visit({"event": "go"})) == Wait(WaitKind.CALLBACK)


def test_the_first_case_that_holds_with_the_new_data_moves_the_task(visit):
    settings = Settings((case("a", "event", "no"), case("b", "event", "go"), case("c", "n", 1)))

    outcome = SetState().resume(settings, visit({"n": 1}), Arrived({"event": "go"}))

    assert outcome == Go("b", changes={"event": "go"})


def test_without_a_case_that_holds_it_stays_with_the_new_data(visit):
    settings = Settings((case("a", "event", "go"),))

    assert SetState().resume(settings, visit(), Arrived({"n": 2})) == Stay({"n": 2})


def test_else_takes_the_place_of_staying(visit):
    outcome = SetState().resume(Settings(else_="other"), visit(), Arrived({"n": 2}))

    assert outcome == Go("other", changes={"n": 2})


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        SetState().resume(Settings(), visit(), TimeUp())


def test_a_callback_is_matched_as_in_a_callback_node():
    settings = Settings(match=Match(ref="id"), sync=False, keep_early=parse_duration("5m"))

    assert SetState().address(settings, {"id": 7}) == Address("", "7", False, parse_duration("5m"))
    assert list(SetState().problems(Settings((Case("a"),), match=Match()))) == [
        ("cases", "case 1 has either 'when' or 'all', with something in it"),
        ("match", "a callback is matched either by 'task_id' or by 'ref'"),
    ]


# With the engine.


async def test_a_task_goes_from_state_to_state_as_it_is_modified(board):
    await board.submit("parcel", {"kg": 1}, "p")

    await board.turn(Modify("parcel", "p", {"event": "weighed", "kg": 3}))
    weighed = await board.task("parcel", "p")
    await board.turn(Modify("parcel", "p", {"event": "picked_up"}))
    moving = await board.task("parcel", "p")
    delivery = await board.callback("parcel", "moving", "p", {"event": "delivered"})
    ended = await board.task("parcel", "p")

    assert (weighed.node, weighed.state, weighed.data["kg"]) == ("waiting", TaskState.WAITING, 3)
    assert (moving.node, delivery) == ("moving", Delivery.TAKEN)
    assert (ended.node, ended.state) == ("delivered", TaskState.SUCCESS)
    assert await board.path(ended) == [
        ("start", "next"), ("waiting", "callback"), ("moving", "callback"), ("delivered", "")
    ]  # fmt: skip


async def test_several_modifications_at_once_are_taken_in_their_order(board):
    await board.submit("parcel", {}, "p")

    await board.submit("sender")

    parcel = await board.task("parcel", "p")
    assert (parcel.node, parcel.data["event"], parcel.data["kg"]) == ("delivered", "delivered", 2)


async def test_staying_leaves_the_timer_as_it_was(board):
    await board.submit("parcel", {}, "p")
    await board.turn(Modify("parcel", "p", {"event": "picked_up"}))
    await board.pass_time(1800)

    await board.turn(Modify("parcel", "p", {"where": "Lviv"}))
    await board.pass_time(1801)

    parcel = await board.task("parcel", "p")
    assert (parcel.node, parcel.data["where"]) == ("lost", "Lviv")


async def test_an_expression_that_can_not_be_evaluated_parks_the_task_unchanged(board):
    await board.submit("parcel", {"event": "new"}, "p")

    await board.turn(Modify("parcel", "p", {"event": "broken", "nothing": {"more": "x"}}))

    parcel = await board.task("parcel", "p")
    assert (parcel.node, parcel.state, parcel.data["event"]) == (
        "waiting", TaskState.PARKED, "new"
    )  # fmt: skip


async def test_a_modification_that_grows_too_large_parks_the_task_unchanged(board):
    await board.submit("parcel", {}, "p")

    await board.turn(callback("parcel", "waiting", "p", {"text": "x" * 200_000}))

    parcel = await board.task("parcel", "p")
    assert (parcel.state, parcel.data.get("text")) == (TaskState.PARKED, None)
    assert parcel.memo.error.tag == "callback_size_overflow_limit"
