"""A connection that answers quick requests itself, and leaves the rest to uvicorn. HOT."""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import httptools

from engine.web.exchange import Scope
from engine.web.protocol import BoundedProtocol
from engine.web.quick import Reply, Respond

Begin = Callable[[Scope, bytes, Respond], bool]

QUICK = (b"/v1/processes/", b"/api/1/json/")
LONGEST_BODY = 64 * 1024
"""As much as uvicorn itself reads before somebody asks for it."""

_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_UNWATCHED = asyncio.Event()


class _Exchange:
    """A quick request under way, as far as uvicorn must know of it (`RequestResponseCycle`)."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    # Set by uvicorn where somebody might wait for a change; here nobody does.
    message_event = _UNWATCHED

    def __init__(self, protocol: "QuickProtocol", *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False

    @property
    def response_started(self) -> bool:
        """Whether anything was sent: a quick answer is sent as a whole."""
        return self.response_complete

    def respond(self, reply: Reply) -> None:
        self.response_complete = True
        if not self.disconnected:
            self._protocol.send_reply(reply, keep_alive=self.keep_alive)


class QuickProtocol(BoundedProtocol):
    """Collects the body of what may be a quick request, and only then decides whose it is."""

    def __init__(self, *args: Any, begin: Begin, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begin = begin
        self._body: list[bytes] | None = None

    def on_headers_complete(self) -> None:
        """Begins to collect a body, or leaves the request to uvicorn."""
        if self.url.startswith(QUICK) and self._may_be_quick():
            self.note_head()
            self._body = []
        else:
            super().on_headers_complete()

    def _may_be_quick(self) -> bool:
        """Whether this is a POST of a known, short length, and the connection owes nothing."""
        cycle = cast("_Exchange | None", self.cycle)
        if (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            return False
        if self.parser.get_method() != b"POST" or self.parser.should_upgrade():
            return False
        length = -1
        for name, value in self.headers:
            if name == b"content-length":
                length = int(value) if value.isdigit() and len(value) < 9 else -1
            elif name in {b"expect", b"transfer-encoding"}:
                return False
        return 0 <= length <= LONGEST_BODY

    def on_body(self, body: bytes) -> None:
        """Collects a part of a body."""
        if self._body is None:
            super().on_body(body)
        else:
            self.note_progress()
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Begins a quick request; has uvicorn take up from its head what is none."""
        if self._body is None:
            super().on_message_complete()
            return
        body, self._body = b"".join(self._body), None
        scope, before = cast("Scope", self.scope), self.cycle
        path = httptools.parse_url(self.url)
        scope["method"], scope["raw_path"] = "POST", path.path
        scope["query_string"] = path.query or b""
        is_kept = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        exchange = _Exchange(self, keep_alive=is_kept)
        self.cycle = cast("Any", exchange)
        if self._begin(scope, body, exchange.respond):
            self.note_end()
            return
        self.cycle = before
        super().on_headers_complete()
        if body:
            super().on_body(body)
        super().on_message_complete()

    @property
    def owes_late_answer(self) -> bool:
        """Whether a request that is late has no answer yet."""
        return self._body is not None or super().owes_late_answer

    def send_reply(self, reply: Reply, *, keep_alive: bool) -> None:
        """Sends an answer in one write."""
        if self.transport.is_closing():
            return
        lines = [_LINES[reply.status]]
        headers = self.server_state.default_headers
        for name, value in (*headers, *reply.more) if reply.more else headers:
            lines.append(b"%b: %b\r\n" % (name, value))
        # An answer without content has no length either (RFC 9110, 8.6).
        if reply.body:
            lines.append(
                b"content-length: %d\r\ncontent-type: %b\r\n"
                % (len(reply.body), reply.content_type)
            )
        elif reply.status != HTTPStatus.NO_CONTENT:
            lines.append(b"content-length: 0\r\n")
        lines.append(b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
        lines.append(reply.body)
        self.transport.write(b"".join(lines))
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()


def quick_protocol(begin: Begin) -> type[asyncio.Protocol]:
    """Gives the protocol class of an application, in the form that uvicorn asks for."""
    return cast("type[asyncio.Protocol]", partial(QuickProtocol, begin=begin))
