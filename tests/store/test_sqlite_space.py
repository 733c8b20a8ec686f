"""Deleted tasks give their space back, and nobody waits long for it."""

import asyncio

import pytest
from pysqlite3 import dbapi2

from engine.core.batch import Remembered, Wants
from engine.core.message import KeptState
from engine.store.opening import open_store
from tests.store.store_values import NOW, batch, finished_task, make_kept, make_step, task_id

LATER = NOW + 10**12
MB = 1024 * 1024


@pytest.fixture
def file(tmp_path):
    return tmp_path / "engine.db"


@pytest.fixture
async def store(file):
    opened = await open_store(f"sqlite:///{file}")
    yield opened
    await opened.aclose()


def pragma(file, name):
    connection = dbapi2.connect(str(file))
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


async def fill(store, number, octets, at=0):
    """Writes finished tasks of a size."""
    for first in range(at, at + number, 100):
        tasks = [
            finished_task(each, data={"text": "x" * octets}) for each in range(first, first + 100)
        ]
        histories = [(task.task_id, [make_step()]) for task in tasks]
        await store.commit(batch(created=tasks, histories=histories))


async def test_the_file_is_as_small_as_what_is_left_in_it(store, file):
    await fill(store, 2000, 4000)
    before = pragma(file, "page_count") * 4096

    while await store.forget("shop", LATER, 1000):
        pass
    await store.aclose()

    assert before > 8 * MB
    assert file.stat().st_size < MB
    assert pragma(file, "freelist_count") * 20 <= pragma(file, "page_count")


async def test_large_tasks_go_few_at_once(store):
    await fill(store, 100, 1_000_000)

    first = await store.forget("shop", LATER, 1000)
    others = 0
    while gone := await store.forget("shop", LATER, 1000):
        others += gone

    assert first == 4
    assert others == 96


async def test_a_task_larger_than_what_goes_at_once_goes_alone(store):
    await store.commit(batch(created=[finished_task(1, data={"text": "x" * 6 * MB})]))
    await store.commit(batch(created=[finished_task(2)]))

    assert await store.forget("shop", LATER, 1000) == 1
    assert await store.forget("shop", LATER, 1000) == 1
    assert await store.forget("shop", LATER, 1000) == 0


async def test_commits_come_in_between(store):
    await fill(store, 100, 1_000_000)

    async def forget():
        while await store.forget("shop", LATER, 1000):
            pass

    forgetting = asyncio.create_task(forget())
    commits = 0
    while not forgetting.done():
        await store.commit(batch(created=[finished_task(commits + 1000, process="other")]))
        commits += 1
    await forgetting

    # Each of 25 deletions is a piece, and each gives back what was free in others.
    assert commits >= 20


async def test_what_comes_next_finds_spare_pages(store, file):
    await fill(store, 4000, 1000)
    # Only the first: they have room for a hundred more, and the file does not shrink and grow.
    await store.forget("shop", LATER, 100)

    free = pragma(file, "freelist_count")

    assert 0 < free * 20 <= pragma(file, "page_count")


async def test_a_file_that_can_not_shrink_is_left_as_it_is(file):
    await (await open_store(f"sqlite:///{file}")).aclose()
    connection = dbapi2.connect(str(file), isolation_level=None)
    connection.execute("PRAGMA auto_vacuum = none")
    connection.execute("VACUUM")
    connection.close()
    store = await open_store(f"sqlite:///{file}")
    await fill(store, 500, 4000)

    while await store.forget("shop", LATER, 1000):
        pass
    await store.aclose()

    assert pragma(file, "freelist_count") * 20 > pragma(file, "page_count")


async def test_however_many_answers_are_over_all_go(store):
    over = [Remembered(f"k{each}", "d", b"{}", NOW) for each in range(2500)]
    await store.commit(batch(remembered=[*over, Remembered("later", "d", b"{}", LATER)]))
    old = [make_kept(each, state=KeptState.UNDELIVERED, expires=0) for each in range(1200)]
    await store.commit(batch(kept=old))

    await store.forget_answers(NOW)

    found = await store.load(Wants(once={"k0", "k2499", "later"}))
    assert set(found.once) == {"later"}
    assert await store.undelivered("", 10) == []


async def test_a_task_put_back_to_work_meanwhile_stays(store):
    await store.commit(batch(created=[finished_task(1), finished_task(2)]))
    found = (await store.load(Wants(ids={task_id(1)}))).tasks[task_id(1)]
    found.finished = None
    await store.commit(batch(changed=[found]))

    assert await store.forget("shop", LATER, 1000) == 1
    assert set((await store.load(Wants(ids={task_id(1), task_id(2)}))).tasks) == {task_id(1)}
