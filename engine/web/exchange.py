"""One request and its answer as raw ASGI, for the paths that must be fast. HOT."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from engine.errors import EngineError, InvalidData, RequestError, TooLarge
from engine.web.problem import TYPE, Headers, headers_of, problem_bytes, status_of
from engine.web.strict_json import repeated_name

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"
FORM = "application/x-www-form-urlencoded"
LONGEST_KEY = 200
# About half of what Python's own limit lets the parser read: who writes it again has called deeper.
DEEPEST = 512


class ClientGone(Exception):
    """The client closed the connection: its request is cut short, and there is nobody to answer."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Reads a request's body.

    Raises:
        TooLarge: it is longer than allowed; the rest is not read.
        ClientGone: the connection ended before it.
    """
    receive = bounded(scope, receive, limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


def bounded(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Gives a `receive` that ends where the body is longer than allowed, or cut short.

    Raises:
        TooLarge: the request itself says that it is longer.
    """
    check_length(scope, limit)
    size = 0

    async def receive_up_to_limit() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return receive_up_to_limit


def check_length(scope: Scope, limit: int) -> None:
    """Refuses a body that says itself that it is longer than allowed.

    Raises:
        TooLarge: it does.
    """
    length = header(scope, b"content-length")
    if length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request is larger than {limit} bytes")


def header(scope: Scope, name: bytes) -> str:
    """Gives a header's value; empty if it is not there. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


def media_type(scope: Scope) -> str:
    """Gives the content type without its parameters, in lower case."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def idempotency_key(scope: Scope) -> str:
    """Gives the request's `Idempotency-Key`, empty if it has none.

    Raises:
        InvalidData: it is too long to be kept.
    """
    key = header(scope, b"idempotency-key")
    if len(key) > LONGEST_KEY:
        raise InvalidData(f"Idempotency-Key is longer than {LONGEST_KEY} characters")
    return key


def read_json(body: bytes) -> Any:
    """Reads JSON; integers of any size stay exact.

    Raises:
        RequestError: it is none, or has a name twice in an object: one value would be lost.
    """
    value = read_foreign_json(body)
    name = repeated_name(body, value)
    if name is not None:
        raise RequestError(
            f"the body has '{name}' twice in one object", hint="say which of the values is meant"
        )
    return value


def read_foreign_json(body: bytes) -> Any:
    """Reads JSON of somebody who can't be told to mend it: of a name that comes twice the last.

    Raises:
        RequestError: it is none, or nested too deeply.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from None
    if body.count(b"[") + body.count(b"{") > DEEPEST and _is_too_deep(value):
        raise RequestError(f"the body is nested more than {DEEPEST} deep")
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: bytes = JSON,
    more: Headers | None = None,
) -> None:
    """Sends an answer."""
    # An answer without content has no length either (RFC 9110, 8.6).
    headers: Headers = [] if status == 204 else [(b"content-length", b"%d" % len(body))]
    if body:
        headers.append((b"content-type", content_type))
    if more:
        headers.extend(more)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_error(send: Send, error: EngineError, status: int = 0) -> None:
    """Sends what went wrong, with its own status unless another is given."""
    status = status or status_of(error)
    await answer(send, status, problem_bytes(error, status), TYPE, headers_of(error))
