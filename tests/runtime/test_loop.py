"""The loop: answers only after the commit, whatever the store and the messages do."""

import asyncio

import pytest

from engine.core.message import Callback, Rerun, Submit
from engine.core.task import TaskState
from engine.errors import EngineError, LostLease, RefTaken, StoreUnavailable
from tests.runtime.conftest import spin, until

PLAIN = """
process: plain
params: {x: {type: number}}
nodes:
  start: {type: start, next: work}
  work: {type: set_parameter, set: {new: 1}, next: wait, error: bad}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: bad}, next: done}
  done: {type: end}
  bad: {type: end, result: error}
"""


class Gate:
    """A store whose commits can be held up or refused."""

    def __init__(self, store):
        self._store = store
        self.refusals = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.reached = asyncio.Event()
        self.batches = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def commit(self, batch):
        self.reached.set()
        if self.refusals:
            raise self.refusals.pop(0)
        await self.is_open.wait()
        await self._store.commit(batch)
        self.batches.append(batch)


def submit(intake, ref="", **data):
    """Offers a submit; gives the future of its answer."""
    ticket = asyncio.get_running_loop().create_future()
    intake.offer(Submit("plain", ref, data, ticket))
    return ticket


async def test_an_answer_is_given_only_after_the_commit(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.is_open.clear()
    _, intake = looping(b, store)

    answer = submit(intake, "t")
    await store.reached.wait()
    await spin()
    assert (answer.done(), await b.task("plain", "t")) == (False, None)
    store.is_open.set()

    assert (await answer).task.node == "wait"
    assert (await b.task("plain", "t")).node == "wait"


async def test_calls_and_timers_follow_only_after_the_commit(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.is_open.clear()
    told = []
    _, intake = looping(b, store, after=told.append)

    answer = submit(intake, "t")
    await store.reached.wait()
    await spin()
    assert told == []
    store.is_open.set()
    await answer
    await until(lambda: told)

    assert len(told[0].alarms) == 1


async def test_what_comes_during_a_commit_is_one_batch(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.is_open.clear()
    _, intake = looping(b, store)
    first = submit(intake)
    await store.reached.wait()

    others = [submit(intake) for _ in range(100)]
    store.is_open.set()
    await asyncio.gather(first, *others)

    assert [len(batch.created) for batch in store.batches] == [1, 100]


async def test_a_store_that_does_not_answer_stores_nothing_and_says_so(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.refusals.append(StoreUnavailable("the disk is full"))
    loop, intake = looping(b, store)

    answer = await submit(intake, "t")

    assert isinstance(answer.error, StoreUnavailable)
    assert str(answer.error) == "nothing was stored: the disk is full"
    assert await b.task("plain", "t") is None
    assert not loop.is_healthy
    assert (await submit(intake, "t")).error is None
    assert loop.is_healthy


async def test_what_nobody_repeats_is_kept_until_the_store_answers(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.refusals.extend([StoreUnavailable("no")] * 3)
    loop, intake = looping(b, store)

    intake.put([Submit("plain", ref, {}) for ref in ("a", "b")])
    await store.reached.wait()
    await loop.rest()

    assert (store.refusals, [len(batch.created) for batch in store.batches]) == ([], [2])


async def test_messages_that_were_put_back_are_not_taken_twice(board, looping):
    b = board(PLAIN)
    await b.submit("plain", ref="t")
    store = Gate(b.store)
    store.refusals.extend([StoreUnavailable("no")] * 2)
    loop, intake = looping(b, store)

    intake.put([Callback("plain", "wait", "", "t", {"x": 1}, is_sync=False, keep_us=10**9)])
    await store.reached.wait()
    await loop.rest()

    assert (await b.task("plain", "t")).node == "done"
    assert b.counts["plain", "done"] == (1, 0)


@pytest.mark.parametrize("position", [0, 3, 9])
async def test_a_message_that_breaks_a_turn_stops_nobody_else(board, looping, position, caplog):
    b = board(PLAIN)
    _, intake = looping(b)

    answers = [
        submit(intake, f"t{n}", **{"x": 1} if n != position else {"__odd__": object()})
        for n in range(10)
    ]
    answers = await asyncio.gather(*answers)

    broken = answers.pop(position)
    assert isinstance(broken.error, EngineError)
    assert [answer.error for answer in answers] == [None] * 9
    # What the broken turn did with their data is not seen: `new` is no declared parameter.
    assert {answer.task.data["new"] for answer in answers} == {1}
    assert b.counts["plain", "wait"] == (9, 0)
    assert "a message was dropped: Submit" in caplog.text


async def test_a_message_that_breaks_turns_costs_few_of_them(board, looping, caplog):
    b = board(PLAIN)
    store = Gate(b.store)
    _, intake = looping(b, store)

    answers = [submit(intake, **{"x": 1} if n else {"__odd__": object()}) for n in range(400)]
    await asyncio.gather(*answers)

    assert len(store.batches) < 12


async def test_a_task_changed_by_somebody_else_holds_up_nobody(board, looping, caplog):
    b = board(PLAIN)
    store = Gate(b.store)
    store.refusals.append(LostLease("1 of 2 tasks were changed by somebody else"))
    _, intake = looping(b, store)

    answers = await asyncio.gather(submit(intake, "a"), submit(intake, "b"))

    assert [answer.error for answer in answers] == [None, None]


async def test_what_breaks_after_the_commit_makes_no_message_come_again(board, looping, caplog):
    def broken(batch):
        raise RuntimeError("of a listener")

    b = board(PLAIN)
    _, intake = looping(b, after=broken)

    answers = [await submit(intake) for _ in range(3)]

    assert [answer.error for answer in answers] == [None] * 3
    assert b.counts["plain", "start"] == (3, 3)
    assert "what follows a commit broke" in caplog.text


async def test_a_turn_without_changes_is_not_written(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    _, intake = looping(b, store)

    ticket = asyncio.get_running_loop().create_future()
    intake.offer(Rerun("plain", "nobody", "", ticket))
    answer = await ticket

    assert (answer.error.kind, store.batches) == ("unknown_task", [])


async def test_an_answer_that_nobody_waits_for_any_more_is_dropped(board, looping):
    b = board(PLAIN)
    store = Gate(b.store)
    store.is_open.clear()
    loop, intake = looping(b, store)

    ticket = submit(intake, "t")
    await store.reached.wait()
    ticket.cancel()
    store.is_open.set()
    await loop.rest()

    assert (await b.task("plain", "t")).state is TaskState.WAITING


async def test_of_a_hundred_submits_with_one_ref_one_is_taken(board, looping):
    b = board(PLAIN)
    _, intake = looping(b)

    answers = await asyncio.gather(*(submit(intake, "t") for _ in range(100)))

    errors = [type(answer.error) for answer in answers]
    assert (errors.count(type(None)), errors.count(RefTaken)) == (1, 99)
