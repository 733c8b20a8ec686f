"""The HTTP side of a Python peer: the lightest there is, so that the peer itself is measured.

A program is told by its environment: PEER_PORT where to listen, PEER_DATABASE what to write to,
PEER_TWILIO where the provider is.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import uvicorn

from benchmarks.peers.jobs import ACCOUNT, TOKEN, message_form, message_path

PORT = int(os.environ["PEER_PORT"])
DATABASE = os.environ.get("PEER_DATABASE", "")
TWILIO = os.environ["PEER_TWILIO"]
AT_ONCE = 64
FINAL = "delivered"

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def callback_url(name: str) -> str:
    """Gives the URL for the callbacks of one flow: it says itself whose they are."""
    return f"http://127.0.0.1:{PORT}/callback?flow={name}"


async def beside(*arguments: str) -> None:
    """Starts another Python beside this one; it is ended with the tree of processes."""
    await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments)


class Provider:
    """Sends messages over connections that are kept."""

    _session: aiohttp.ClientSession | None = None

    async def send(self, task: Mapping[str, Any], callback: str) -> dict[str, str]:
        """Sends one; gives its sid and its status."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=AT_ONCE)
            auth = aiohttp.BasicAuth(ACCOUNT, TOKEN)
            self._session = aiohttp.ClientSession(connector=connector, auth=auth)
        form = message_form(task, callback)
        async with self._session.post(TWILIO + message_path(), data=form) as answer:
            answer.raise_for_status()
            body = await answer.json()
        return {"sid": body["sid"], "status": body["status"]}


def serve(routes: Mapping[str, Handler], begin: Callable[[], Awaitable[None]]) -> None:
    """Answers until the process ends; a handler gets the query, and the JSON or form with it."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(begin, receive, send)
            return
        given: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode()))
        body = await _body(receive)
        if body[:1] == b"{":
            given |= json.loads(body)
        else:
            given |= parse_qsl(body.decode())
        handler = routes.get(scope["path"])
        answer = json.dumps(await handler(given) if handler else None).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        status = 200 if handler else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", access_log=False)


async def _live(begin: Callable[[], Awaitable[None]], receive: Receive, send: Send) -> None:
    await receive()
    await begin()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
