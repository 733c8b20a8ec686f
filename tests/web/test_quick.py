"""Quick requests: the same answers in whatever shape a request comes."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from engine.web.app import create_app
from engine.web.quick_protocol import QuickProtocol

TASK = b'{"ref": "r1", "data": {"name": "Ann"}}'
PATH = "/v1/processes/greet/tasks"


def head(path=PATH, *, version="1.1", length=None, more=()):
    lines = [f"POST {path} HTTP/{version}", "Host: localhost", "Content-Type: application/json"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, *more, "", ""]).encode()


def chunked(body):
    middle = len(body) // 2
    parts = [body[:middle], body[middle:], b""]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


def status(answer):
    return int(answer.split(b" ", 2)[1])


CLOSE = ("Connection: close",)
WHOLE = head(length=len(TASK), more=CLOSE) + TASK
SHAPES = {
    "whole": WHOLE,
    "in chunks": head(more=("Transfer-Encoding: chunked", *CLOSE)) + chunked(TASK),
    "old": head(version="1.0", length=len(TASK)) + TASK,
    "asked first": head(length=len(TASK), more=("Expect: 100-continue", *CLOSE)) + TASK,
    "absolute": WHOLE.replace(b"POST /", b"POST http://localhost/", 1),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_answer_is_the_same_in_every_shape(site, shape):
    answer = await site.raw(SHAPES[shape])

    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert status(answer) == 201
    assert b"connection: close\r\n" in answer
    assert (await site.task("greet", "r1"))["data"]["greeting"] == "Hello Ann"


async def test_a_request_may_come_byte_by_byte(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))

    for number in range(len(WHOLE)):
        writer.write(WHOLE[number : number + 1])
        await writer.drain()
        await asyncio.sleep(0)

    assert status(await reader.read()) == 201
    writer.close()


async def test_requests_sent_ahead_are_answered_in_their_order(site):
    quick = [b'{"ref": "a%d", "data": {"name": "Ann"}}' % number for number in range(5)]
    sent = [head(length=len(body)) + body for body in quick]
    lists = [b'[{"ref": "b%d", "data": {"name": "Bob"}}]' % number for number in range(5)]
    sent += [head(length=len(body)) + body for body in lists]
    sent.append(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    mixed = [sent[number] for number in (0, 5, 10, 1, 2, 6, 7, 3, 10, 4, 8, 9)]

    answer = await site.raw(b"".join(mixed) + WHOLE)

    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [201, 200, 200, 201, 201, 200, 200, 201, 200, 201, 200, 200, 201]
    refs = [part[:2] for part in answer.split(b'"ref":"')[1:]]
    assert refs == [b"a0", b"b0", b"a1", b"a2", b"b1", b"b2", b"a3", b"a4", b"b3", b"b4", b"r1"]


async def test_a_refusal_leaves_the_connection_open(site):
    bad = b'{"data": {"times": "many"}}'

    answer = await site.raw(head(length=len(bad)) + bad + WHOLE)

    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [422, 201]


async def test_a_client_that_does_not_wait_for_its_answer_loses_only_that(site):
    _, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))

    writer.write(head(length=len(TASK)) + TASK)
    await writer.drain()
    writer.transport.abort()
    await site.submit("greet", {"name": "Bob"}, "r2")

    assert (await site.task("greet", "r2"))["data"]["greeting"] == "Hello Bob"


async def test_an_engine_that_stops_answers_what_it_has_begun(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))

    writer.write(head(length=len(TASK)) + TASK)
    await writer.drain()
    first = await reader.readuntil(b"\r\n\r\n")
    await site.stop_serving()

    assert status(first) == 201
    assert (await reader.read()).endswith(b"}")
    writer.close()


async def test_a_body_that_ends_too_early_stores_nothing(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))

    writer.write(head(length=len(TASK) + 1) + TASK)
    writer.write_eof()
    writer.close()
    await reader.read()

    assert (await site.http.get(f"{PATH}/r1")).status_code == 404


async def test_a_body_that_stops_is_answered_408(workspace):
    class Hasty(QuickProtocol):
        body_s = 0.02

    app = create_app(workspace)
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    server = await asyncio.get_running_loop().create_server(
        lambda: Hasty(config, ServerState(), {}, begin=app.begin), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    writer.write(head(length=len(TASK)) + TASK[:10])
    answer = await reader.read()

    writer.close()
    server.close()
    assert status(answer) == 408
