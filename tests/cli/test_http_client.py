"""The client that asks an engine over HTTP, against a server that answers as it is told."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from engine.cli.http_client import http_client
from engine.errors import UnknownTask, WaitedInVain
from engine.settings import Settings

RUNNING = {"task_id": "t1", "ref": "r1", "status": "waiting", "finished": None}
ENDED = {**RUNNING, "status": "success", "finished": "2026-11-23T12:00:00Z"}
GONE = {"kind": "unknown_task", "detail": "'p' has no task 't1'", "status": 404}


@asynccontextmanager
async def server(*answers):
    """Gives (status, body) to one request after the other; yields the URL and what was asked."""
    asked, left = [], list(answers)

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *headers = head.decode().split("\r\n")
            length = next((h.split(":")[1] for h in headers if h.startswith("Content-Length")), "0")
            await reader.readexactly(int(length))
            asked.append(line.rsplit(" ", 1)[0])
            status, body = left.pop(0)
            content = json.dumps(body).encode()
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(content)))
            writer.write(content)
            if not left:
                break
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
    listening.close()


async def submit(url, wait_s):
    async with http_client(url, Settings(), ask_again_s=0.0) as client:
        return await client.submit("p", {}, "r1", wait_s)


async def test_an_engine_that_waits_an_hour_at_most_is_asked_again():
    answers = [(202, RUNNING), (200, RUNNING), (200, RUNNING), (200, ENDED)]
    async with server(*answers) as (url, asked):
        task = await submit(url, 86_400.0)

    assert task == ENDED
    assert asked == [
        "POST /v1/processes/p/tasks?wait=86400",
        "GET /v1/processes/p/tasks/t1",
        "GET /v1/processes/p/tasks/t1",
        "GET /v1/processes/p/tasks/t1",
    ]


async def test_a_task_that_stands_failed_is_not_waited_for():
    parked = {**RUNNING, "status": "error"}
    async with server((202, RUNNING), (200, parked)) as (url, _):
        assert await submit(url, 86_400.0) == parked


async def test_a_task_that_is_gone_meanwhile_is_told():
    async with server((202, RUNNING), (404, GONE)) as (url, _):
        with pytest.raises(UnknownTask, match="'r1' of 'p' is not there any more"):
            await submit(url, 86_400.0)


async def test_waiting_ends_when_the_time_is_over():
    async with server((202, RUNNING)) as (url, asked):
        with pytest.raises(WaitedInVain, match="did not end within 0 s"):
            await submit(url, 0.0)

    assert len(asked) == 1
