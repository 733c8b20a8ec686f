"""Every store there is. A new database joins the contract by a new parameter here."""

import pytest

from engine.store.opening import open_store
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


@pytest.fixture(params=["memory", "file", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return {"memory": "sqlite://", "file": f"sqlite:///{tmp_path}/engine.db"}[request.param]


@pytest.fixture
async def store(url):
    opened = await open_store(url)
    yield opened
    await opened.aclose()
