"""Servers on loopback that do as a test says, byte by byte."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATES = Path(__file__).parent / "certificates"

Behaviour = Callable[["Connection"], Awaitable[None]]


@dataclass
class Received:
    """One request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other == name]


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Server"

    async def request(self) -> Received:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:])
        headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        length = next((int(value) for name, value in headers if name == "content-length"), 0)
        received = Received(method, target, headers, await self.reader.readexactly(length))
        self.server.requests.append(received)
        self.server.arrived.set()
        return received

    async def answer(self, body: bytes = b"", *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        await self.write("\r\n".join(lines).encode() + body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> None:
        """Wait until the other side closes, and tell the test."""
        with suppress(ConnectionError):
            await self.reader.read()
        self.server.closed.set()


@dataclass
class Server:
    behaviour: Behaviour
    scheme: str = "http"
    port: int = 0
    connections: int = 0
    requests: list[Received] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task] = field(default_factory=set)
    _listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self.scheme = "https" if tls else "http"
        self._listener = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=tls, ssl_shutdown_timeout=0.1 if tls else None
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(Connection(reader, writer, self)))
        self._tasks.add(task)

    async def _serve(self, connection: Connection) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.behaviour(connection)
        finally:
            connection.writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await connection.writer.wait_closed()


def server_tls(*, asks_for_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    if asks_for_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CERTIFICATES / "authority.pem")
    return context


async def ok(connection: Connection) -> None:
    """Answer every request on the connection with 200 and `ok`."""
    while True:
        await connection.request()
        await connection.answer(b"ok")


async def endless(connection: Connection) -> None:
    """Answer with a body that goes on until the other side closes."""
    await connection.request()
    try:
        await connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await connection.write(b"x" * 65536)
    except ConnectionError:
        connection.server.closed.set()
