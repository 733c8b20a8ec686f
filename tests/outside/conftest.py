from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from http_servers import Behaviour, Server

from engine.addresses import LOOPBACK, AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import HttpCall
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, TransportKind, open_transport
from tests.store.postgres_server import PostgresServer

Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers = []

    async def start(behaviour: Behaviour, tls=None) -> Server:
        server = Server(behaviour)
        await server.start(tls)
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture(params=[TransportKind.PYREQWEST, TransportKind.HTTPX])
async def performer(request) -> AsyncIterator[HttpPerformer]:
    guard = Guard(AllowedHosts.read(LOOPBACK))
    performer = HttpPerformer(open_transport(request.param), guard, Circuits(0, int))
    yield performer
    await performer.aclose()
    await guard.aclose()


@pytest.fixture
def make_call() -> Callable[..., HttpCall]:
    def make(url: str, method: str = "POST", **changes) -> HttpCall:
        fields = {
            "headers": (),
            "body": b"a=1" if method == "POST" else None,
            "timeout_s": 60,
            "max_response_bytes": 1_000_000,
            "max_threads": 5,
        }
        return HttpCall(method=method, url=url, **(fields | changes))

    return make


@pytest.fixture(scope="session")
def postgres_server():
    """One server for each process that runs tests of databases."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()
