"""Every store there is. A new database joins the contract by a new parameter here."""

import random

import pytest

from engine.store.opening import open_store
from engine.testing.simulation.disk import Disk
from engine.testing.simulation.handle import Handle
from tests.store.postgres_server import EMPTY, PostgresServer, apart


@pytest.fixture(scope="session")
def postgres_server():
    """One server for each process that runs tests, with the engine's tables in one database."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def _postgres_tables(postgres_server):
    postgres_server.sql("CREATE DATABASE engine")

    async def make():
        await (await open_store(postgres_server.url("engine"))).aclose()

    apart(make)


@pytest.fixture
def postgres_url(postgres_server, _postgres_tables):
    """A database with empty tables: emptied, since a new one would take a hundred times as long."""
    postgres_server.sql(*EMPTY, database="engine")
    return postgres_server.url("engine")


class Simulated:
    """The database of simulations: without trouble and delay it must be as the others are."""

    def __init__(self, *, is_shared):
        self.disk = Disk(is_shared=is_shared)
        self.handles = {}

    async def open(self, name=""):
        handle = self.handles[name] = Handle(self.disk, _Calm(), trouble=0.0)
        return handle

    def end_lease(self, name):
        self.disk.leases[self.handles[name].token] = -1


class _Calm(random.Random):
    def random(self):
        return 1.0


class Shared:
    """PostgreSQL."""

    def __init__(self, server, url):
        self.server = server
        self.url = url

    async def open(self, name=""):
        return await open_store(self.url)

    def end_lease(self, name):
        self.server.sql(f"UPDATE worker SET expires = 0 WHERE worker = '{name}'", database="engine")


@pytest.fixture(params=["postgres", "simulated"])
async def database(request):
    """What several engines may share."""
    if request.param == "simulated":
        simulated = Simulated(is_shared=True)
        yield simulated
        await simulated.disk.store.aclose()
    else:
        server = request.getfixturevalue("postgres_server")
        yield Shared(server, request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["memory", "file", "postgres", "simulated", "simulated-shared"])
async def store(request, tmp_path):
    if request.param.startswith("simulated"):
        simulated = Simulated(is_shared=request.param == "simulated-shared")
        yield await simulated.open()
        await simulated.disk.store.aclose()
        return
    urls = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path}/engine.db"}
    url = urls.get(request.param) or request.getfixturevalue("postgres_url")
    opened = await open_store(url)
    yield opened
    await opened.aclose()
