"""What the engine relies on, whatever the database."""

import dataclasses

import pytest

from engine.core.batch import Remembered, Wants
from engine.core.circuit import Pause
from engine.core.message import KeptKind, KeptState
from engine.core.task import Caller, ErrorNote, Memo, TaskState, TaskStatus
from engine.errors import Overtaken, StoreError
from engine.store.interface import Due, NewVersion, ProcessRow, TaskQuery, VersionRow, Walk
from tests.store.store_values import (
    NOW,
    batch,
    finished_task,
    make_kept,
    make_step,
    make_task,
    task_id,
)


def as_written(task):
    return dataclasses.replace(task, revision=task.revision + 1)


async def load(store, **wants):
    return await store.load(Wants(**{name: set(values) for name, values in wants.items()}))


async def commit(store, **rows):
    await store.commit(batch(**rows))


# Tasks.


async def test_created_task_is_found_by_id_as_it_was(store):
    task = make_task(
        data={"text": "Привіт", "big": 10**40, "deep": [{"a": None, "b": 1.5}]},
        memo=Memo(
            entered=NOW,
            laps={"loop": 3},
            error=ErrorNote("software", "bad", "why", "call", 2),
            caller=Caller(task_id(9), 4, 1),
            seen=["k1"],
        ),
        due=NOW + 5,
        ref="order-1",
    )

    await commit(store, created=[task])

    found = await load(store, ids=[task.task_id])
    assert found.tasks == {task.task_id: dataclasses.replace(task, revision=1, size=99)}


async def test_size_of_a_loaded_task_is_its_json_in_bytes(store):
    await commit(store, created=[make_task(data={"a": "ї"}, size=0)])

    found = await load(store, ids=[task_id(1)])

    assert found.tasks[task_id(1)].size == 10


async def test_unknown_id_is_not_found(store):
    found = await load(store, ids=[task_id(1)], keys=[("shop", "order-1")])

    assert found.tasks == {}
    assert found.by_key == {}


async def test_task_is_found_by_its_ref(store):
    task = make_task(ref="order-1")

    await commit(store, created=[task])

    found = await load(store, keys=[("shop", "order-1"), ("shop", "order-2"), ("other", "order-1")])
    assert found.by_key == {("shop", "order-1"): as_written(task)}


async def test_task_with_a_generated_ref_is_found_by_its_id_as_ref(store):
    await commit(store, created=[make_task()])

    found = await load(store, keys=[("shop", task_id(1)), ("other", task_id(1))])

    assert found.by_key == {("shop", task_id(1)): as_written(make_task())}


async def test_task_with_a_ref_is_found_by_its_id_too(store):
    task = make_task(ref="order-1")
    await commit(store, created=[task])

    found = await load(store, keys=[("shop", task_id(1))])

    assert found.by_key == {("shop", task_id(1)): as_written(task)}


async def test_ref_that_looks_like_an_id_is_found(store):
    task = make_task(ref="65f0a1b2c3d4e5f601020304")
    await commit(store, created=[task])

    found = await load(store, keys=[("shop", "65f0a1b2c3d4e5f601020304")])

    assert found.by_key[("shop", "65f0a1b2c3d4e5f601020304")].task_id == task_id(1)


@pytest.mark.parametrize(
    ("first", "second"), [(make_task, finished_task), (finished_task, make_task)]
)
async def test_key_that_is_an_id_and_a_ref_means_the_unfinished_task(store, first, second):
    await commit(store, created=[first(1), second(2, ref=task_id(1))])

    meant = await store.task(("shop", task_id(1)))

    assert meant.finished is None


async def test_key_that_is_an_id_and_a_ref_means_the_task_finished_last(store):
    await commit(
        store,
        created=[finished_task(1, at=NOW), finished_task(2, at=NOW + 1, ref=task_id(1))],
    )

    assert (await store.task(("shop", task_id(1)))).task_id == task_id(2)


async def test_unfinished_task_of_a_ref_comes_before_finished_ones(store):
    await commit(
        store,
        created=[
            finished_task(1, ref="order-1", at=NOW + 9),
            make_task(2, ref="order-1"),
            finished_task(3, ref="order-1", at=NOW + 7),
        ],
    )

    found = await load(store, keys=[("shop", "order-1")])

    assert found.by_key[("shop", "order-1")].task_id == task_id(2)


async def test_of_finished_tasks_of_a_ref_the_one_finished_last_is_found(store):
    await commit(
        store,
        created=[
            finished_task(1, ref="order-1", at=NOW + 7),
            finished_task(2, ref="order-1", at=NOW + 9),
            finished_task(3, ref="order-1", at=NOW + 8),
        ],
    )

    assert (await store.task(("shop", "order-1"))).task_id == task_id(2)


async def test_newest_of_unfinished_tasks_that_share_a_ref_is_found(store):
    await commit(
        store,
        created=[make_task(each, ref="order-1", is_ref_exclusive=False) for each in (1, 2)],
    )

    assert (await store.task(("shop", "order-1"))).task_id == task_id(2)


async def test_refs_with_quotes_and_unusual_characters_are_found(store):
    refs = ['a"b', "a'b", "a\\b", "ї\u2028", "%", "tab\t", "null\0byte", ""]
    tasks = [make_task(number, ref=ref or "x") for number, ref in enumerate(refs, 1)]
    await commit(store, created=tasks)

    found = await load(store, keys=[("shop", task.ref) for task in tasks])

    assert {key[1]: task.task_id for key, task in found.by_key.items()} == {
        task.ref: task.task_id for task in tasks
    }


async def test_second_unfinished_task_with_an_exclusive_ref_is_refused_whole(store):
    await commit(store, created=[make_task(1, ref="order-1")])

    with pytest.raises(StoreError):
        await commit(store, created=[make_task(2), make_task(3, ref="order-1")])

    assert set((await load(store, ids=[task_id(2), task_id(3)])).tasks) == set()


async def test_ref_is_free_again_when_its_task_ends_in_the_same_batch(store):
    await commit(store, created=[make_task(1, ref="order-1"), finished_task(2, ref="order-2")])
    ended = finished_task(1, ref="order-1", revision=1)
    taken = make_task(2, ref="order-1", revision=1)

    await commit(store, changed=[taken, ended])

    assert (await store.task(("shop", "order-1"))).task_id == task_id(2)


async def test_ref_of_a_deleted_task_is_free_in_the_same_batch(store):
    await commit(store, created=[make_task(1, ref="order-1")])

    await commit(store, deleted=[task_id(1)], created=[make_task(2, ref="order-1")])

    assert (await store.task(("shop", "order-1"))).task_id == task_id(2)


async def test_changed_task_is_found_as_it_is_now(store):
    await commit(store, created=[make_task(ref="order-1", due=NOW)])
    changed = make_task(
        ref="order-1",
        version=2,
        node="end",
        state=TaskState.ERROR,
        data={"n": 1},
        memo=Memo(previous="wait"),
        visit=2,
        changed=NOW + 9,
        finished=NOW + 9,
        revision=1,
        size=7,
    )

    await commit(store, changed=[changed])

    assert await store.task(("shop", "order-1")) == as_written(changed)


@pytest.mark.parametrize("size", [1, 39, 40, 41, 200])
async def test_batches_of_any_size_are_written_whole(store, size):
    tasks = [make_task(number) for number in range(size)]

    await commit(
        store,
        created=tasks,
        histories=[(task.task_id, [make_step()]) for task in tasks],
    )
    await commit(store, changed=[dataclasses.replace(task, visit=2, revision=1) for task in tasks])

    found = await load(store, ids=[task.task_id for task in tasks])
    assert len(found.tasks) == size
    assert {(task.visit, task.revision) for task in found.tasks.values()} == {(2, 2)}


async def test_task_changed_by_somebody_else_stops_the_whole_batch(store):
    await commit(store, created=[make_task(1), make_task(2)])
    await commit(store, changed=[make_task(1, visit=2, revision=1)])

    with pytest.raises(Overtaken):
        await commit(
            store,
            created=[make_task(3)],
            changed=[make_task(1, visit=9, revision=1), make_task(2, visit=9, revision=1)],
        )

    found = await load(store, ids=[task_id(1), task_id(2), task_id(3)])
    assert {task.task_id: task.visit for task in found.tasks.values()} == {
        task_id(1): 2,
        task_id(2): 1,
    }


async def test_change_of_a_task_that_is_gone_is_overtaken(store):
    with pytest.raises(Overtaken):
        await commit(store, changed=[make_task(revision=1)])


async def test_store_takes_batches_after_one_was_refused(store):
    with pytest.raises(Overtaken):
        await commit(store, changed=[make_task(revision=1)])

    await commit(store, created=[make_task()])

    assert await store.task(("shop", task_id(1))) == as_written(make_task())


async def test_deleted_task_is_gone_with_its_history(store):
    await commit(store, created=[make_task()], histories=[(task_id(1), [make_step()])])

    await commit(store, deleted=[task_id(1), task_id(2)])

    assert await store.task(("shop", task_id(1))) is None
    assert await store.history(task_id(1)) == []


# History.


async def test_history_keeps_visits_in_order(store):
    first = [make_step(1, "start"), make_step(2, "call", by="error", error=("hardware", "t", "d"))]
    second = [make_step(3, "call"), make_step(4, "end")]

    await commit(store, created=[make_task()], histories=[(task_id(1), first)])
    await commit(store, changed=[make_task(revision=1)], histories=[(task_id(1), second)])

    assert await store.history(task_id(1)) == first + second


async def test_what_happens_after_the_end_is_added_to_the_last_visit(store):
    late = [make_step(1, "end", by="late", left=NOW + 1)]
    later = [make_step(1, "end", by="late", left=NOW + 2)]
    await commit(store, created=[make_task()], histories=[(task_id(1), [make_step()])])

    await commit(store, histories=[(task_id(1), late)])
    await commit(store, histories=[(task_id(1), later)])

    assert await store.history(task_id(1)) == [make_step(), *late, *later]


# Mail.


async def test_mail_of_a_ref_comes_with_the_look_up_of_its_key(store):
    await commit(store, kept=[make_kept(1), make_kept(2, ref="order-2")])

    found = await load(store, keys=[("shop", "order-1")])

    assert found.mail == [make_kept(1)]


async def test_mail_comes_in_order_of_arrival(store):
    await commit(store, kept=[make_kept(1), make_kept(2)])
    await commit(store, kept=[make_kept(3), make_kept(12)])

    found = await load(store, keys=[("shop", "order-1")])

    assert [kept.message_id for kept in found.mail] == [task_id(each) for each in (1, 2, 3, 12)]


async def test_mail_comes_with_a_task_loaded_by_id(store):
    await commit(
        store,
        created=[make_task(1, ref="order-1")],
        kept=[
            make_kept(5),
            make_kept(6, ref="x", task_id=task_id(1), kind=KeptKind.MODIFY),
            make_kept(7, process="other"),
        ],
    )

    found = await load(store, ids=[task_id(1)])

    assert [kept.message_id for kept in found.mail] == [task_id(5), task_id(6)]


async def test_mail_for_a_generated_ref_comes_with_its_task(store):
    await commit(store, created=[make_task()], kept=[make_kept(5, ref=task_id(1))])

    assert len((await load(store, ids=[task_id(1)])).mail) == 1
    assert len((await load(store, keys=[("shop", task_id(1))])).mail) == 1


async def test_message_found_in_two_ways_comes_once(store):
    await commit(store, created=[make_task(ref="order-1")], kept=[make_kept(5, task_id=task_id(1))])

    found = await load(store, ids=[task_id(1)], keys=[("shop", "order-1")])

    assert len(found.mail) == 1


async def test_message_that_was_taken_is_gone(store):
    await commit(store, kept=[make_kept(1), make_kept(2)])

    await commit(store, taken=[task_id(1)])

    assert (await load(store, keys=[("shop", "order-1")])).mail == [make_kept(2)]
    assert (await load(store, messages=[task_id(1)])).messages == {}


async def test_message_given_up_is_no_mail_but_is_listed(store):
    await commit(store, kept=[make_kept(1)])
    given_up = make_kept(1, state=KeptState.UNDELIVERED, reason="nobody came")

    await commit(store, updated_kept=[given_up])

    assert (await load(store, keys=[("shop", "order-1")])).mail == []
    assert await store.undelivered("", 10) == [given_up]
    assert (await load(store, messages=[task_id(1)])).messages == {task_id(1): given_up}


async def test_message_kept_again_is_mail_again(store):
    await commit(store, kept=[make_kept(1, state=KeptState.UNDELIVERED, reason="nobody came")])

    await commit(store, updated_kept=[make_kept(1, expires=NOW + 9)])

    assert (await load(store, keys=[("shop", "order-1")])).mail == [make_kept(1, expires=NOW + 9)]
    assert await store.undelivered("", 10) == []


async def test_undelivered_messages_are_listed_page_by_page_oldest_first(store):
    kept = [make_kept(number, state=KeptState.UNDELIVERED) for number in (4, 2, 3, 1)]
    await commit(store, kept=[*kept, make_kept(5)])

    first = await store.undelivered("", 3)
    second = await store.undelivered(first[-1].message_id, 3)

    assert [each.message_id for each in first] == [task_id(1), task_id(2), task_id(3)]
    assert [each.message_id for each in second] == [task_id(4)]


async def test_messages_whose_time_is_over_are_named(store):
    await commit(
        store,
        kept=[
            make_kept(1, expires=NOW + 2),
            make_kept(2, expires=NOW + 1),
            make_kept(3, expires=NOW + 3),
            make_kept(4, expires=NOW, state=KeptState.UNDELIVERED),
        ],
    )

    assert await store.expired(NOW + 2, 10) == [task_id(2), task_id(1)]
    assert await store.expired(NOW + 2, 1) == [task_id(2)]


# Answers.


async def test_remembered_answer_is_found_byte_for_byte(store):
    answer = Remembered("key-1", "digest", b'{"a":\xff}', NOW + 5)

    await commit(store, remembered=[answer])

    assert (await load(store, once=["key-1", "key-2"])).once == {"key-1": answer}


async def test_answer_remembered_again_replaces_the_first(store):
    await commit(store, remembered=[Remembered("key-1", "a", b"1", NOW)])

    await commit(store, remembered=[Remembered("key-1", "b", b"2", NOW + 9)])

    assert (await load(store, once=["key-1"])).once["key-1"].body == b"2"


async def test_answers_are_forgotten_when_their_time_is_over(store):
    await commit(
        store,
        remembered=[Remembered("old", "d", b"", NOW), Remembered("new", "d", b"", NOW + 1)],
    )

    await store.forget_answers(NOW)

    assert set((await load(store, once=["old", "new"])).once) == {"new"}


async def test_undelivered_messages_are_forgotten_after_thirty_days(store):
    thirty_days = 30 * 86_400_000_000
    await commit(
        store,
        kept=[
            make_kept(1, state=KeptState.UNDELIVERED, expires=NOW),
            make_kept(2, state=KeptState.UNDELIVERED, expires=NOW + 1),
            make_kept(3, expires=NOW),
        ],
    )

    await store.forget_answers(NOW + thirty_days)

    assert [each.message_id for each in await store.undelivered("", 10)] == [task_id(2)]
    assert await store.expired(NOW, 10) == [task_id(3)]


# Timers and walks.


async def test_timers_come_earliest_first(store):
    await commit(
        store,
        created=[
            make_task(1, due=NOW + 30, visit=3),
            make_task(2, due=NOW + 10),
            make_task(3, due=NOW + 20),
            make_task(4),
            make_task(5, due=NOW + 40),
        ],
    )

    assert await store.due(NOW + 40, 10) == [
        Due(NOW + 10, task_id(2), 1),
        Due(NOW + 20, task_id(3), 1),
        Due(NOW + 30, task_id(1), 3),
    ]
    assert len(await store.due(NOW + 100, 2)) == 2


async def test_disarmed_timer_does_not_come(store):
    await commit(store, created=[make_task(due=NOW)])

    await commit(store, changed=[make_task(revision=1)])

    assert await store.due(NOW + 1, 10) == []


async def test_tasks_on_their_way_come_in_the_order_of_their_ids(store):
    await commit(
        store,
        created=[
            make_task(3, state=TaskState.CALLING, changed=NOW, visit=7, node="call"),
            make_task(1, state=TaskState.READY, changed=NOW),
            make_task(2, state=TaskState.WAITING, changed=NOW),
            make_task(4, state=TaskState.READY, changed=NOW + 1),
        ],
    )

    walks = await store.walks(NOW + 1, "", 10)

    assert walks == [
        Walk(task_id(1), 1, TaskState.READY, "shop", "wait"),
        Walk(task_id(3), 7, TaskState.CALLING, "shop", "call"),
    ]
    assert await store.walks(NOW + 1, task_id(1), 10) == walks[1:]
    assert await store.walks(NOW + 1, "", 1) == walks[:1]


async def test_tasks_calling_in_a_node_are_found(store):
    calling = {"state": TaskState.CALLING, "node": "call"}
    await commit(
        store,
        created=[
            make_task(1, **calling),
            make_task(2, **calling, process="other"),
            make_task(3, **(calling | {"node": "other"})),
            make_task(4, **(calling | {"state": TaskState.READY})),
            make_task(5, **calling),
        ],
    )

    found = await store.calling("shop", "call", "", 10)

    assert [each.task_id for each in found] == [task_id(1), task_id(5)]
    assert await store.calling("shop", "call", task_id(1), 10) == found[1:]


# Processes.


def new_version(process="shop", digest="d1", conv_id=None, **changes):
    values = {
        "process": process,
        "digest": digest,
        "source": f"source {digest}",
        "file": f"{process}.yaml",
        "conv_id": conv_id,
        "callback_hash": f"hash of {process}",
    }
    return NewVersion(**(values | changes))


async def test_deployed_process_has_a_number_a_hash_and_a_version(store):
    await store.deploy([new_version("shop"), new_version("bank")], NOW)

    assert await store.processes() == [
        ProcessRow("bank", 1002, "hash of bank", 1),
        ProcessRow("shop", 1001, "hash of shop", 1),
    ]
    assert await store.versions() == [
        VersionRow("bank", 1, "d1", "source d1", "bank.yaml", deployed=NOW),
        VersionRow("shop", 1, "d1", "source d1", "shop.yaml", deployed=NOW),
    ]


async def test_new_version_keeps_number_and_hash(store):
    await store.deploy([new_version(digest="d1")], NOW)

    await store.deploy([new_version(digest="d2", callback_hash="new")], NOW + 1)

    assert await store.processes() == [ProcessRow("shop", 1001, "hash of shop", 2)]
    assert [each.digest for each in await store.versions()] == ["d1", "d2"]


async def test_same_definition_makes_no_version(store):
    await store.deploy([new_version()], NOW)

    await store.deploy([new_version()], NOW + 1)

    assert len(await store.versions()) == 1


async def test_sums_are_added_up_exactly(store):
    key = ("shop", "add", "name \0 of a sum")

    for amount in (100_000_000, 200_000_000, -1_500_000_000):
        await store.commit(batch(sums={key: amount}))

    assert await store.sums() == {key: -1_200_000_000}


async def test_a_sum_ends_where_the_databases_numbers_do(store):
    key = ("shop", "add", "much")

    for _ in range(12):
        await store.commit(batch(sums={key: 10**27}))

    assert await store.sums() == {key: 9 * 10**27}


async def test_what_a_deploy_means_for_tasks_is_kept_with_its_version(store):
    await store.deploy([new_version()], NOW)

    await store.deploy([new_version(digest="d2", moves={"a": "b"}, keeps=True, undone="d1")], NOW)

    newest = (await store.versions())[-1]
    assert (newest.moves, newest.keeps, newest.undone) == ({"a": "b"}, True, "d1")


async def test_same_definition_with_moves_is_a_version(store):
    await store.deploy([new_version()], NOW)

    await store.deploy([new_version(moves={"a": "b"})], NOW + 1)

    assert [each.version for each in await store.versions()] == [1, 2]


async def test_definition_that_goes_back_to_an_old_one_is_a_new_version(store):
    for digest in ("d1", "d2", "d1"):
        await store.deploy([new_version(digest=digest)], NOW)

    assert [each.version for each in await store.versions()] == [1, 2, 3]


async def test_author_chooses_the_number(store):
    await store.deploy([new_version("bank"), new_version("shop", conv_id=1001)], NOW)

    assert {row.process: row.conv_id for row in await store.processes()} == {
        "shop": 1001,
        "bank": 1002,
    }


async def test_number_of_another_process_is_refused_and_nothing_is_deployed(store):
    await store.deploy([new_version("shop")], NOW)

    with pytest.raises(StoreError, match="the number 1001 of process 'bank' belongs to 'shop'"):
        await store.deploy([new_version("shop", "d2"), new_version("bank", conv_id=1001)], NOW)

    assert await store.processes() == [ProcessRow("shop", 1001, "hash of shop", 1)]


# Reading, for people.


async def listed(store, **query):
    return [task.task_id for task in await store.tasks(TaskQuery("shop", **query))]


async def test_tasks_are_listed_newest_first_page_by_page(store):
    await commit(store, created=[make_task(number) for number in range(1, 6)])
    await commit(store, created=[make_task(6, process="other")])

    assert await listed(store, limit=2) == [task_id(5), task_id(4)]
    assert await listed(store, limit=3, after=task_id(4)) == [task_id(3), task_id(2), task_id(1)]


async def test_tasks_are_listed_by_node_and_time(store):
    await commit(store, created=[make_task(1), make_task(2, node="end"), make_task(3)])

    assert await listed(store, node="wait") == [task_id(3), task_id(1)]
    assert await listed(store, since=NOW + 2000) == [task_id(3), task_id(2)]


@pytest.mark.parametrize(
    ("status", "numbers"),
    [
        (TaskStatus.RUNNING, [2, 1]),
        (TaskStatus.WAITING, [4, 3]),
        (TaskStatus.ERROR, [7, 5]),
        (TaskStatus.SUCCESS, [6]),
    ],
)
async def test_tasks_are_listed_by_status(store, status, numbers):
    states = ["ready", "calling", "waiting", "held", "parked", "success", "error"]
    await commit(
        store,
        created=[make_task(number, state=TaskState(each)) for number, each in enumerate(states, 1)],
    )

    assert await listed(store, status=status) == [task_id(each) for each in numbers]


async def test_listed_task_is_whole(store):
    task = make_task(ref="order-1", memo=Memo(previous="start"), is_ref_exclusive=False)
    await commit(store, created=[task])

    assert await store.tasks(TaskQuery("shop")) == [as_written(task)]


async def test_counts_add_up(store):
    await commit(
        store, created=[make_task()], counts={("shop", "a"): [2, 1], ("shop", "b"): [1, 0]}
    )
    await commit(store, changed=[make_task(revision=1)], counts={("shop", "a"): [1, 1]})

    assert await store.counts() == {("shop", "a"): (3, 2), ("shop", "b"): (1, 0)}


async def test_oldest_unfinished_task_of_each_process_is_known(store):
    await store.deploy([new_version("shop"), new_version("bank")], NOW)
    await commit(
        store,
        created=[
            finished_task(1, created=NOW),
            make_task(2, created=NOW + 3),
            make_task(3, created=NOW + 5),
            finished_task(4, created=NOW, process="bank"),
        ],
    )

    assert await store.oldest_waiting() == {"shop": NOW + 3}


# Housekeeping.


async def test_finished_tasks_are_forgotten_with_their_history(store):
    old, young = NOW + 10_000, NOW + 10_001
    await commit(
        store,
        created=[
            finished_task(1, at=old),
            make_task(2),
            finished_task(3, at=young),
            finished_task(4, at=old),
            finished_task(5, at=old, process="other"),
        ],
        histories=[(task_id(number), [make_step()]) for number in (1, 3)],
    )

    assert await store.forget("shop", young, 1) == 1
    assert await store.forget("shop", young, 10) == 1
    assert await store.forget("shop", young, 10) == 0

    assert await listed(store) == [task_id(3), task_id(2)]
    assert await store.history(task_id(1)) == []
    assert len(await store.history(task_id(3))) == 1


async def test_sound_database_has_no_damage(store):
    await commit(store, created=[make_task()])

    assert await store.check() == []


async def test_newest_is_the_greatest_id(store):
    before = await store.newest()
    await commit(store, created=[make_task(3), finished_task(7), make_task(5)])

    assert (before, await store.newest()) == ("", task_id(7))


# Queues.


async def test_who_is_next_in_a_queue_came_first_or_last(store):
    queued = {"state": TaskState.QUEUED, "node": "line"}
    await commit(
        store,
        created=[
            make_task(1, changed=NOW + 3, **queued),
            make_task(2, changed=NOW + 1, **queued),
            make_task(3, changed=NOW + 1, **queued),
            make_task(4, changed=NOW, state=TaskState.QUEUED, node="other"),
            make_task(5, changed=NOW, node="line"),
        ],
    )

    wants = Wants(queues={("shop", "line", False): 2, ("shop", "line", True): 9})
    found = await store.load(wants)

    first, last = (
        [task.task_id for task in found.queues["shop", "line", is_newest]]
        for is_newest in (False, True)
    )
    assert first == [task_id(2), task_id(3)]
    assert last == [task_id(1), task_id(3), task_id(2)]


async def test_a_queued_task_comes_with_its_mail(store):
    await commit(
        store,
        created=[make_task(1, ref="order-1", state=TaskState.QUEUED, node="line")],
        kept=[make_kept(1)],
    )

    found = await store.load(Wants(queues={("shop", "line", False): 1}))

    assert [kept.message_id for kept in found.mail] == [task_id(1)]


async def test_upstream_hosts_that_are_let_be_are_kept_until_they_answer(store):
    day_us = 24 * 3_600_000_000
    first = Pause("https://a.example", NOW + 5, 5, "the last answer was 503")
    longer = dataclasses.replace(first, until=NOW + 20, length=10)
    other = Pause("https://b.example", NOW + day_us, 5, "no answer")

    await store.note_pauses({first.origin: first, other.origin: other}, NOW)
    await store.note_pauses({first.origin: longer}, NOW)
    there = await store.pauses()
    await store.note_pauses({other.origin: None}, NOW)
    left = await store.pauses()
    await store.note_pauses({}, NOW + 2 * day_us)

    assert sorted(there, key=lambda pause: pause.origin) == [longer, other]
    assert left == [longer]
    assert await store.pauses() == []
