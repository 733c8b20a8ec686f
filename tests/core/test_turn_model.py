"""Turns against what must hold whatever happens: random stories, played turn by turn.

A story submits, calls back (early, late, twice), modifies, deletes, lets time pass, answers calls,
and lets the engine die before or after a commit. After each step the store is read as a whole.
"""

import asyncio
import itertools
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.core.batch import Delivery, Wants
from engine.core.command import CallFailed, CallFailure, HttpAnswer
from engine.core.message import (
    Alarm,
    Continue,
    Delete,
    Expire,
    Modify,
    Once,
    Redeliver,
    Rerun,
    Result,
    Submit,
)
from engine.core.task import TaskState, WaitKind
from engine.core.turn import Turn
from engine.store.interface import TaskQuery
from engine.store.opening import open_store
from tests.core.conftest import Board, callback

ORDER = """
process: order
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 60s, next: late}, next: enough}
  enough: {type: condition, cases: [{when: last == 'yes', next: copy}], else: wait}
  copy: {type: copy_task, process: note, ref: "{{ root.ref }}", data: {of: "{{ root.ref }}"}, next: answer, error: bad}
  answer: {type: reply_to_process, data: {told: yes}, next: done}
  done: {type: end}
  late: {type: end, result: error}
  bad: {type: end, result: error}
"""
NOTE = """
process: note
nodes:
  start: {type: start, next: call}
  call: {type: api_call, url: "http://there.example/", in_doubt: repeat, next: tell, error: gone}
  tell: {type: modify_task, process: order, ref: "{{ root.ref }}", data: {noted: yes}, next: gone, error: gone}
  gone: {type: end, keep: false}
"""
ASK = """
process: ask
nodes:
  start: {type: start, next: ask}
  ask: {type: call_process, process: order, data: {asked: yes}, timeout: {after: 1h, next: bad}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
PROCESSES = ("order", "note", "ask")
GONE_NOTES = ("note", "gone")
REFS = st.sampled_from(["a", "b", "c"])
KEYS = st.sampled_from(["", "", "k1", "k2"])
EXAMPLES = int(os.environ.get("ENGINE_TEST_EXAMPLES", "40"))
ACCEPTED = {Delivery.TAKEN, Delivery.KEPT}
GONE = {Delivery.DUPLICATE, Delivery.LATE, Delivery.NO_TASK, Delivery.ELSEWHERE, Delivery.OVERTAKEN}


class TurnMachine(RuleBasedStateMachine):
    """Plays stories on a real store, and looks at everything after each step."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = self.run(open_store("sqlite://"))
        self.board = Board(self.store, ORDER, NOTE, ASK)
        self.markers = itertools.count(1)
        self.accepted = {}  # marker -> (ref, event key)
        self.lost_with_task = set()  # markers in data of tasks that were deleted
        self.calls = set()  # (task id, visit) that the engine has under way
        self.ended = {}  # task id -> (node, finished)
        self.once = {}  # idempotency key -> task id
        self.last = {}  # task id -> its data when it was last seen

    def run(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self):
        self.run(self.store.aclose())
        self.loop.close()

    def play(self, *messages):
        """Plays one turn; gives its answers."""
        batch = self.run(self.board.turn(*messages))
        self.calls |= {(call.task_id, call.visit) for call in batch.calls}
        self.calls -= set(batch.cancelled)
        return batch.answers

    def tasks(self):
        found = []
        for process in PROCESSES:
            found += self.run(self.store.tasks(TaskQuery(process, limit=10_000)))
        return found

    def mail(self):
        ids = {task.task_id for task in self.tasks()} | set(self.last)
        keys = {("order", ref) for ref in "abc"}
        kept = self.run(self.store.load(Wants(ids, keys))).mail
        return kept + self.run(self.store.undelivered("", 10_000))

    # What happens.

    @rule(ref=REFS, key=KEYS)
    def submit(self, ref, key):
        once = Once(key, "digest") if key else None
        (answer,) = self.play(Submit("order", ref, {}, "client", once))

        if key and key in self.once:
            assert answer.body is not None
        elif answer.error is None:
            self.once[key] = answer.task.task_id

    @rule(refs=st.lists(REFS, min_size=1, max_size=3, unique=True))
    def submit_and_ask_in_one_turn(self, refs):
        self.play(*(Submit("order", ref, {}) for ref in refs), Submit("ask", "", {}))

    @rule(
        refs=st.lists(REFS, min_size=1, max_size=3), key=KEYS, last=st.sampled_from(["yes", "no"])
    )
    def call_back(self, refs, key, last):
        messages = {}
        for ref in refs:
            marker = next(self.markers)
            data = {f"m{marker}": 1, "last": last}
            messages[marker] = callback("order", "wait", ref, data, key=key)
            messages[marker].ticket = marker

        # One that has to be looked up is answered after others: the tickets say which is which.
        answers = self.play(*messages.values())

        assert sorted(answer.ticket for answer in answers) == sorted(messages)
        for answer in answers:
            if answer.delivery in ACCEPTED:
                self.accepted[answer.ticket] = (messages[answer.ticket].ref, key)
            else:
                assert answer.delivery in GONE

    @precondition(lambda self: self.open("order"))
    @rule(data=st.data())
    def call_back_by_task_id(self, data):
        task = data.draw(st.sampled_from(self.open("order")))
        marker = next(self.markers)
        (answer,) = self.play(
            callback("order", "wait", "", {f"m{marker}": 1, "last": "no"}, task_id=task.task_id)
        )
        if answer.delivery in ACCEPTED:
            self.accepted[marker] = (task.ref, "")

    @rule(ref=REFS, last=st.sampled_from(["yes", "no"]))
    def modify(self, ref, last):
        marker = next(self.markers)
        (answer,) = self.play(Modify("order", ref, {f"m{marker}": 1, "last": last}, "client"))
        if answer.error is None:
            self.accepted[marker] = (ref, "")

    @rule(seconds=st.sampled_from([1, 59, 61, 3601]))
    def time_passes(self, seconds):
        """Rings what is due, twice."""
        self.board.now += seconds * 1_000_000
        due = self.run(self.store.due(self.board.now + 1, 1000))
        self.play(*(Alarm(each.task_id, each.visit) for each in due))
        self.play(*(Alarm(each.task_id, each.visit) for each in due))

    @rule()
    def kept_mail_expires(self):
        self.board.now += 7_200_000_000
        expired = self.run(self.store.expired(self.board.now, 1000))
        self.play(*(Expire(message_id) for message_id in expired))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), is_good=st.booleans(), times=st.integers(1, 2))
    def call_ends(self, data, is_good, times):
        call = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls.discard(call)
        good = HttpAnswer(200, (("content-type", "application/json"),), b"{}")
        bad = CallFailed(CallFailure.UNREACHABLE, "nobody is there")
        for _ in range(times):
            self.play(Result(*call, good if is_good else bad))

    @rule()
    def engine_dies_and_comes_back(self):
        self.calls.clear()
        walks = self.run(self.store.walks(2**60, "", 10_000))
        self.play(*(Continue(w.task_id, w.visit, w.state is TaskState.CALLING) for w in walks))

    @rule(ref=REFS, last=st.sampled_from(["yes", "no"]))
    def engine_dies_before_a_commit(self, ref, last):
        before = self.everything()
        turn = Turn(self.board, self.board.now)
        turn.take([callback("order", "wait", ref, {"last": last}), Submit("order", ref, {})])
        while wants := turn.run():
            turn.supply(self.run(self.store.load(wants)))
        turn.close()
        assert self.everything() == before

    @precondition(lambda self: self.stopped())
    @rule(data=st.data())
    def rerun(self, data):
        task = data.draw(st.sampled_from(self.stopped()))
        (answer,) = self.play(Rerun(task.process, task.task_id, "wait", "client"))
        if answer.error is None:
            self.ended.pop(task.task_id, None)

    @rule(ref=REFS)
    def delete(self, ref):
        (answer,) = self.play(Delete("order", ref, "client"))
        if answer.error is None:
            self.note_gone(answer.task.task_id, answer.task.data)

    @precondition(lambda self: self.run(self.store.undelivered("", 1)))
    @rule(data=st.data())
    def redeliver(self, data):
        kept = data.draw(st.sampled_from(self.run(self.store.undelivered("", 100))))
        self.play(Redeliver(kept.message_id, "client"))

    # Helpers.

    def open(self, process):
        return [task for task in self.tasks() if task.process == process and not task.is_finished]

    def stopped(self):
        return [
            task
            for task in self.tasks()
            if task.process == "order" and task.state in (TaskState.ERROR, TaskState.PARKED)
        ]

    def everything(self):
        return sorted(map(repr, self.tasks())), sorted(map(repr, self.mail()))

    def note_gone(self, task_id, data):
        self.lost_with_task |= markers(data)
        self.ended.pop(task_id, None)

    # What must hold.

    @invariant()
    def each_callback_is_in_one_place(self):
        places = [marker for task in self.tasks() for marker in markers(task.data)]
        places += [marker for kept in self.mail() for marker in markers(kept.data)]

        assert len(places) == len(set(places)), "a callback was taken twice"
        for marker, (ref, key) in self.accepted.items():
            # What lies in the mail of a task that ends is noted by its key in the task's history.
            assert marker in places or marker in self.lost_with_task or key, (
                f"callback {marker} for '{ref}' is lost"
            )

    @invariant()
    def counters_say_where_tasks_stand(self):
        standing = {}
        for task in self.tasks():
            place = (task.process, task.node)
            standing[place] = standing.get(place, 0) + 1
        counts = self.run(self.store.counts())

        # A task that is not kept leaves its mark in the counter of its end node only.
        counted = {key: came - went for key, (came, went) in counts.items() if key != GONE_NOTES}
        assert {key: count for key, count in counted.items() if count} == standing

    @invariant()
    def ways_have_no_gaps(self):
        for task in self.tasks():
            steps = self.run(self.store.history(task.task_id))
            visits = [step.visit for step in steps if step.by not in ("late", "rerun")]
            assert sorted(set(visits)) == list(
                range(1, task.visit + (1 if task.is_finished else 0))
            ), visits

    @invariant()
    def unfinished_tasks_have_refs_of_their_own(self):
        refs = [(task.process, task.ref) for task in self.tasks() if not task.is_finished]

        assert len(refs) == len(set(refs))

    @invariant()
    def every_unfinished_task_can_be_woken(self):
        tasks = {task.task_id: task for task in self.tasks()}
        for task in tasks.values():
            if task.state is TaskState.CALLING:
                assert (task.task_id, task.visit) in self.calls
            if task.state is TaskState.WAITING and task.memo.wait == WaitKind.REPLY:
                called = [
                    other
                    for other in tasks.values()
                    if other.memo.caller is not None
                    and (other.memo.caller.task_id, other.memo.caller.visit)
                    == (task.task_id, task.visit)
                ]
                assert [other.memo.has_replied for other in called] == [False]
            assert task.state is not TaskState.READY

    @invariant()
    def what_has_ended_stays_as_it_is(self):
        there = {task.task_id: task for task in self.tasks()}
        for task_id, end in self.ended.items():
            assert (there[task_id].node, there[task_id].finished) == end
        for task in there.values():
            if task.is_finished:
                self.ended[task.task_id] = (task.node, task.finished)
        self.last = {task.task_id: task.data for task in there.values()}


def markers(data):
    return {int(name[1:]) for name in data if name[0] == "m" and name[1:].isdigit()}


TestTurnModel = TurnMachine.TestCase
TestTurnModel.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)


STORIES = st.dictionaries(
    st.sampled_from([f"t{number}" for number in range(8)]),
    st.lists(st.sampled_from(["yes", "no"]), max_size=3),
    min_size=1,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories=STORIES, is_early=st.booleans())
def test_a_large_turn_does_what_many_small_ones_do(stories, is_early):
    submits = [Submit("order", ref, {"n": 1}) for ref in stories]
    callbacks = [
        callback("order", "wait", ref, {"last": last, f"at{number}": last})
        for ref, story in stories.items()
        for number, last in enumerate(story)
    ]
    messages = callbacks + submits if is_early else submits + callbacks

    together = asyncio.run(played([messages]))
    apart = asyncio.run(played([[message] for message in messages]))

    assert together == apart


async def played(turns):
    """Plays turns on a fresh store; gives what is in it, without ids."""
    store = await open_store("sqlite://")
    board = Board(store, ORDER, NOTE, ASK)
    for messages in turns:
        await board.turn(*messages)
    found = {}
    for process in PROCESSES:
        for task in await store.tasks(TaskQuery(process, limit=1000)):
            steps = [(step.visit, step.node, step.by) for step in await store.history(task.task_id)]
            found[process, task.ref] = (task.node, task.state, task.data, steps)
    undelivered = sorted(repr(kept.data) for kept in await store.undelivered("", 1000))
    counts = {key: came - went for key, (came, went) in (await store.counts()).items()}
    await store.aclose()
    return found, undelivered, {key: count for key, count in counts.items() if count}
