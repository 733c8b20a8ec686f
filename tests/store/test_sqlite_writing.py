"""What the file holds after a full disk, a stranger's lock or a kill."""

import asyncio
import dataclasses
import signal
import subprocess
import sys

import pytest
from pysqlite3 import dbapi2

from engine.core.batch import Wants
from engine.core.task import TaskState, TaskStatus
from engine.errors import StoreUnavailable
from engine.store import reads
from engine.store.interface import TaskQuery
from engine.store.opening import open_store
from engine.store.sealing import Keyring
from tests.store.store_values import (
    NOW,
    batch,
    finished_task,
    make_kept,
    make_step,
    make_task,
    task_id,
)

WRITER = """
import asyncio, itertools, sys
from tests.store.store_values import batch, make_step, make_task
from engine.store.opening import open_store

async def run(url, first):
    store = await open_store(url)
    for number in itertools.count(first):
        tasks = [make_task(10 * number + each) for each in range(10)]
        histories = [(task.task_id, [make_step()]) for task in tasks]
        await store.commit(batch(created=tasks, histories=histories, counts={("shop", "a"): [10, 0]}))
        print(number, flush=True)

asyncio.run(run(sys.argv[1], int(sys.argv[2])))
"""
KILLS = 10


@pytest.fixture
def file(tmp_path):
    return tmp_path / "engine.db"


@pytest.fixture
async def store(file):
    opened = await open_store(f"sqlite:///{file}")
    yield opened
    await opened.aclose()


def test_acknowledged_batches_survive_kill_9(file, tmp_path):
    program = tmp_path / "writer.py"
    program.write_text(WRITER)
    first, acknowledged = 0, []

    for kill in range(KILLS):
        lines = write_and_kill(program, file, first, batches=5 + 7 * kill)
        acknowledged += lines
        # One more may have been committed than was said.
        first = lines[-1] + 2

    connection = dbapi2.connect(str(file))
    there = {row[0] for row in connection.execute("SELECT task_id FROM task")}
    [(bursts,)] = connection.execute("SELECT count(*) FROM history")
    [(came,)] = connection.execute("SELECT came FROM counter")
    [(verdict,)] = connection.execute("PRAGMA integrity_check")
    connection.close()
    assert verdict == "ok"
    assert {task_id(10 * number + each) for number in acknowledged for each in range(10)} <= there
    assert bursts == came == len(there)


def write_and_kill(program, file, first, *, batches):
    command = [sys.executable, str(program), f"sqlite:///{file}", str(first)]
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        lines = [writer.stdout.readline() for _ in range(batches)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
    return [int(line) for line in [*lines, *rest]]


async def test_full_disk_refuses_the_batch_whole_and_the_store_recovers(store):
    await store.commit(batch(created=[make_task(1)]))
    [pages] = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = [make_task(number, data={"text": "x" * 3000}) for number in range(2, 100)]

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await store.commit(batch(created=large))

    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert await store.task(("shop", task_id(2))) is None
    await store.commit(batch(created=large))
    assert (await store.task(("shop", task_id(99)))).revision == 1


async def test_commit_that_fails_is_rolled_back(store):
    store._writer.execute("PRAGMA foreign_keys = on")
    store._writer.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    store._writer.execute("CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    store._writer.execute(
        "CREATE TRIGGER orphan AFTER INSERT ON task BEGIN INSERT INTO child VALUES (1); END"
    )

    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.commit(batch(created=[make_task()]))

    store._writer.execute("DROP TRIGGER orphan")
    await store.commit(batch(created=[make_task(2)]))
    assert await store.task(("shop", task_id(1))) is None


async def test_strangers_lock_is_told_and_the_batch_can_be_repeated(file, store):
    stranger = dbapi2.connect(str(file), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="another program is writing to it"):
        await store.commit(batch(created=[make_task()]))

    stranger.execute("ROLLBACK")
    stranger.close()
    await store.commit(batch(created=[make_task()]))
    assert await store.task(("shop", task_id(1))) is not None


async def test_cancelled_commit_ends_before_the_next_begins(store):
    committing = asyncio.ensure_future(store.commit(batch(created=[make_task(1)])))
    await asyncio.sleep(0)
    committing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await committing
    await store.commit(batch(created=[make_task(2)]))

    found = await store.load(Wants(ids={task_id(1), task_id(2)}))
    assert set(found.tasks) == {task_id(1), task_id(2)}


async def test_writers_and_readers_at_once_are_served(store):
    tasks = [make_task(number) for number in range(20)]

    await asyncio.gather(
        *(store.commit(batch(created=[task])) for task in tasks),
        *(store.tasks(TaskQuery("shop")) for _ in range(20)),
    )

    assert len(await store.tasks(TaskQuery("shop"))) == 20


async def test_space_of_forgotten_tasks_is_given_back(store):
    end, text = NOW + 1_000_000, "x" * 3000
    large = [finished_task(number, at=end, data={"text": text}) for number in range(500)]
    await store.commit(batch(created=large))
    [before] = store._writer.execute("PRAGMA page_count").fetchone()

    while await store.forget("shop", end + 1, 100):
        pass

    [after] = store._writer.execute("PRAGMA page_count").fetchone()
    assert after < before / 4


async def test_store_that_was_opened_again_knows_its_mail(file):
    store = await open_store(f"sqlite:///{file}")
    await store.commit(batch(kept=[make_kept(1)]))
    await store.aclose()

    store = await open_store(f"sqlite:///{file}")
    found = await store.load(Wants(keys={("shop", "order-1")}))
    await store.aclose()

    assert len(found.mail) == 1


async def test_file_is_as_durable_as_promised(store):
    settings = {
        name: store._writer.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum")
    }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (TaskQuery("shop"), "task_list"),
        (TaskQuery("shop", after=task_id(5)), "task_list"),
        (TaskQuery("shop", status=TaskStatus.ERROR), "task_failed"),
        (TaskQuery("shop", status=TaskStatus.WAITING), "task_open"),
    ],
)
async def test_lists_read_by_an_index(store, query, index):
    plan = await explained(store, lambda connection: reads.tasks(connection, query, Keyring()))

    assert index in plan
    assert "TEMP B-TREE" not in plan


async def test_oldest_waiting_is_one_seek_a_process(store):
    plan = await explained(store, reads.oldest_waiting)

    assert "task_open (process=?" in plan


async def explained(store, read):
    """Runs a read and gives the plan of its statement."""
    seen = []
    store._engine.pool.dispose()

    def run(connection):
        connection.connection.driver_connection.set_trace_callback(seen.append)
        read(connection)
        connection.connection.driver_connection.set_trace_callback(None)
        return connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[-1]}").fetchall()

    return "\n".join(row[3] for row in await store._read(run))


async def test_burst_of_a_running_task_is_one_row(store):
    await store.commit(
        batch(created=[make_task()], histories=[(task_id(1), [make_step(1), make_step(2)])])
    )
    task = dataclasses.replace(make_task(revision=1), state=TaskState.PARKED)
    await store.commit(batch(changed=[task], histories=[(task_id(1), [make_step(3)])]))

    rows = store._writer.execute("SELECT first_visit FROM history").fetchall()

    assert rows == [(1,), (3,)]
