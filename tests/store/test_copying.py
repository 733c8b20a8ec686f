"""A workspace moves from a SQLite file to PostgreSQL, and nothing of it is lost on the way."""

import pytest

from engine.core.batch import Batch, Remembered, Step, Wants
from engine.core.message import Callback, KeptState, Once
from engine.core.task import TaskState
from engine.definition import Catalog, read_definition
from engine.errors import RefTaken, SettingsError, StoreError, StoreInUse, StoreMoved
from engine.settings import Settings
from engine.store.copying import Copy
from engine.store.interface import NewVersion, TaskQuery
from engine.store.opening import open_store
from engine.workspace import Workspace
from tests.store.store_values import NOW, finished_task, make_kept, make_task, task_id

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: late}, next: done}
  done: {type: end}
  late: {type: end, result: error}
"""
TASKS = 5000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "engine.db"


@pytest.fixture
def file_url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def copy(file_url, postgres_url):
    return Copy(file_url, postgres_url, lambda what, number: None)


async def open_workspace(url):
    workspace = await Workspace.open(Settings(database=url, stop_grace_seconds=0))
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
