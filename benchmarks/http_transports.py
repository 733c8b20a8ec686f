"""Measure the HTTP transports: POST a form, read a JSON answer, 64 calls at a time.

    python benchmarks/http_transports.py [--calls 4000] [--rounds 3]

The server is a process of its own on loopback. The rounds of all clients take turns, so that what
else the machine does meets each alike. Of a client's rates the median counts, of its CPU (of the
process, with all threads) the least: others can only add to it. `bare pyreqwest` is the least
that can be written with the library; its distance to ours is what the promises cost.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.connection import Connection

import uvloop
from pyreqwest.client import ClientBuilder

from engine.addresses import LOOPBACK, AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import HttpAnswer, HttpCall
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, TransportKind, open_transport

CONCURRENCY = 64
FORM = b"To=%2B15558675310&From=%2B15017122661&Body=hello+1"
HEADERS = (
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Authorization", "Basic QUMxOnQ="),
    ("Idempotency-Key", "65f0c0ffee0123456789abcd-1"),
)
ANSWER = json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "to": "+15558675310"}).encode()
RESPONSE = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
) % (len(ANSWER), ANSWER)

Call = Callable[[], Awaitable[None]]
Close = Callable[[], Awaitable[None]]
Opened = tuple[Call, Close]


class Server(asyncio.Protocol):
    """Answers whatever ends with the form."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(FORM):
            self._received = b""
            self._transport.write(RESPONSE)


def serve(pipe: Connection) -> None:
    """Run the server and tell its port."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


def bare_pyreqwest(url: str) -> Opened:
    """Return the least that posts and reads."""
    client = ClientBuilder().build()

    async def call() -> None:
        response = await client.post(url).headers(HEADERS).body_bytes(FORM).build().send()
        json.loads(bytes(await response.bytes()))["sid"]

    return call, client.close


def ours(kind: TransportKind) -> Callable[[str], Opened]:
    """Return a performer with the transport of the kind."""

    def opened(url: str) -> Opened:
        guard = Guard(AllowedHosts.read(LOOPBACK))
        performer = HttpPerformer(open_transport(kind), guard, Circuits(0, int))

        async def call() -> None:
            answer = await performer.perform(HttpCall("POST", url, HEADERS, FORM, 60, 2**20, 5))
            if not isinstance(answer, HttpAnswer):
                raise TypeError(answer)
            json.loads(answer.body)["sid"]

        return call, performer.aclose

    return opened


def aiohttp(url: str) -> Opened:
    """Return aiohttp, for comparison: the project does not use it."""
    from aiohttp import ClientSession, TCPConnector  # noqa: PLC0415 - measured where it is there

    session = ClientSession(connector=TCPConnector(limit=0))

    async def call() -> None:
        async with session.post(url, data=FORM, headers=HEADERS) as response:
            json.loads(await response.read())["sid"]

    return call, session.close


CLIENTS = {
    "bare pyreqwest": bare_pyreqwest,
    "transport pyreqwest": ours(TransportKind.PYREQWEST),
    "aiohttp": aiohttp,
    "transport httpx": ours(TransportKind.HTTPX),
}


async def drive(call: Call, calls: int) -> tuple[float, float]:
    """Make the calls; return how many a second, and the CPU of each in microseconds."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    after, elapsed = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return calls / elapsed, cpu / calls * 1e6


async def measure(url: str, calls: int, rounds: int) -> None:
    """Measure all clients in turns and print their medians."""
    clients: dict[str, Opened] = {}
    for name, opened in CLIENTS.items():
        with suppress(ImportError):
            clients[name] = opened(url)
            await drive(clients[name][0], calls // 10)
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, (call, _close) in clients.items():
            results[name].append(await drive(call, calls))
    for _call, close in clients.values():
        await close()
    for name, measured in results.items():
        rate = statistics.median(rate for rate, _ in measured)
        cpu = min(cpu for _, cpu in measured)
        print(f"{name:20} {rate:8,.0f} calls/s {1e6 / rate:8.1f} us {cpu:8.1f} us CPU")


def main() -> None:
    """Read the options, run server and clients."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    receiving, sending = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(sending,))
    server.start()
    try:
        url = f"http://127.0.0.1:{receiving.recv()}/Messages.json"
        uvloop.run(measure(url, options.calls, options.rounds))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
