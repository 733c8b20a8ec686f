"""The two lines before the loop: bounded for the outside, fair to both."""

import asyncio

import pytest

from engine.core.message import Alarm, Callback, Continue, Submit
from engine.errors import Busy
from engine.runtime.intake import HURRIED, HURRIED_FOR, HURRIED_WALKS, Intake


def submits(number):
    return [Submit("p", str(n), {}) for n in range(number)]


def alarms(number):
    return [Alarm(str(n), 1) for n in range(number)]


def test_a_closed_intake_leaves_long_walks_to_the_next_start():
    intake = Intake(9)
    intake.put_walks([Continue("a", 1)])
    intake.close()

    intake.put_walks([Continue("b", 1)])

    assert len(intake) == 0


def test_a_full_line_refuses_and_says_so():
    intake = Intake(2)
    for message in submits(2):
        intake.offer(message)

    with pytest.raises(Busy, match="2 requests wait already"):
        intake.offer(Submit("p", "x", {}))

    assert (len(intake), intake.room()) == (2, 0)


def test_what_the_engine_says_itself_is_never_refused():
    intake = Intake(0)

    intake.put(alarms(1000))

    assert len(intake) == 1000


async def test_a_closed_intake_refuses_and_gives_out_what_it_took():
    intake = Intake(9)
    intake.offer(Submit("p", "a", {}))
    intake.close()

    with pytest.raises(Busy, match="the engine is stopping"):
        intake.offer(Submit("p", "b", {}))

    assert (intake.is_closed, intake.room()) == (True, 0)
    assert [message.ref for message in await intake.take(9)] == ["a"]


@pytest.mark.parametrize(
    ("own", "waiting", "taken_own", "taken_waiting"),
    [
        (1000, 1000, 75, 25),
        (1000, 0, 100, 0),
        (0, 1000, 0, 100),
        (10, 1000, 10, 90),
        (1000, 5, 95, 5),
    ],
)
async def test_neither_line_fills_a_turn_while_the_other_waits(
    own, waiting, taken_own, taken_waiting
):
    intake = Intake(1000)
    intake.put(alarms(own))
    for message in submits(waiting):
        intake.offer(message)

    taken = await intake.take(100)

    kinds = [type(message) for message in taken]
    assert (kinds.count(Alarm), kinds.count(Submit)) == (taken_own, taken_waiting)


@pytest.mark.parametrize(
    ("own", "waiting", "walks", "expected"),
    [
        (1000, 1000, 1000, (50, 25, 25)),
        (1000, 0, 1000, (75, 0, 25)),
        (5, 5, 1000, (5, 5, 90)),
        (0, 0, 1000, (0, 0, 100)),
        (1000, 1000, 3, (72, 25, 3)),
    ],
)
async def test_long_walks_come_last_and_get_a_quarter(own, waiting, walks, expected):
    intake = Intake(1000)
    intake.put_walks(Continue(str(n), 1) for n in range(walks))
    intake.put(alarms(own))
    for message in submits(waiting):
        intake.offer(message)

    kinds = [type(message) for message in await intake.take(100)]

    assert tuple(kinds.count(kind) for kind in (Alarm, Submit, Continue)) == expected
    assert kinds == sorted(kinds, key=(Alarm, Submit, Continue).index)


async def test_each_line_keeps_its_order():
    intake = Intake(100)
    intake.put(alarms(5))
    for message in submits(5):
        intake.offer(message)

    taken = await intake.take(100)

    assert [message.task_id for message in taken if isinstance(message, Alarm)] == list("01234")
    assert [message.ref for message in taken if isinstance(message, Submit)] == list("01234")


async def test_what_is_put_back_comes_first_and_in_order():
    intake = Intake(100)
    intake.put([Alarm("c", 1)])

    intake.put_back([Alarm("a", 1), Alarm("b", 1)])

    assert [message.task_id for message in await intake.take(9)] == ["a", "b", "c"]


async def test_an_empty_intake_waits_for_a_message():
    intake = Intake(9)
    taking = asyncio.create_task(intake.take(9))
    await asyncio.sleep(0)
    assert not taking.done()

    intake.offer(Submit("p", "a", {}))

    assert [message.ref for message in await taking] == ["a"]


async def test_a_producer_waits_until_its_messages_are_worked_off():
    intake = Intake(9)
    intake.put(alarms(10))
    waiting = asyncio.create_task(intake.worked_off(3))

    await intake.take(5)
    await asyncio.sleep(0)
    assert not waiting.done()
    await intake.take(5)
    await waiting

    assert len(intake) == 0


def callbacks(number):
    return [
        Callback("p", "wait", "", str(n), {}, is_sync=False, keep_us=1, event_key="")
        for n in range(number)
    ]


def kinds(messages, *which):
    found = [type(message) for message in messages]
    return tuple(found.count(kind) for kind in which)


async def test_callbacks_come_before_what_came_earlier():
    intake = Intake(2000)
    for message in (*submits(1000), *callbacks(3)):
        intake.offer(message)
    intake.put(alarms(1000))

    taken = await intake.take(500)

    assert kinds(taken[:3], Callback) == (3,)


async def test_while_callbacks_come_turns_are_short_and_some_turns_longer():
    intake = Intake(2000)
    intake.put(alarms(50_000))
    intake.put_walks(Continue(str(n), 1) for n in range(50_000))
    intake.offer(*callbacks(1))

    lengths, hurried = [], []
    for _ in range(HURRIED_FOR + 1):
        taken = await intake.take(500)
        lengths.append(kinds(taken, Callback, Alarm, Continue))
        hurried.append(intake.is_hurried)

    assert lengths[0] == (1, HURRIED - HURRIED_WALKS, HURRIED_WALKS)
    assert lengths[-2] == (0, HURRIED - HURRIED_WALKS, HURRIED_WALKS)
    assert lengths[-1] == (0, 375, 125)
    assert hurried == [True] * HURRIED_FOR + [False]


async def test_many_callbacks_leave_half_of_a_turn_to_others():
    intake = Intake(2000)
    intake.put(alarms(1000))
    for message in callbacks(1000):
        intake.offer(message)

    taken = await intake.take(300)

    assert kinds(taken, Callback, Alarm) == (150, 150)


def test_callbacks_count_to_what_is_in_the_air():
    intake = Intake(2)
    for message in (*submits(1), *callbacks(1)):
        intake.offer(message)

    with pytest.raises(Busy):
        intake.offer(callbacks(1)[0])

    assert (len(intake), intake.room()) == (2, 0)
