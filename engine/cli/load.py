"""A client that makes load: plain HTTP/1.1 on a few connections that are kept.

Started as `python -m engine.cli.load`, a process of its own, so that it takes no time from the
engine it measures. It reads a job as a line of JSON, says `ready`, waits for another line, works,
and prints what it measured as a line of JSON. Where its input ends before a line, so does it. As
light as a client can be, it knows no TLS and no chunked bodies: the engine on loopback uses
neither.
"""

import asyncio
import contextlib
import sys
from collections import Counter, deque
from time import perf_counter
from typing import cast

import msgspec

LOST = "lost"
MOST_LATENCIES = 1001


class Request(msgspec.Struct, frozen=True):
    """One request; `body` is sent as it is."""

    method: str
    path: str
    body: str = ""
    headers: dict[str, str] = {}


class Job(msgspec.Struct, frozen=True):
    """What to send; at `per_second` 0 as fast as answers come."""

    host: str
    port: int
    requests: list[Request]
    connections: int = 64
    per_second: float = 0.0


class Measured(msgspec.Struct, frozen=True):
    """What came of a job; a latency counts from when the request was due.

    The latencies are sorted: all of them, or of many as many as percentiles need.
    """

    seconds: float
    latencies_ms: list[float]
    statuses: dict[str, int]


class Load:
    """Sends the requests of a job and takes the time."""

    def __init__(self, job: Job) -> None:
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._idle: deque[Connection] = deque()
        self._job = job
        self._left = len(job.requests)
        self._open = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._done = asyncio.Event()
        self._latencies: list[float] = []
        self._statuses: Counter[str] = Counter()

    async def connect(self) -> None:
        """Opens the connections."""
        for _ in range(min(self._job.connections, max(1, len(self._job.requests)))):
            await self._connect()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Connection(self), self._job.host, self._job.port)
        self._open += 1

    async def run(self) -> Measured:
        """Sends everything and waits for every answer."""
        requests = [_encode(each, self._job.host) for each in self._job.requests]
        started = perf_counter()
        if self._job.per_second:
            for number, request in enumerate(requests):
                due = started + number / self._job.per_second
                await asyncio.sleep(max(0.0, due - perf_counter()))
                self._offer(request, due)
        else:
            for request in requests:
                self._offer(request, 0.0)
        if requests:
            await self._done.wait()
        return Measured(perf_counter() - started, _thinned(self._latencies), dict(self._statuses))

    def _offer(self, request: bytes, due: float) -> None:
        if self._idle:
            self._idle.popleft().send(request, due or perf_counter())
        else:
            self._waiting.append((request, due))

    def ready(self, connection: "Connection") -> None:
        """Gives a connection its next request."""
        if self._waiting:
            request, due = self._waiting.popleft()
            connection.send(request, due or perf_counter())
        else:
            self._idle.append(connection)

    def lost(self, connection: "Connection") -> None:
        """Opens another connection in place of one that was closed."""
        self._open -= 1
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        opening = asyncio.ensure_future(self._reopen())
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _reopen(self) -> None:
        with contextlib.suppress(OSError):
            await self._connect()
        while not self._open and self._waiting:
            self.answered(LOST, self._waiting.popleft()[1] or perf_counter())

    def answered(self, status: str, due: float) -> None:
        """Counts an answer."""
        self._latencies.append((perf_counter() - due) * 1000)
        self._statuses[status] += 1
        self._left -= 1
        if not self._left:
            self._done.set()


class Connection(asyncio.Protocol):
    """One connection: a request out, its answer in, the next."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._due = 0.0
        self._is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for work."""
        # uvloop's transport is one, but does not inherit from it.
        self._transport = cast("asyncio.Transport", transport)
        self._load.ready(self)

    def send(self, request: bytes, due: float) -> None:
        """Sends a request."""
        self._due, self._is_busy = due, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collects an answer until it is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received, self._is_busy = b"", False
        self._load.answered(head[9:12].decode(), self._due)
        self._load.ready(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Counts a request that gets no answer."""
        del error
        if self._is_busy:
            self._load.answered(LOST, self._due)
        self._load.lost(self)


def _thinned(latencies: list[float]) -> list[float]:
    """Sorts, and of many values keeps some at even distances, with the first and the last.

    What is said stays short: of a line of a megabyte now and then a part did not arrive.
    """
    found = sorted(latencies)
    if len(found) <= MOST_LATENCIES:
        return found
    step = (len(found) - 1) / (MOST_LATENCIES - 1)
    return [found[round(number * step)] for number in range(MOST_LATENCIES)]


def _encode(request: Request, host: str) -> bytes:
    body = request.body.encode()
    head = [f"{request.method} {request.path} HTTP/1.1", f"Host: {host}"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    head += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(job: Job) -> Measured | None:
    load = Load(job)
    await load.connect()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    told = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return await load.run() if told else None


def main() -> None:
    """Does one job."""
    line = sys.stdin.readline()
    if not line:
        return
    job = msgspec.json.decode(line, type=Job)
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 -- absent on Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        measured = runner.run(_serve(job))
    if measured is not None:
        sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")


if __name__ == "__main__":
    main()
