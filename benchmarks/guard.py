"""What the guard adds to a call: one POST after the other to loopback, guarded and not.

Usage: python -m benchmarks.guard [--calls 3000] [--rounds 9]
The ways take turns, so that what else the machine does hits all of them.
"""

import argparse
import asyncio
from statistics import median
from time import perf_counter, process_time

from engine.addresses import LOOPBACK, AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import HttpAnswer, HttpCall
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, open_transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
OPEN = {
    "open: *": ("http://127.0.0.1", ("*",)),
    "an address that is open": ("http://127.0.0.1", LOOPBACK),
    "a name that is open": ("http://localhost", LOOPBACK),
    "a name that is looked up": ("http://named.test", LOOPBACK),
}


class Server(asyncio.Protocol):
    """Answers each request, which comes whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        del data
        self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def _loopback(name: str) -> tuple[str, ...]:
    del name
    return ("127.0.0.1",)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    guards = {name: Guard(AllowedHosts.read(allow), _loopback) for name, (_, allow) in OPEN.items()}
    performers = {
        name: HttpPerformer(open_transport(), guard, Circuits(0, int))
        for name, guard in guards.items()
    }
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in OPEN}
    for _ in range(given.rounds):
        for name, (origin, _) in OPEN.items():
            call = HttpCall("POST", f"{origin}:{port}/x?a=1", (), b"a=1", 60, 2**20, 5)
            began, cpu = perf_counter(), process_time()
            for _ in range(given.calls):
                if not isinstance(answer := await performers[name].perform(call), HttpAnswer):
                    raise TypeError(answer)
            took[name].append((perf_counter() - began, process_time() - cpu))
    for name, rounds in took.items():
        least = min(wall for wall, _ in rounds) / given.calls * 1e6
        usual = median(wall for wall, _ in rounds) / given.calls * 1e6
        cpu = min(cpu for _, cpu in rounds) / given.calls * 1e6
        print(f"{name:28}{least:8.1f} us least{usual:8.1f} us median{cpu:8.1f} us CPU least")
    for name, guard in guards.items():
        url = f"{OPEN[name][0]}:{port}/x?a=1"
        began = perf_counter()
        for _ in range(100_000):
            await guard.way(url, 10)
        print(f"{name:28}{(perf_counter() - began) * 10:8.2f} us to decide")
    for performer in performers.values():
        await performer.aclose()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
