"""Several engines on one database: none loses the work of another, and none does it twice."""

import asyncio
import random

import pytest

from engine.core.batch import Remembered, Wants
from engine.core.message import KeptKind
from engine.core.task import Memo, TaskState
from engine.errors import LostLease, Overtaken, StoreError
from engine.store.interface import Crew, Due, NewVersion
from engine.store.opening import open_store
from tests.store.store_values import (
    NOW,
    batch,
    finished_task,
    make_kept,
    make_step,
    make_task,
    task_id,
)

MINUTE = 60_000_000
HOUR = 60 * MINUTE
WAITS = Memo(wait="callback")


ON_THE_SERVER = pytest.mark.parametrize("database", ["postgres"], indirect=True)
"""Of what the simulated database has no part: connections, notifications, rows of its own."""


@pytest.fixture
async def stores(database):
    """Three engines that have joined."""
    opened = [await database.open(f"host/{number}") for number in range(3)]
    for number, store in enumerate(opened):
        await store.join(f"host/{number}", HOUR, holds=True)
    yield opened
    for store in opened:
        await store.aclose()


@pytest.fixture
async def front(database):
    opened = await database.open("front/1")
    await opened.join("front/1", HOUR, holds=False)
    yield opened
    await opened.aclose()


async def commit(store, **rows):
    await store.commit(batch(**rows))


def ready(number=1, **changes):
    return make_task(number, **({"state": TaskState.READY} | changes))


def ids(walks):
    return [walk.task_id for walk in walks]


# Without others.


async def test_store_in_a_file_has_no_others(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path}/engine.db")

    await store.join("host/1", HOUR, holds=True)
    store.listen(lambda: None)
    await commit(store, created=[ready()])

    assert store.is_shared is False
    assert await store.renew() == Crew(1, 0, 0)
    assert await store.claim(10) == []
    assert await store.stranded_mail(10) == []
    await store.leave()
    assert len(await store.walks(NOW + HOUR, "", 10)) == 1
    await store.aclose()


# Overtaken.


async def test_of_two_changes_of_one_task_the_second_is_overtaken(stores):
    first, second, _ = stores
    await commit(first, created=[make_task()])

    await commit(second, changed=[make_task(visit=2, revision=1)])
    with pytest.raises(Overtaken):
        await commit(first, changed=[make_task(visit=3, revision=1)], created=[make_task(2)])

    found = await first.load(Wants(ids={task_id(1), task_id(2)}))
    assert {task.task_id: task.visit for task in found.tasks.values()} == {task_id(1): 2}


async def test_of_many_changes_at_once_exactly_one_is_written(stores):
    await commit(stores[0], created=[make_task(number) for number in range(50)])

    done = await asyncio.gather(
        *(
            commit(store, changed=[make_task(each, visit=visit, revision=1) for each in range(50)])
            for visit, store in enumerate(stores, 10)
        ),
        return_exceptions=True,
    )

    assert [type(each) for each in done if each] == [Overtaken, Overtaken]
    found = await stores[0].load(Wants(ids={task_id(number) for number in range(50)}))
    assert len({task.visit for task in found.tasks.values()}) == 1
    assert {task.revision for task in found.tasks.values()} == {2}


async def test_changes_in_opposite_order_never_wait_for_each_other(stores):
    tasks = [make_task(number) for number in range(200)]
    await commit(stores[0], created=tasks)
    ahead = [make_task(number, revision=1) for number in range(200)]

    done = await asyncio.gather(
        commit(stores[0], changed=ahead),
        commit(stores[1], changed=ahead[::-1]),
        return_exceptions=True,
    )

    assert [type(each) for each in done if each] == [Overtaken]


async def test_no_change_is_lost_among_engines_at_work_at_once(stores):
    numbers = range(6)
    await commit(stores[0], created=[make_task(each, data={"sum": 0}) for each in numbers])
    written = dict.fromkeys(numbers, 0)

    async def add(store, chance):
        for _ in range(30):
            wanted = chance.sample(numbers, 3)
            found = await store.load(Wants(ids={task_id(each) for each in wanted}))
            for task in found.tasks.values():
                task.data["sum"] += 1
            try:
                await commit(
                    store, changed=list(found.tasks.values()), counts={("shop", "a"): [1, 0]}
                )
            except Overtaken:
                continue
            for each in wanted:
                written[each] += 1

    await asyncio.gather(*(add(store, random.Random(seed)) for seed, store in enumerate(stores)))

    found = await stores[0].load(Wants(ids={task_id(each) for each in numbers}))
    assert {task_id(each): count for each, count in written.items()} == {
        task.task_id: task.data["sum"] for task in found.tasks.values()
    }
    assert (await stores[0].counts())[("shop", "a")][0] * 3 == sum(written.values())


async def test_ref_that_another_engine_gave_away_is_overtaken(stores):
    first, second, _ = stores
    await commit(first, created=[make_task(1, ref="order-1")])

    with pytest.raises(Overtaken):
        await commit(second, created=[make_task(2, ref="order-1")])

    found = await second.load(Wants(keys={("shop", "order-1")}))
    assert found.by_key[("shop", "order-1")].task_id == task_id(1)


async def test_request_that_another_engine_answered_is_overtaken(stores):
    first, second, _ = stores
    answer = Remembered("key-1", "digest", b"first", NOW + HOUR)
    await commit(first, created=[make_task(1)], remembered=[answer])

    with pytest.raises(Overtaken):
        await commit(
            second,
            created=[make_task(2)],
            remembered=[Remembered("key-1", "digest", b"second", NOW + HOUR)],
        )

    found = await second.load(Wants(ids={task_id(2)}, once={"key-1"}))
    assert found.once == {"key-1": answer}
    assert found.tasks == {}


async def test_message_that_another_engine_took_is_overtaken(stores):
    first, second, _ = stores
    await commit(first, kept=[make_kept(1)])
    await commit(first, taken=[task_id(1)])

    with pytest.raises(Overtaken):
        await commit(second, created=[make_task(2)], taken=[task_id(1)])
    with pytest.raises(Overtaken):
        await commit(second, created=[make_task(2)], updated_kept=[make_kept(1, reason="late")])

    assert (await second.load(Wants(ids={task_id(2)}))).tasks == {}


async def test_task_deleted_by_another_engine_can_not_be_changed(stores):
    first, second, _ = stores
    await commit(first, created=[make_task()])
    await commit(first, deleted=[task_id(1)])

    with pytest.raises(Overtaken):
        await commit(second, changed=[make_task(revision=1)])


# Leases.


async def test_crew_counts_those_that_hold(stores, front):
    assert await stores[0].renew() == Crew(3, 0, 0)
    assert (await front.renew()).workers == 3


async def test_every_deploy_of_something_new_is_noticed(stores):
    new = NewVersion("shop", "d1", "source", "shop.yaml", None, "hash")

    before = (await stores[0].renew()).deployed
    await stores[1].deploy([new], NOW)
    after = (await stores[0].renew()).deployed
    await stores[1].deploy([new], NOW)

    assert after > before
    assert (await stores[0].renew()).deployed == after


async def test_engine_that_has_not_joined_has_no_lease(database):
    store = await database.open()

    with pytest.raises(StoreError, match="has not joined"):
        await store.renew()

    await store.aclose()


async def test_dead_worker_leaves_the_crew_and_its_tasks_are_free(stores, database):
    dead, alive, _ = stores
    await commit(dead, created=[ready(1), ready(2, state=TaskState.CALLING), ready(3)])

    assert await alive.claim(10) == []
    database.end_lease("host/0")
    crew = await alive.renew()

    assert crew.workers == 2
    assert ids(await alive.claim(10)) == [task_id(1), task_id(2), task_id(3)]


async def test_worker_taken_for_dead_writes_nothing(stores, database):
    dead, alive, _ = stores
    await commit(dead, created=[make_task(1)])
    database.end_lease("host/0")
    await alive.renew()

    with pytest.raises(LostLease):
        await commit(dead, created=[make_task(2)], changed=[make_task(1, visit=9, revision=1)])
    with pytest.raises(LostLease):
        await dead.renew()

    found = await alive.load(Wants(ids={task_id(1), task_id(2)}))
    assert {task.task_id: task.visit for task in found.tasks.values()} == {task_id(1): 1}


async def test_worker_taken_for_dead_joins_anew(stores, database):
    dead, alive, _ = stores
    database.end_lease("host/0")
    await alive.renew()

    await dead.join("host/0", HOUR, holds=True)
    await commit(dead, created=[ready()])

    assert (await dead.renew()).workers == 3
    assert await alive.claim(10) == []


async def test_lease_that_ended_goes_on_while_nobody_noticed(stores, database):
    database.end_lease("host/0")

    await stores[0].renew()

    assert (await stores[1].renew()).workers == 3


@ON_THE_SERVER
async def test_worker_in_the_middle_of_a_write_is_not_taken_for_dead(stores, database):
    writing, other, _ = stores
    line = writing._turns
    async with line.use() as connection:
        token = writing._hand.token
        await connection.execute(f"BEGIN; SELECT FROM worker WHERE token = {token} FOR KEY SHARE")
        database.end_lease("host/0")

        assert (await other.renew()).workers == 2
        await connection.execute("COMMIT")

    await writing.renew()
    assert (await other.renew()).workers == 3


async def test_worker_that_leaves_gives_back_what_it_has_in_hand(stores):
    leaving, other, _ = stores
    await commit(leaving, created=[ready()])

    await leaving.leave()

    assert (await other.renew()).workers == 2
    assert ids(await other.claim(10)) == [task_id(1)]
    with pytest.raises(LostLease):
        await commit(leaving, created=[ready(2)])


async def test_more_than_is_freed_at_once_is_freed(stores, database):
    dead, alive, _ = stores
    await commit(dead, created=[ready(number) for number in range(2500)])
    database.end_lease("host/0")

    await alive.renew()

    assert len(await alive.claim(5000)) == 2500


@ON_THE_SERVER
async def test_tasks_of_a_worker_that_was_buried_half_way_are_freed(stores, database):
    dead, alive, _ = stores
    await commit(dead, created=[ready()])
    database.server.sql("DELETE FROM worker WHERE worker = 'host/0'", database="engine")

    await alive.renew()

    assert ids(await alive.claim(10)) == [task_id(1)]


# In hand.


async def test_front_leaves_its_tasks_to_the_workers(stores, front):
    await commit(front, created=[ready(2), ready(1), make_task(3), finished_task(4)])

    assert await front.claim(10) == []
    assert ids(await stores[0].claim(10)) == [task_id(1), task_id(2)]
    assert await stores[1].claim(10) == []


async def test_claim_takes_the_oldest_and_no_more_than_asked_for(stores, front):
    await commit(front, created=[ready(number) for number in (3, 1, 2)])

    assert ids(await stores[0].claim(2)) == [task_id(1), task_id(2)]
    assert ids(await stores[1].claim(2)) == [task_id(3)]


async def test_tasks_claimed_at_once_go_to_one_worker_each(stores, front):
    await commit(front, created=[ready(number) for number in range(300)])

    claimed = await asyncio.gather(*(store.claim(100) for store in stores for _ in range(3)))
    rest = await stores[0].claim(300)

    taken = [task for walks in [*claimed, rest] for task in ids(walks)]
    assert sorted(taken) == [task_id(number) for number in range(300)]


async def test_claimed_task_says_how_it_stands(stores, front):
    await commit(front, created=[ready(1, state=TaskState.CALLING, visit=7, node="call")])

    (walk,) = await stores[0].claim(1)

    assert (walk.visit, walk.state, walk.process, walk.node) == (
        7,
        TaskState.CALLING,
        "shop",
        "call",
    )


async def test_each_worker_sees_the_walks_it_has_in_hand(stores):
    first, second, _ = stores
    calling = {"state": TaskState.CALLING, "node": "call"}
    await commit(first, created=[ready(1), ready(2, **calling)])
    await commit(second, created=[ready(3), ready(4, **calling)])

    assert ids(await first.walks(NOW + HOUR, "", 10)) == [task_id(1), task_id(2)]
    assert ids(await second.walks(NOW + HOUR, task_id(3), 10)) == [task_id(4)]
    assert ids(await second.calling("shop", "call", "", 10)) == [task_id(4)]


async def test_task_that_waits_is_in_nobodys_hand(stores):
    first, second, _ = stores
    await commit(first, created=[ready()])

    await commit(first, changed=[make_task(revision=1)])
    await commit(second, changed=[ready(revision=2)])
    await second.leave()

    assert ids(await first.claim(10)) == [task_id(1)]


async def test_near_timer_stays_with_the_worker_that_armed_it(stores):
    first, second, _ = stores
    near, far = make_task(1, due=NOW + MINUTE - 1), make_task(2, due=NOW + MINUTE)
    await commit(first, created=[near, far])

    assert await second.due(NOW + HOUR, 10) == [Due(NOW + MINUTE, task_id(2), 1)]
    assert await first.due(NOW + HOUR, 10) == [Due(NOW + MINUTE - 1, task_id(1), 1)]


async def test_timers_go_to_who_asks_first_and_are_given_again(stores, front):
    first, second, _ = stores
    await commit(front, created=[make_task(number, due=NOW + number) for number in (3, 1, 2, 4)])

    assert [timer.task_id for timer in await first.due(NOW + 4, 2)] == [task_id(1), task_id(2)]
    assert [timer.task_id for timer in await second.due(NOW + 4, 9)] == [task_id(3)]
    assert [timer.task_id for timer in await first.due(NOW + 4, 9)] == [task_id(1), task_id(2)]


async def test_own_and_new_timers_come_in_one_order(stores, front):
    await commit(stores[0], created=[make_task(2, due=NOW + 2)])
    await commit(front, created=[make_task(1, due=NOW + 1), make_task(3, due=NOW + 3)])

    assert [timer.due - NOW for timer in await stores[0].due(NOW + 9, 9)] == [1, 2, 3]


async def test_timer_of_a_dead_worker_is_given_to_another(stores, database):
    await commit(stores[0], created=[make_task(due=NOW + 1)])
    database.end_lease("host/0")

    await stores[1].renew()

    assert len(await stores[1].due(NOW + 9, 9)) == 1


async def test_change_by_another_worker_takes_the_task_over(stores):
    first, second, _ = stores
    await commit(first, created=[ready()])

    await commit(second, changed=[ready(revision=1)])

    assert await first.walks(NOW + HOUR, "", 10) == []
    assert ids(await second.walks(NOW + HOUR, "", 10)) == [task_id(1)]


async def test_counts_of_all_workers_are_added_up(stores, front):
    for store in (*stores, front):
        await commit(store, created=[], counts={("shop", "a"): [2, 1]})

    assert await front.counts() == {("shop", "a"): (8, 4)}


# Mail between two.


async def test_mail_written_while_its_task_was_is_found(stores):
    first, second, _ = stores
    await commit(first, kept=[make_kept(5)])
    await commit(second, created=[make_task(1, ref="order-1", memo=WAITS)])

    assert await first.stranded_mail(10) == [task_id(5)]
    assert await second.stranded_mail(10) == [task_id(5)]


@pytest.mark.parametrize(
    ("task", "mail"),
    [
        (make_task(1, memo=WAITS), make_kept(5, ref=task_id(1))),
        (make_task(1, memo=WAITS), make_kept(5, task_id=task_id(1), ref="x")),
        (make_task(1, memo=WAITS, ref="order-1"), make_kept(5, node="", kind=KeptKind.MODIFY)),
        (make_task(1, memo=WAITS, ref="order-1", is_ref_exclusive=False), make_kept(5)),
        (finished_task(1, ref="order-1"), make_kept(5)),
        (make_task(1, memo=WAITS, ref="null\0byte"), make_kept(5, ref="null\0byte")),
    ],
    ids=["generated ref", "id", "no node", "shared ref", "ended", "NUL"],
)
async def test_mail_that_its_task_could_take_is_stranded(stores, task, mail):
    await commit(stores[0], created=[task], kept=[mail])

    assert await stores[0].stranded_mail(10) == [task_id(5)]


@pytest.mark.parametrize(
    "task",
    [
        make_task(1, ref="order-1", memo=Memo(wait="time")),
        make_task(1, ref="order-1", memo=WAITS, node="elsewhere"),
        make_task(1, ref="order-2", memo=WAITS),
        make_task(1, ref="order-1", memo=WAITS, process="other"),
        make_task(1, ref="order-1", memo=WAITS, state=TaskState.CALLING),
    ],
    ids=["timer", "other node", "other ref", "other process", "on its way"],
)
async def test_mail_that_no_task_could_take_is_not_stranded(stores, task):
    await commit(stores[0], created=[task], kept=[make_kept(5)])

    assert await stores[0].stranded_mail(10) == []


async def test_mail_for_an_unfinished_task_is_not_stranded_by_a_finished_one(stores):
    tasks = [finished_task(1, ref="order-1"), make_task(2, ref="order-1", node="elsewhere")]
    await commit(stores[0], created=tasks, kept=[make_kept(5)])

    assert await stores[0].stranded_mail(10) == []


async def test_stranded_mail_is_found_among_much_mail(stores):
    much = [make_kept(number, ref=f"nobody-{number}") for number in range(1000, 4000)]
    await commit(stores[0], created=[make_task(1, ref="order-1", memo=WAITS)])
    await commit(stores[0], kept=[*much, make_kept(500), make_kept(2500 + 5000)])

    found = [await stores[0].stranded_mail(10) for _ in range(4)]

    assert {task_id(500), task_id(7500)} == {each for part in found for each in part}
    assert all(task_id(7500) in part for part in found)


# Waking.


async def woken(store, act):
    """Says whether `act` woke the store."""
    heard = asyncio.Event()
    store.listen(heard.set)
    await asyncio.wait_for(heard.wait(), 10)  # it listens now
    heard.clear()
    await act()
    await store.renew()  # its answer comes after what was told before
    try:
        await asyncio.wait_for(heard.wait(), 10)
    except TimeoutError:
        return False
    return True


@ON_THE_SERVER
async def test_work_left_by_a_front_wakes_the_workers(stores, front):
    assert await woken(stores[0], lambda: commit(front, created=[ready()]))


@ON_THE_SERVER
async def test_deploy_wakes_the_others(stores):
    new = NewVersion("shop", "d1", "source", "shop.yaml", None, "hash")

    assert await woken(stores[0], lambda: stores[1].deploy([new], NOW))


@ON_THE_SERVER
async def test_worker_that_leaves_wakes_the_others(stores):
    assert await woken(stores[0], stores[1].leave)


@ON_THE_SERVER
async def test_what_a_worker_has_in_hand_wakes_nobody(stores):
    heard = []
    stores[0].listen(lambda: heard.append(1))
    await stores[0].renew()
    before = len(heard)

    await commit(stores[1], created=[ready()], histories=[(task_id(1), [make_step()])])
    await stores[1].renew()
    await stores[0].renew()

    assert len(heard) == before


async def test_engines_that_start_at_once_make_the_tables_once(postgres_server):
    postgres_server.sql("DROP DATABASE IF EXISTS fresh", "CREATE DATABASE fresh")
    url = postgres_server.url("fresh")

    opened = await asyncio.gather(*(open_store(url) for _ in range(4)))

    for number, store in enumerate(opened):
        await commit(store, created=[make_task(number)])
        await store.aclose()
    assert len(postgres_server.sql("SELECT task_id FROM task", database="fresh")) == 4


async def test_engines_that_deploy_at_once_give_each_process_one_number(stores):
    def new(process):
        return NewVersion(process, "d1", "source", "file", None, "hash")

    await asyncio.gather(
        *(store.deploy([new(f"process-{n}"), new("shop")], NOW) for n, store in enumerate(stores))
    )

    rows = await stores[0].processes()
    assert sorted(row.conv_id for row in rows) == [1001, 1002, 1003, 1004]
    assert {row.version for row in rows} == {1}
