"""The store against an obvious model of it: dictionaries, one change at a time."""

import asyncio
import dataclasses
import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from engine.core.batch import Remembered, Wants
from engine.core.message import KeptState
from engine.core.task import TaskState
from engine.errors import Overtaken, StoreError
from engine.store.interface import TaskQuery
from engine.store.opening import open_store
from tests.store.postgres_server import EMPTY
from tests.store.store_values import NOW, batch, make_kept, make_step, make_task, task_id

REFS = st.sampled_from(["", "a", "b", "c"])
PROCESSES = st.sampled_from(["shop", "bank"])
STATES = st.sampled_from([TaskState.READY, TaskState.CALLING, TaskState.WAITING, TaskState.SUCCESS])
DATA = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3)


class StoreMachine(RuleBasedStateMachine):
    """Whatever is done to both, both say the same."""

    numbers = Bundle("numbers")

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = self.run(self.open())
        self.ids = itertools.count(1)
        self.tasks = {}
        self.steps = {}
        self.mail = {}
        self.answers = {}
        self.time = NOW

    async def open(self):
        return await open_store("sqlite://")

    def run(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self):
        self.run(self.store.aclose())
        self.loop.close()

    def is_ref_taken(self, task):
        """Whether another unfinished task has this ref for itself."""
        return (
            task.finished is None
            and task.is_ref_exclusive
            and task.ref != task.task_id
            and any(
                (other.process, other.ref) == (task.process, task.ref)
                and other.finished is None
                and other.is_ref_exclusive
                and other.task_id != task.task_id
                for other in self.tasks.values()
            )
        )

    def tick(self):
        self.time += 1
        return self.time

    @rule(target=numbers, process=PROCESSES, ref=REFS, state=STATES, data=DATA, alone=st.booleans())
    def create(self, process, ref, state, data, alone):
        number, now = next(self.ids), self.tick()
        task = make_task(
            number,
            process=process,
            ref=ref or task_id(number),
            state=state,
            data=data,
            changed=now,
            finished=now if state is TaskState.SUCCESS else None,
            due=now if state is TaskState.WAITING else None,
            is_ref_exclusive=alone,
        )
        rows = batch(created=[task], histories=[(task.task_id, [make_step()])])
        if self.is_ref_taken(task):
            with pytest.raises(StoreError):
                self.run(self.store.commit(rows))
            return number
        self.run(self.store.commit(rows))
        self.tasks[task.task_id] = dataclasses.replace(task, revision=1)
        self.steps[task.task_id] = [make_step()]
        return number

    @rule(number=numbers, state=STATES, data=DATA, is_stale=st.booleans())
    def change(self, number, state, data, is_stale):
        there, now = self.tasks.get(task_id(number)), self.tick()
        task = dataclasses.replace(
            there or make_task(number),
            state=state,
            data=data,
            changed=now,
            visit=(there.visit if there else 1) + 1,
            finished=now if state is TaskState.SUCCESS else None,
            due=None,
        )
        step = make_step(task.visit, "node")
        sent = dataclasses.replace(task, revision=task.revision - 1) if is_stale else task
        rows = batch(changed=[sent], histories=[(task.task_id, [step])])
        if there is None or is_stale:
            with pytest.raises(Overtaken):
                self.run(self.store.commit(rows))
        elif self.is_ref_taken(task):
            with pytest.raises(StoreError):
                self.run(self.store.commit(rows))
        else:
            self.run(self.store.commit(rows))
            self.tasks[task.task_id] = dataclasses.replace(task, revision=task.revision + 1)
            self.steps[task.task_id].append(step)

    @rule(number=numbers)
    def delete(self, number):
        self.run(self.store.commit(batch(deleted=[task_id(number)])))
        self.tasks.pop(task_id(number), None)
        self.steps.pop(task_id(number), None)

    @rule(process=PROCESSES)
    def forget(self, process):
        before = self.time
        gone = [
            task.task_id
            for task in self.tasks.values()
            if task.process == process and task.finished is not None and task.finished < before
        ]
        # The model's times lie too near together for ids to say when a task was made.
        made_before = [each for each in gone if each < f"{before // 1000 + 1:012x}"]
        assert self.run(self.store.forget(process, before, 1000)) == len(made_before)
        for each in made_before:
            del self.tasks[each], self.steps[each]

    @rule(target=numbers, process=PROCESSES, ref=REFS, data=DATA)
    def keep(self, process, ref, data):
        number = next(self.ids)
        kept = make_kept(number, process=process, ref=ref or "a", data=data)
        self.run(self.store.commit(batch(kept=[kept])))
        self.mail[kept.message_id] = kept
        return number

    @rule(number=numbers)
    def take(self, number):
        if self.mail.pop(task_id(number), None) is not None:
            self.run(self.store.commit(batch(taken=[task_id(number)])))

    @rule(number=numbers)
    def give_up(self, number):
        kept = self.mail.get(task_id(number))
        if kept is not None:
            kept = dataclasses.replace(kept, state=KeptState.UNDELIVERED, reason="late")
            self.run(self.store.commit(batch(updated_kept=[kept])))
            self.mail[kept.message_id] = kept

    @rule(key=st.sampled_from(["k", "l"]), body=st.binary(max_size=4))
    def remember(self, key, body):
        answer = Remembered(key, "digest", body, self.tick())
        # The one before is over by now: only then another takes its place.
        self.run(self.store.commit(dataclasses.replace(batch(remembered=[answer]), now=self.time)))
        self.answers[key] = answer

    @invariant()
    def everything_is_found(self):
        keys = {(process, ref) for process in ("shop", "bank") for ref in "abc"}
        keys |= {(task.process, task.task_id) for task in self.tasks.values()}
        found = self.run(self.store.load(Wants(set(self.tasks), keys, {"k", "l"}, set(self.mail))))

        assert {each.task_id: each for each in map(sized, found.tasks.values())} == self.tasks
        assert {key: task.task_id for key, task in found.by_key.items()} == self.meant(keys)
        assert found.mail == [
            kept for _, kept in sorted(self.mail.items()) if kept.state is KeptState.KEPT
        ]
        assert found.once == self.answers
        assert found.messages == self.mail

    def meant(self, keys):
        meant = {}
        for process, ref in keys:
            tasks = [
                task
                for task in self.tasks.values()
                if task.process == process and ref in (task.ref, task.task_id)
            ]
            open_tasks = [task for task in tasks if task.finished is None]
            exclusive = [task for task in open_tasks if task.is_ref_exclusive]
            if tasks:
                meant[process, ref] = (
                    exclusive[0]
                    if exclusive
                    else max(open_tasks, key=lambda task: task.task_id)
                    if open_tasks
                    else max(tasks, key=lambda task: task.finished)
                ).task_id
        return meant

    @invariant()
    def people_see_the_same(self):
        for process in ("shop", "bank"):
            listed = self.run(self.store.tasks(TaskQuery(process, limit=1000)))
            assert [task.task_id for task in listed] == sorted(
                (task.task_id for task in self.tasks.values() if task.process == process),
                reverse=True,
            )
        for each, steps in self.steps.items():
            assert self.run(self.store.history(each)) == steps
        walking = {TaskState.READY, TaskState.CALLING}
        assert [walk.task_id for walk in self.run(self.store.walks(self.time + 1, "", 1000))] == [
            each for each, task in sorted(self.tasks.items()) if task.state in walking
        ]
        assert {each.task_id for each in self.run(self.store.due(self.time + 1, 1000))} == {
            each for each, task in self.tasks.items() if task.due is not None
        }


def sized(task):
    return dataclasses.replace(task, size=12)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_store_on_a_server_does_the_same(postgres_server, postgres_url):
    class OnServer(StoreMachine):
        async def open(self):
            postgres_server.sql(*EMPTY, database="engine")
            return await open_store(postgres_url)

    run_state_machine_as_test(
        OnServer, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )
