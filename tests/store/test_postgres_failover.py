"""The server goes away and comes back: nobody hangs, nothing acknowledged is lost."""

import asyncio
import contextlib
import socket

import pytest

from engine.core.batch import Wants
from engine.core.task import TaskState
from engine.errors import LostLease, Overtaken, StoreUnavailable
from engine.store.opening import open_store
from engine.store.postgres.line import Line, connect
from engine.store.postgres.place import Place
from tests.store.postgres_server import PostgresServer
from tests.store.store_values import NOW, batch, make_task, task_id

HOUR = 3_600_000_000


@pytest.fixture
def server():
    """A server of its own, that a test may stop. It keeps what it said is safe."""
    own = PostgresServer(fsync="on")
    own.start()
    yield own
    own.remove()


@pytest.fixture
async def store(server):
    opened = await open_store(server.url())
    yield opened
    await opened.aclose()


async def commit(store, **rows):
    await store.commit(batch(**rows))


async def found(store, *numbers):
    return set((await store.load(Wants(ids={task_id(number) for number in numbers}))).tasks)


async def test_store_goes_on_after_the_server_was_gone(server, store):
    await commit(store, created=[make_task(1)])
    await found(store, 1)

    server.stop()
    with pytest.raises(StoreUnavailable):
        await commit(store, created=[make_task(2)])
    with pytest.raises(StoreUnavailable, match="nobody listens there"):
        await found(store, 1)
    server.start()

    await commit(store, created=[make_task(3)])
    assert await found(store, 1, 2, 3) == {task_id(1), task_id(3)}


async def test_everything_goes_on_after_the_server_was_gone(server, store):
    await store.join("host/1", HOUR, holds=True)
    await commit(store, created=[make_task(1, due=NOW, state=TaskState.READY)])
    calls = [
        lambda: store.due(NOW + 1, 10),
        lambda: store.walks(NOW + HOUR, "", 10),
        lambda: store.calling("shop", "call", "", 10),
        lambda: store.expired(NOW, 10),
        lambda: store.claim(10),
        lambda: store.stranded_mail(10),
        store.renew,
        store.processes,
        lambda: store.history(task_id(1)),
        store.counts,
        lambda: store.task(("shop", task_id(1))),
        lambda: store.forget("shop", NOW, 10),
        lambda: store.forget_answers(NOW),
        store.check,
        lambda: store.deploy([], NOW),
    ]
    before = [await call() for call in calls]

    server.stop()
    for call in calls:
        with pytest.raises(StoreUnavailable):
            await call()
    server.start()

    assert [await call() for call in calls] == before


async def test_server_that_restarts_between_two_uses_costs_one_refusal_at_most(server, store):
    await commit(store, created=[make_task(1)])
    server.stop()
    server.start()

    with contextlib.suppress(StoreUnavailable):
        await commit(store, created=[make_task(2)])
    await commit(store, created=[make_task(3)])

    assert {task_id(1), task_id(3)} <= await found(store, 1, 2, 3)


async def test_what_was_acknowledged_survives_a_power_cut(server, store):
    acknowledged = []

    async def write():
        for number in range(10_000):
            await commit(store, created=[make_task(number)])
            acknowledged.append(number)

    writing = asyncio.create_task(write())
    while len(acknowledged) < 50:
        await asyncio.sleep(0)
    await asyncio.to_thread(server.stop)
    with pytest.raises(StoreUnavailable):
        await writing
    server.start()

    there = await found(store, *acknowledged)
    assert there == {task_id(number) for number in acknowledged}


async def test_commit_whose_answer_was_lost_is_overtaken_when_it_is_repeated(server, store):
    await commit(store, created=[make_task(1)])
    change = batch(changed=[make_task(1, visit=2, revision=1)])
    await store.commit(change)  # its answer is taken for lost
    server.stop()
    server.start()
    with contextlib.suppress(StoreUnavailable, Overtaken):
        await store.commit(change)

    with pytest.raises(Overtaken):
        await store.commit(change)


async def test_lease_outlives_a_restart_of_the_server(server, store):
    await store.join("host/1", HOUR, holds=True)
    server.stop()
    server.start()
    with contextlib.suppress(StoreUnavailable):
        await store.renew()

    crew = await store.renew()

    assert crew.workers == 1


async def test_listening_goes_on_after_a_restart(server, store):
    other = await open_store(server.url())
    heard = asyncio.Event()
    await store.join("host/1", HOUR, holds=True)
    store.listen(heard.set)
    await asyncio.wait_for(heard.wait(), 10)
    server.stop()
    server.start()
    with contextlib.suppress(StoreUnavailable):
        await store.renew()

    heard.clear()
    await store.renew()
    await asyncio.wait_for(heard.wait(), 10)  # something may have been missed
    heard.clear()
    await commit(other, created=[make_task(1, state=TaskState.READY)])

    await asyncio.wait_for(heard.wait(), 10)
    await other.aclose()


async def test_connection_that_the_server_ends_is_made_anew(server, store):
    await commit(store, created=[make_task(1)])
    server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'conveyor'"
    )
    with pytest.raises(StoreUnavailable):
        await commit(store, created=[make_task(2)])

    await commit(store, created=[make_task(3)])

    assert await found(store, 1, 2, 3) == {task_id(1), task_id(3)}


async def test_write_that_is_cancelled_half_way_leaves_nothing(server, store):
    blocker = await connect(Place.of(server.url()))
    await commit(store, created=[make_task(1)])
    await blocker.execute("BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE")

    writing = asyncio.create_task(commit(store, changed=[make_task(1, visit=9, revision=1)]))
    while not await blocker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await blocker.execute("ROLLBACK")
    await blocker.close()

    await commit(store, changed=[make_task(1, visit=2, revision=1)])
    task = (await store.load(Wants(ids={task_id(1)}))).tasks[task_id(1)]
    assert task.visit == 2


async def test_database_that_became_read_only_is_unavailable(server, store):
    await commit(store, created=[make_task(1)])
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    line = store._turns
    async with line.use() as connection:
        while await connection.fetchval("SHOW default_transaction_read_only") == "off":
            await asyncio.sleep(0)

    with pytest.raises(StoreUnavailable, match="may not be written to"):
        await commit(store, created=[make_task(2)])
    with pytest.raises(StoreUnavailable):  # no server that can be written to
        await commit(store, created=[make_task(2)])


async def test_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr("engine.store.postgres.line.CONNECT_S", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = Place.of(f"postgresql://me:hush@127.0.0.1:{silent.getsockname()[1]}/engine")
        line = Line(place, lambda: connect(place))

        with pytest.raises(StoreUnavailable, match="does not answer in time") as refused:
            async with line.use():
                pass

    assert "hush" not in str(refused.value)


async def test_statement_that_takes_too_long_is_given_up(server):
    place = Place.of(server.url())
    line = Line(place, lambda: connect(place, statement_s=0.1))

    with pytest.raises(StoreUnavailable, match="does not answer in time"):
        async with line.use() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    async with line.use() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await line.close()


async def test_worker_buried_while_the_server_was_away_from_it_is_told_so(server, store):
    await store.join("host/1", HOUR, holds=True)
    server.stop()
    server.start()
    server.sql("DELETE FROM worker")

    with pytest.raises(LostLease):
        await commit(store, created=[make_task(1)])
