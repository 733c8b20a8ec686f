"""One request and its answer as raw ASGI, for the paths that must be fast. HOT."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from engine.errors import EngineError, InvalidData, TooLarge
from engine.web.problem import RETRY_AFTER_S, TYPE, may_retry, problem_bytes, status_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = b"application/json"


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Reads a request's body.

    Raises:
        TooLarge: it is longer than allowed; the rest is not read.
    """
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request is larger than {limit} bytes")


def header(scope: Scope, name: bytes) -> str:
    """Gives a header's value; empty if it is not there. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


def read_json(body: bytes) -> Any:
    """Reads JSON; integers of any size stay exact.

    Raises:
        InvalidData: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidData(f"the body is not JSON: {error}") from None


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: bytes = JSON,
    more: Headers | None = None,
) -> None:
    """Sends an answer."""
    headers: Headers = [(b"content-length", b"%d" % len(body))]
    if body:
        headers.append((b"content-type", content_type))
    if more:
        headers.extend(more)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_error(send: Send, error: EngineError) -> None:
    """Sends what went wrong."""
    more: Headers = [(b"retry-after", RETRY_AFTER_S.encode())] if may_retry(error) else []
    await answer(send, status_of(error), problem_bytes(error), TYPE, more)
