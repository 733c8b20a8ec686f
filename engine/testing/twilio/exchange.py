"""One request and its answer, between ASGI and the rest of the simulator.

Values that every message needs are named tuples in this package: to build a frozen dataclass
takes three times as long.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from engine.testing.twilio.creation import Form
from engine.testing.twilio.representation import JSON_TYPE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_REQUEST_BYTES = 256 * 1024
MAX_FIELDS = 1000
MAX_REMEMBERED = 500

_FORM_TYPE = b"application/x-www-form-urlencoded"


class Request(NamedTuple):
    """A request that was read to its end."""

    method: str
    path: str
    query: bytes
    authorization: bytes
    content_type: bytes
    body: bytes

    @property
    def form(self) -> Form:
        """Gives the fields of the body, none if it is not a form."""
        if not self.content_type.startswith(_FORM_TYPE):
            return []
        return _decode(self.body)

    @property
    def fields(self) -> dict[str, str]:
        """Gives the fields of the query."""
        return dict(_decode(self.query))


def _decode(encoded: bytes) -> Form:
    """Decodes a form; what is not UTF-8 becomes replacement characters.

    Does what `urllib.parse.parse_qsl` does in a third of its time, which was the largest part of
    the work for a message.
    """
    form = []
    for field in encoded.decode("utf-8", "replace").split("&", MAX_FIELDS)[:MAX_FIELDS]:
        name, _, value = field.partition("=")
        if name:
            form.append((_unquote(name), _unquote(value)))
    return form


# The same senders, callback URLs and names come again and again; a body does not.
_unquote_often = lru_cache(maxsize=4096)(unquote_plus)


def _unquote(text: str) -> str:
    if "%" not in text:
        return text.replace("+", " ")
    return _unquote_often(text) if len(text) <= MAX_REMEMBERED else unquote_plus(text)


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    content_type: bytes = JSON_TYPE
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Disconnected(Exception):
    """The client went away before its request was complete."""


class TooLarge(Exception):
    """The request's body is larger than any message can be."""


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Reads the whole request.

    Raises:
        Disconnected: it was never complete.
        TooLarge: it is not worth reading on.
    """
    authorization = content_type = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"content-type":
            content_type = value.lower()
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        authorization=authorization,
        content_type=content_type,
        body=await _read_body(receive),
    )


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = event.get("body", b"")
        body += part
        if len(body) > MAX_REQUEST_BYTES:
            raise TooLarge
        if not event.get("more_body", False):
            return body


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends the answer."""
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode("ascii")),
        *answer.headers,
    ]
    if answer.status == 204:
        headers = []
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
