"""Two `engine serve` on one PostgreSQL, and what may happen to them and to it.

Judged as in `test_kill`, from the clients' own record. `ENGINE_TEST_KILLS` sets how often (200
means ten of each), `ENGINE_TEST_SEED` repeats a run.
"""

import asyncio
import os
import random
import signal

import pytest

from engine.settings import Settings
from engine.workspace import Workspace
from tests.promises import killed_engine
from tests.promises.records import Clients, judge
from tests.promises.served_engine import Crowd, Server
from tests.store.postgres_server import PostgresServer

TIMES = max(int(os.environ.get("ENGINE_TEST_KILLS", "200")) // 20, 1)
SEED = os.environ.get("ENGINE_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
NEW_ORDERS = 30
LONGEST_PAUSE_S = 0.4
LEASE = {"ENGINE_LEASE_SECONDS": "1"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


class Stage:
    """Two engines on a database of their own, and clients that ask them."""

    def __init__(self, server, name, folder, database=""):
        self.postgres = server
        self.name = name
        server.sql(f"CREATE DATABASE {name}")
        self.database = database or server.url(name)
        self.folder = folder / "processes"
        killed_engine.write_files(self.folder, calls_outside=False)
        self.chance = random.Random(f"{SEED}-{name}")
        self.clients = Clients(f"{SEED}-{name}")
        self.crowd = None

    async def __aenter__(self):
        print(f"to repeat: ENGINE_TEST_SEED={SEED}")
        servers = [self.serve(), self.serve()]
        workspace = await Workspace.open(Settings(database=self.database), read_only=True)
        path = "/api/" + workspace.callback_url("order", "wait").partition("/api/")[2]
        await workspace.stop()
        self.crowd = Crowd(self.clients, path)
        self.crowd.servers = servers
        await self.crowd.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.crowd.__aexit__(*error)
        for each in self.crowd.servers:
            if each.process.poll() is None:
                each.send(signal.SIGCONT)
                each.end(signal.SIGKILL)

    def serve(self):
        return Server(self.database, self.folder, **LEASE)

    async def start(self):
        """Starts an engine while the clients go on asking."""
        return await asyncio.to_thread(self.serve)

    async def pause(self):
        """Lets a random moment pass."""
        await asyncio.sleep(self.chance.random() * LONGEST_PAUSE_S)

    async def judge(self):
        """Ends both engines and looks at what is in the database."""
        await self.crowd.rest()
        for each in self.crowd.servers:
            assert await asyncio.to_thread(each.end, signal.SIGTERM) == 0
        assert self.clients.open == {}
        await judge(self.database, self.clients)
        assert len(self.clients.orders) >= NEW_ORDERS

    def leases(self):
        rows = self.postgres.sql("SELECT token FROM worker ORDER BY token", database=self.name)
        return [row[0] for row in rows]


async def test_one_of_two_engines_is_killed_at_random(server, tmp_path):
    async with Stage(server, "killed", tmp_path) as stage:
        for _ in range(TIMES):
            stage.clients.begin(NEW_ORDERS)
            await stage.pause()
            dead = stage.chance.choice(stage.crowd.servers)
            stage.crowd.servers.remove(dead)
            assert await asyncio.to_thread(dead.end, signal.SIGKILL) == -9
            await stage.pause()
            stage.crowd.servers.append(await stage.start())

        await stage.judge()


async def test_the_database_stops_at_once_during_work_and_during_recovery(server, tmp_path):
    async with Stage(server, "stopped", tmp_path) as stage:
        for number in range(TIMES):
            stage.clients.begin(NEW_ORDERS)
            await stage.pause()
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            if number % 2:
                await asyncio.sleep(stage.chance.random() * 0.05)
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)

        await stage.judge()


async def test_an_engine_that_stood_still_longer_than_its_lease_does_nothing_twice(
    server, tmp_path
):
    async with Stage(server, "still", tmp_path) as stage:
        for _ in range(max(TIMES // 3, 1)):
            stage.clients.begin(NEW_ORDERS)
            await stage.pause()
            before = await asyncio.to_thread(stage.leases)
            still = stage.chance.choice(stage.crowd.servers)
            stage.crowd.servers.remove(still)
            still.send(signal.SIGSTOP)
            stage.clients.begin(NEW_ORDERS)
            # Until the other has buried it.
            while len(await asyncio.to_thread(stage.leases)) == len(before):
                await asyncio.sleep(0.02)
            await stage.pause()
            still.send(signal.SIGCONT)
            stage.crowd.servers.append(still)
            while len(await asyncio.to_thread(stage.leases)) < len(before):
                await asyncio.sleep(0.02)

        await stage.judge()


async def test_engines_are_restarted_one_after_the_other_and_nobody_is_refused(server, tmp_path):
    async with Stage(server, "rolling", tmp_path) as stage:
        for _ in range(max(TIMES // 3, 1)):
            stage.clients.begin(NEW_ORDERS)
            for old in list(stage.crowd.servers):
                stage.crowd.servers.append(await stage.start())
                await stage.pause()
                stage.crowd.servers.remove(old)
                assert await asyncio.to_thread(old.end, signal.SIGTERM) == 0

        await stage.judge()


async def test_a_synchronous_standby_takes_the_place_of_the_server(tmp_path):
    first = PostgresServer(fsync="on")
    first.start()
    second = PostgresServer(standby_of=first, fsync="on")
    try:
        second.start()
        first.sql("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        both = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        async with Stage(first, "moved", tmp_path, f"postgresql://postgres@{both}/moved") as stage:
            stage.clients.begin(3 * NEW_ORDERS)
            await stage.pause()

            await asyncio.to_thread(first.stop)
            stage.clients.begin(NEW_ORDERS)
            await stage.pause()
            await asyncio.to_thread(second.promote)

            await stage.judge()
    finally:
        second.remove()
        first.remove()
