"""Clients that send slowly, or not at all: in time that passes when told to, and for real."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from engine.web.protocol import BoundedProtocol

HEAD = b"POST /v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
LATE = b"HTTP/1.1 408 Request Timeout\r\n"
CREATED = b"HTTP/1.1 201"


class Handle:
    def __init__(self, due, callback):
        self.due, self.callback = due, callback

    def cancel(self):
        self.callback = None


class Loop:
    """A loop whose timers run when time is told to pass; tasks run on the real one."""

    def __init__(self):
        self.now = 0.0
        self.handles = []

    def call_later(self, seconds, callback):
        self.handles.append(Handle(self.now + seconds, callback))
        return self.handles[-1]

    def create_task(self, coroutine):
        return asyncio.get_running_loop().create_task(coroutine)

    def advance(self, seconds):
        until = self.now + seconds
        while due := [each for each in self.handles if each.callback and each.due <= until]:
            first = min(due, key=lambda each: each.due)
            self.now, callback, first.callback = first.due, first.callback, None
            callback()
        self.now = until

    @property
    def armed(self):
        return sum(each.callback is not None for each in self.handles)


class Wire:
    """The transport of a connection."""

    def __init__(self):
        self.sent = b""
        self.is_closed = False

    def get_extra_info(self, name, default=None):
        return default

    def write(self, data):
        self.sent += data

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        """Does not have to: nothing is sent by itself."""

    resume_reading = pause_reading


class Connection:
    """A client's end, and time."""

    def __init__(self, app):
        config = uvicorn.Config(
            app, ws="none", lifespan="off", log_config=None, access_log=False, timeout_keep_alive=75
        )
        self.loop, self.wire = Loop(), Wire()
        self.protocol = BoundedProtocol(config, ServerState(), {}, _loop=self.loop)
        self.protocol.connection_made(self.wire)

    async def send(self, data):
        self.protocol.data_received(data)
        await self.settle()

    async def settle(self):
        """Lets the application do what it can."""
        for _ in range(10):
            await asyncio.sleep(0)

    def close(self):
        self.protocol.connection_lost(None)


@pytest.fixture
async def answering():
    """Lets requests be answered."""
    return asyncio.Event()


@pytest.fixture
async def connection(answering):
    async def app(scope, receive, send):
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        await answering.wait()
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    connection = Connection(app)
    yield connection
    answering.set()
    connection.close()
    await connection.settle()


async def test_a_head_that_is_not_whole_in_time_is_408(connection):
    for byte in range(9):
        await connection.send(HEAD[byte : byte + 1])
        connection.loop.advance(1)
    assert not connection.wire.is_closed

    connection.loop.advance(1)

    assert connection.wire.sent.startswith(LATE)
    assert connection.wire.is_closed


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_a_connection_on_which_nothing_comes_is_closed(connection, sent):
    if sent:
        await connection.send(sent)

    connection.loop.advance(75)

    assert connection.wire.is_closed


async def test_a_body_that_pauses_is_408(connection, answering):
    answering.set()
    await connection.send(HEAD + b"ab")
    connection.loop.advance(29)
    assert not connection.wire.is_closed

    connection.loop.advance(1)

    assert connection.wire.sent.startswith(LATE)
    assert connection.wire.is_closed


async def test_a_body_that_comes_slowly_is_taken(connection, answering):
    answering.set()
    await connection.send(HEAD[:10])
    connection.loop.advance(9)
    await connection.send(HEAD[10:])
    for _ in range(4):
        connection.loop.advance(29)
        await connection.send(b"x")

    assert connection.wire.sent.startswith(CREATED)
    assert not connection.wire.is_closed


async def test_an_answer_may_take_as_long_as_it_takes(connection, answering):
    await connection.send(HEAD + b"body")
    connection.loop.advance(3600)
    assert not connection.wire.is_closed

    answering.set()
    await connection.settle()

    assert connection.wire.sent.startswith(CREATED)


@pytest.mark.parametrize("more", [HEAD[:10], HEAD, HEAD + b"ab"])
async def test_a_request_behind_another_is_not_cut_before_that_is_answered(
    connection, answering, more
):
    await connection.send(HEAD + b"body" + more)
    connection.loop.advance(3600)
    assert not connection.wire.is_closed

    answering.set()
    await connection.settle()
    assert connection.wire.sent.startswith(CREATED)
    connection.loop.advance(30)

    assert LATE in connection.wire.sent
    assert connection.wire.is_closed


async def test_the_rest_of_a_body_that_nobody_wants_gets_no_second_answer(connection):
    async def app(scope, receive, send):
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    hasty = Connection(app)
    await hasty.send(HEAD + b"ab")
    hasty.loop.advance(75)
    hasty.close()

    assert hasty.wire.sent.startswith(b"HTTP/1.1 413")
    assert LATE not in hasty.wire.sent
    assert hasty.wire.is_closed


async def test_a_whole_request_leaves_no_timer_but_the_one_between_requests(connection, answering):
    answering.set()
    for _ in range(5):
        await connection.send(HEAD + b"body")

    assert connection.loop.armed == 1
    connection.loop.advance(75)
    assert connection.wire.is_closed


async def test_a_lost_connection_leaves_no_timer(connection):
    await connection.send(HEAD[:10])

    connection.close()

    assert connection.loop.armed == 0


async def test_a_slow_head_is_cut_on_a_real_connection(workspace):
    from engine.web.app import create_app

    class Hasty(BoundedProtocol):
        head_s = 0.02

    config = uvicorn.Config(
        create_app(workspace), http=Hasty, ws="none", lifespan="off", log_config=None
    )
    server = await asyncio.get_running_loop().create_server(
        lambda: Hasty(config, ServerState(), {}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD[:20])
    received = await reader.read()
    writer.close()
    server.close()

    assert received.startswith(LATE)
    assert received.endswith(b"\r\n\r\nThe request did not come in time.")
