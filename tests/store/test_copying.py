"""A workspace moves from a SQLite file to PostgreSQL, and nothing of it is lost on the way."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from pysqlite3 import dbapi2

from engine.core.batch import Batch, Remembered, Step, Wants
from engine.core.message import Callback, KeptState, Once
from engine.core.task import TaskState
from engine.definition import Catalog, read_definition
from engine.errors import RefTaken, SettingsError, StoreError, StoreInUse, StoreMoved
from engine.settings import Settings
from engine.store.copying import Copy
from engine.store.interface import NewVersion, TaskQuery
from engine.store.opening import open_store
from engine.store.transfer import windows
from engine.testing.world import VirtualClock
from engine.workspace import Workspace
from tests.store.postgres_server import EMPTY
from tests.store.store_values import NOW, batch, finished_task, make_kept, make_task, task_id

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: late}, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""
TASKS = 5000
KILLED = """
import asyncio, os, signal, sys
from engine.store.copying import Copy
from engine.core.batch import Batch
from engine.store.opening import open_store
from tests.store.store_values import NOW, make_task

source, target, step, number = sys.argv[1:]

def tell(what, done):
    if (what, done) == (step, int(number)):
        os.kill(os.getpid(), signal.SIGKILL)

async def move():
    copy = Copy(source, target, tell)
    await copy.begin()
    store = await open_store(source)
    await store.commit(Batch(NOW, created=[make_task(9000, ref="meanwhile")]))
    await store.aclose()
    await copy.finish()

asyncio.run(move())
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "engine.db"


@pytest.fixture
def file_url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def copy(file_url, postgres_url):
    return Copy(file_url, postgres_url, lambda what, number: None)


async def open_workspace(url, clock=None):
    settings = Settings(database=url, stop_grace_seconds=0)
    workspace = await Workspace.open(settings, clock=clock)
    definition, _ = read_definition(WAIT, "wait.yaml", Catalog.installed())
    await workspace.deploy([definition])
    await workspace.start()
    return workspace


def call_back(workspace, ref):
    return workspace.deliver(Callback("wait", "wait", "", ref, {"id": ref}, False, 10**12))


async def everything(store):
    """What a store holds, as its readers see it."""
    tasks = await store.tasks(TaskQuery("shop", limit=2 * TASKS))
    found = await store.load(
        Wants(
            ids={task.task_id for task in tasks},
            keys={("shop", "order\0-1"), ("shop", "later")},
            once={"POST /x k\0ey"},
        )
    )
    return {
        "tasks": tasks,
        "histories": [await store.history(task.task_id) for task in tasks[:50]],
        "by key": found.by_key,
        "mail": found.mail,
        "once": found.once,
        "counts": await store.counts(),
        "undelivered": await store.undelivered("", 50),
        "processes": await store.processes(),
        "versions": await store.versions(),
    }


async def fill(store):
    await store.deploy([NewVersion("shop", "d1", "text", "shop.yaml", 77, "ab" * 20)], NOW)
    tasks = [finished_task(number) for number in range(2, TASKS)]
    tasks += [make_task(1, ref="order\0-1", due=NOW + 60_000_000)]
    tasks += [make_task(TASKS, is_ref_exclusive=False, data={"text": "\0ü\ufdd0"})]
    steps = [Step(1, "start", NOW, NOW, "next"), Step(2, "wait", NOW, NOW, "")]
    await store.commit(
        Batch(
            NOW,
            created=tasks,
            histories=[(task.task_id, steps) for task in tasks],
            kept=[
                make_kept(1, ref="later", event_key="e\0"),
                make_kept(2, state=KeptState.UNDELIVERED, reason="nobody came"),
            ],
            remembered=[Remembered("POST /x k\0ey", "digest", b"\0body", NOW)],
            counts={("shop", "end"): [TASKS, 3]},
        )
    )


async def test_everything_is_there_afterwards(file_url, postgres_url, copy):
    source = await open_store(file_url)
    await fill(source)
    before = await everything(source)
    await source.aclose()

    await copy.begin()
    copied = await copy.finish()

    target = await open_store(postgres_url)
    assert await everything(target) == before
    assert await target.check() == []
    await target.aclose()
    assert (copied.tasks, copied.history, copied.changed) == (TASKS, TASKS, 0)


async def test_what_an_engine_does_while_it_is_copied_comes_too(file_url, postgres_url, copy):
    engine = await open_workspace(file_url)
    for number in range(20):
        await engine.submit("wait", {"number": number}, f"r{number}", once=Once(f"k{number}", "d"))
    path = engine.callback_url("wait", "wait").partition("/api/")[2]

    await copy.begin()
    await call_back(engine, "r0")
    await engine.delete("wait", "r1")
    await engine.submit("wait", {}, "new")
    await call_back(engine, "early")
    with pytest.raises(StoreInUse):
        await copy.finish()
    await engine.stop()
    copied = await copy.finish()

    moved = await open_workspace(postgres_url)
    assert (copied.tasks, copied.changed) == (20, 3)
    assert (await moved.task("wait", "r0")).state is TaskState.SUCCESS
    assert await moved._store.task(("wait", "r1")) is None
    assert moved.callback_url("wait", "wait").partition("/api/")[2] == path
    with pytest.raises(RefTaken):
        await moved.submit("wait", {}, "new")
    await call_back(moved, "r2")
    assert (await moved.task("wait", "r2")).state is TaskState.SUCCESS
    repeated = await moved.submit("wait", {"number": 3}, "r3", once=Once("k3", "d"))
    assert repeated.task is None
    early = await moved.submit("wait", {}, "early")
    assert early.task.state is TaskState.SUCCESS
    await moved.stop()


async def test_no_engine_works_on_the_file_afterwards(file_url, copy):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    await copy.begin()
    await copy.finish()

    with pytest.raises(StoreMoved, match="were moved to"):
        await open_store(file_url)

    reader = await open_store(file_url, read_only=True)
    assert (await reader.task(("shop", task_id(2)))) is not None
    await reader.aclose()


async def test_no_engine_works_on_half_a_copy_which_the_next_one_finishes(
    file_url, postgres_url, copy
):
    source = await open_store(file_url)
    await fill(source)
    before = await everything(source)
    await source.aclose()
    await copy.begin()

    with pytest.raises(StoreMoved, match="are not all here"):
        await open_store(postgres_url)
    again = Copy(file_url, postgres_url, lambda what, number: None)
    await again.begin()
    await again.finish()

    target = await open_store(postgres_url)
    assert await everything(target) == before
    await target.aclose()


async def test_a_copy_that_dies_between_the_two_marks_is_finished_by_the_next(
    file_url, postgres_url, copy, monkeypatch
):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    await copy.begin()
    hand_over = Copy._hand_over

    async def dies(self, source, connection):
        async with connection.transaction():
            await hand_over(self, source, connection)
            raise KeyboardInterrupt

    monkeypatch.setattr(Copy, "_hand_over", dies)
    with pytest.raises(KeyboardInterrupt):
        await copy.finish()
    monkeypatch.undo()

    for url in (file_url, postgres_url):
        with pytest.raises(StoreMoved):
            await open_store(url)
    await copy.begin()
    assert (await copy.finish()).tasks == TASKS


async def test_a_difference_hands_nothing_over(file_url, postgres_server, copy):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    await copy.begin()
    postgres_server.sql(f"DELETE FROM history WHERE task_id = '{task_id(2)}'", database="engine")

    with pytest.raises(StoreError, match="the copy of 'history' differs"):
        await copy.finish()

    await (await open_store(file_url)).aclose()


async def test_a_database_with_tasks_of_its_own_is_left_alone(file_url, postgres_url, copy):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    other = await open_store(postgres_url)
    await fill(other)
    await other.aclose()

    with pytest.raises(StoreError, match="has processes of its own"):
        await copy.begin()


async def test_a_finished_copy_is_not_written_over(file_url, copy):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    await copy.begin()
    await copy.finish()

    with pytest.raises(StoreError, match="already"):
        await copy.begin()


async def test_the_command_says_when_to_stop_the_engine_and_goes_on_by_itself(
    file_url, postgres_url
):
    engine = await open_workspace(file_url)
    await engine.submit("wait", {}, "r1")
    command = [sys.executable, "-m", "engine", "db", "copy", file_url, postgres_url, "--json"]
    pipe = asyncio.subprocess.PIPE
    copying = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)

    said = (await copying.stderr.readline()).decode()
    await engine.submit("wait", {}, "r2")
    await engine.stop()
    out, err = await copying.communicate()

    assert "now stop the engine" in said
    assert (copying.returncode, err) == (0, b"")
    assert json.loads(out) == {"tasks": 2, "history": 2, "changed": 1}


async def test_timers_ring_on_the_copy(file_url, postgres_url, copy):
    clock = VirtualClock()
    engine = await open_workspace(file_url, clock)
    await engine.submit("wait", {}, "r1")
    await engine.stop()
    await copy.begin()
    await copy.finish()

    moved = await open_workspace(postgres_url, clock)
    waiting = await moved.task("wait", "r1")
    clock.advance(3601)
    ended = await moved.ended(waiting.task_id, "wait", 30)

    assert (waiting.state, ended.node) == (TaskState.WAITING, "late")
    await moved.stop()


@pytest.mark.parametrize(
    ("step", "number", "tasks"),
    [("task", 4000, TASKS), ("changed", 1, TASKS + 1), ("marked", 1, TASKS + 1)],
)
async def test_a_copy_that_is_killed_is_finished_by_the_next(
    step, number, tasks, file_url, postgres_url, copy
):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()

    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, file_url, postgres_url, step, str(number)],
        check=False,
    )
    reader = await open_store(file_url, read_only=True)
    before = await everything(reader)
    await reader.aclose()
    await copy.begin()
    await copy.finish()

    target = await open_store(postgres_url)
    assert killed.returncode == -signal.SIGKILL
    assert len(before["tasks"]) == tasks
    assert await everything(target) == before
    assert await target.check() == []
    await target.aclose()


async def test_a_ref_that_was_given_free_meanwhile_goes_to_its_new_task(
    file_url, postgres_url, copy, monkeypatch
):
    monkeypatch.setattr("engine.store.copying.CHANGED_AT_ONCE", 1)
    source = await open_store(file_url)
    await source.commit(batch(created=[make_task(9, ref="r")]))
    await source.aclose()
    await copy.begin()
    source = await open_store(file_url)
    held = await source.task(("shop", "r"))
    held.state, held.finished = TaskState.SUCCESS, NOW
    await source.commit(batch(changed=[held], created=[make_task(8, ref="r")]))
    await source.aclose()

    copied = await copy.finish()

    target = await open_store(postgres_url)
    assert copied.changed == 2
    assert (await target.task(("shop", "r"))).task_id == task_id(8)
    await target.aclose()


async def test_more_tasks_than_are_listed_at_once_are_compared(
    file_url, postgres_url, copy, monkeypatch
):
    monkeypatch.setattr("engine.store.transfer.LISTED_AT_ONCE", 7)
    monkeypatch.setattr("engine.store.transfer.AT_ONCE", 3)
    source = await open_store(file_url)
    await source.commit(batch(created=[make_task(number) for number in range(100)]))
    await source.aclose()
    await copy.begin()
    source = await open_store(file_url)
    gone = [task_id(number) for number in range(10, 40)]
    new = [make_task(number) for number in range(200, 230)]
    await source.commit(batch(deleted=gone, created=new))
    await source.aclose()

    copied = await copy.finish()

    target = await open_store(postgres_url)
    assert (copied.tasks, copied.changed) == (100, 60)
    assert await target.task(("shop", task_id(10))) is None
    assert await target.task(("shop", task_id(229))) is not None
    await target.aclose()


async def test_the_bulk_is_compared_row_by_row_while_the_engine_still_works(
    file_url, postgres_url, postgres_server
):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()

    def spoil(what, number):
        if (what, number) == ("task", TASKS):
            postgres_server.sql("UPDATE task SET data = '{}' WHERE visit = 1", database="engine")

    with pytest.raises(StoreError, match="the copy of 'task' differs"):
        await Copy(file_url, postgres_url, spoil).begin()


async def test_a_file_that_was_moved_is_not_copied_to_another_database(
    file_url, postgres_server, copy
):
    await (await open_store(file_url)).aclose()
    await copy.begin()
    await copy.finish()
    postgres_server.sql(*EMPTY, database="engine")

    with pytest.raises(StoreMoved, match="were moved to"):
        await copy.begin()


async def test_a_move_can_be_undone_on_the_file(file_url, path, copy):
    source = await open_store(file_url)
    await fill(source)
    await source.aclose()
    await copy.begin()
    await copy.finish()
    with pytest.raises(StoreMoved) as refused:
        await open_store(file_url)
    statement = refused.value.hint.rpartition(": ")[2]

    connection = dbapi2.connect(str(path))
    connection.execute(statement)
    connection.commit()
    connection.close()

    source = await open_store(file_url)
    assert (await source.task(("shop", task_id(2)))) is not None
    await source.aclose()


async def test_a_database_that_an_engine_works_on_is_left_alone(file_url, postgres_url, copy):
    await (await open_store(file_url)).aclose()
    other = await Workspace.open(Settings(database=postgres_url, stop_grace_seconds=0))
    await other.start()

    with pytest.raises(StoreError, match="an engine works on"):
        await copy.begin()

    await other.stop()


def test_data_that_are_big_are_read_in_small_parts():
    connection = dbapi2.connect(":memory:")
    connection.execute("CREATE TABLE big (data TEXT)")
    connection.executemany("INSERT INTO big VALUES (?)", [("x" * 100_000,)] * 120)

    parts = [len(part) for part in windows(connection.execute("SELECT data FROM big"))]

    connection.close()
    assert parts == [50, 50, 20]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("postgresql://x/y", "postgresql://x/z"),
        ("sqlite:///a.db", "sqlite:///b.db"),
        ("sqlite://", "postgresql://x/z"),
    ],
)
def test_it_goes_from_a_file_to_a_server(source, target):
    with pytest.raises(SettingsError, match="from a SQLite file to PostgreSQL"):
        Copy(source, target, print)
