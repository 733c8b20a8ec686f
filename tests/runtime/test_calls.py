"""Outside calls: so many at once, the rest in line or on disk, nothing forgotten at the end."""

import asyncio
import logging

import pytest

from engine.core.batch import Call
from engine.core.command import CallFailed, CallFailure, HttpAnswer, HttpCall
from engine.core.message import Continue, Result, Unsent
from engine.core.task import TaskState
from engine.runtime.calls import Calls
from engine.runtime.intake import Intake
from tests.runtime.conftest import ok, spin, until

ASK = """
process: ask
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/{{ root.ref }}", max_threads: 2, in_doubt: hold, timeout: {after: 60s, next: late}, next: done, error: late}
  done: {type: end}
  late: {type: end, result: error}
"""


def call(task_id, max_threads=2, visit=2, node="ask"):
    command = HttpCall("GET", f"http://there.example/{task_id}", (), None, 1.0, 1000, max_threads)
    return Call(task_id, visit, "ask", node, command)


class Outside:
    """The outside world: answers when it is told to."""

    def __init__(self):
        self.out = []
        self.most = 0
        self.asked = []

    async def perform(self, command):
        answer = asyncio.get_running_loop().create_future()
        name = command.url.rpartition("/")[2]
        self.out.append((name, answer))
        self.asked.append(name)
        self.most = max(self.most, len(self.out))
        try:
            return await answer
        finally:
            self.out.remove((name, answer))

    def answer(self):
        """Answers everything that is out."""
        for _, answer in list(self.out):
            if not answer.done():
                answer.set_result(HttpAnswer(200, (), b"{}"))


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
async def calls(outside, store):
    intake = Intake(10)
    made = Calls(outside.perform, intake, store)
    made.intake = intake
    yield made
    await made.stop(0)


async def test_no_more_calls_of_a_node_are_out_than_it_says(calls, outside):
    calls.start(call(str(n)) for n in range(10))
    for _ in range(10):
        await spin()
        outside.answer()
    await calls.rest()

    assert (outside.most, outside.asked) == (2, [str(n) for n in range(10)])
    results = await calls.intake.take(100)
    assert sorted(result.task_id for result in results) == sorted(str(n) for n in range(10))


async def test_nodes_do_not_wait_for_each_other(calls, outside):
    calls.start([call("a", 1), call("b", 1), call("c", 1, node="other")])
    await spin()

    assert sorted(outside.asked) == ["a", "c"]


async def test_the_same_call_is_made_once(calls, outside):
    calls.start([call("a"), call("a")])
    calls.start([call("a")])
    await spin()

    assert (outside.asked, len(calls)) == (["a"], 1)


async def test_a_call_is_not_made_again_while_its_answer_waits_to_be_taken(calls, outside):
    calls.start([call("a")])
    await spin()
    outside.answer()
    await spin()

    calls.start([call("a")])
    await spin()
    asked_before = list(outside.asked)
    calls.heard([("a", 2)])
    calls.start([call("a")])
    await spin()

    assert (asked_before, outside.asked) == (["a"], ["a", "a"])


async def test_a_call_that_is_given_up_gives_its_place_to_the_next(calls, outside):
    calls.start([call("a", 1), call("b", 1), call("c", 1)])
    await spin()

    calls.cancel([("a", 2)])
    await spin()

    assert [name for name, _ in outside.out] == ["b"]
    assert len(calls.intake) == 0


async def test_a_call_that_is_given_up_before_it_began_gives_its_place_to_the_next(calls, outside):
    calls.start([call("a", 1), call("b", 1)])

    calls.cancel([("a", 2)])
    await spin()

    assert outside.asked == ["b"]


async def test_a_call_in_line_that_is_given_up_is_never_made(calls, outside):
    calls.start([call("a", 1), call("b", 1), call("c", 1)])
    await spin()

    calls.cancel([("b", 2), ("nobody", 1)])
    outside.answer()
    await spin()

    assert outside.asked == ["a", "c"]


async def test_a_performer_that_breaks_ends_one_call(store, caplog):
    async def perform(command):
        if command.url.endswith("/a"):
            raise ZeroDivisionError
        return await ok(command)

    intake = Intake(10)
    calls = Calls(perform, intake, store)
    calls.start([call("a"), call("b")])
    await calls.rest()

    results = {result.task_id: result.result for result in await intake.take(9)}
    assert results["a"].failure is CallFailure.INTERNAL
    assert results["b"].status == 200
    assert "a call of 'ask' in 'ask' broke" in caplog.text


async def test_engines_divide_the_threads_of_a_node(calls, outside):
    calls.share(3, 1)

    calls.start(call(str(n), 5) for n in range(9))
    await spin()
    assert len(outside.asked) == 2

    calls.share(3, 2)
    outside.answer()
    await spin()
    assert len(outside.out) == 1

    calls.share(1, 0)
    await spin()
    assert len(outside.out) == 5


async def test_with_more_engines_than_threads_each_has_one(calls, outside):
    calls.share(3, 2)

    calls.start(call(str(n), 2) for n in range(4))
    await spin()

    assert len(outside.asked) == 1


async def test_what_is_in_line_at_the_end_was_not_sent(calls, outside):
    calls.start(call(str(n), 1) for n in range(4))
    calls.cancel([("3", 2)])
    await spin()

    await calls.stop(0)

    assert outside.asked == ["0"]
    assert await calls.intake.take(9) == [Unsent("1", 2), Unsent("2", 2)]
    assert outside.out == []


async def test_what_is_out_at_the_end_may_come_back_for_a_while(calls, outside):
    calls.start([call("a")])
    await spin()
    stopping = asyncio.create_task(calls.stop(60))
    await spin()

    outside.answer()
    await stopping

    (result,) = await calls.intake.take(9)
    assert (type(result), result.task_id) == (Result, "a")


# Lines that are too long for memory.


async def pump(outside, condition):
    """Answers calls until something holds."""
    for _ in range(5000):
        if condition():
            return
        outside.answer()
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


@pytest.fixture
async def engine_part(board, looping, outside):
    """A board with a loop and calls with a line of four."""
    b = board(ASK)
    calls = None

    def after(batch):
        calls.cancel(batch.cancelled)
        calls.start(batch.calls)

    loop, intake = looping(b, after=after)
    calls = Calls(outside.perform, intake, b.store, line=4)
    yield b, loop, intake, calls
    await calls.stop(0)


def submit(intake, number):
    from engine.core.message import Submit

    intake.put([Submit("ask", f"t{n}", {}) for n in range(number)])


async def test_what_does_not_fit_in_the_line_waits_on_disk_and_is_fetched(engine_part, outside):
    b, _, intake, calls = engine_part
    submit(intake, 40)
    await until(lambda: b.counts.get(("ask", "ask")) == (40, 0))
    assert len(calls) <= 6

    await pump(outside, lambda: b.counts.get(("ask", "done")) == (40, 0))

    assert sorted(outside.asked) == sorted(f"t{n}" for n in range(40))
    assert outside.most == 2


async def test_a_line_is_fetched_too_when_its_calls_are_given_up(engine_part, outside):
    b, _, intake, calls = engine_part
    submit(intake, 12)
    await until(lambda: b.counts.get(("ask", "ask")) == (12, 0))

    calls.cancel(list(calls._known))
    await until(lambda: outside.out)

    assert len(calls) == 2


async def test_nothing_that_was_not_sent_is_in_doubt_after_a_stop(engine_part, outside):
    b, loop, intake, calls = engine_part
    submit(intake, 30)
    await until(lambda: b.counts.get(("ask", "ask")) == (30, 0))

    await calls.stop(0)
    await loop.rest()

    states = [(await b.task("ask", f"t{n}")).state for n in range(30)]
    assert (states.count(TaskState.CALLING), states.count(TaskState.READY)) == (2, 28)
    sent = [f"t{n}" for n, state in enumerate(states) if state is TaskState.CALLING]
    assert sorted(sent) == sorted(outside.asked)


async def test_after_a_crash_every_call_is_in_doubt_and_none_is_forgotten(board, looping):
    b = board(ASK)
    task = await b.submit("ask", ref="t")
    loop, intake = looping(b)

    intake.put([Continue(task.task_id, task.visit, call_was_out=True)])
    await loop.rest()
    await until(lambda: not len(intake))

    held = await b.task("ask", "t")
    assert (held.state, held.memo.error.tag) == (TaskState.HELD, "api_in_doubt")


async def test_a_call_that_fails_outside_is_told_to_its_task(store, caplog):
    caplog.set_level(logging.ERROR)

    async def perform(command):
        return CallFailed(CallFailure.UNREACHABLE, "nobody there")

    intake = Intake(10)
    calls = Calls(perform, intake, store)
    calls.start([call("a")])
    await calls.rest()

    (result,) = await intake.take(9)
    assert result.result.description == "nobody there"
