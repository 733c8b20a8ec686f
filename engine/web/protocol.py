"""uvicorn's protocol with two more bounds: how long what is no body may be, and may take."""

import asyncio
from enum import Enum, auto
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LONGEST_HEAD_BYTES = 64 * 1024
LATE = "The request did not come in time."


class _Part(Enum):
    """Which part of a request is awaited."""

    NOTHING = auto()  # the request is whole, or none has begun
    HEAD = auto()
    BODY = auto()


# An enum's member is found three times as fast by a name of the module's own.
_NOTHING, _HEAD, _BODY = _Part


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that sends a head, a trailer or a chunk extension without end, or slowly.

    The parser would hold them in memory. Only whole reads in which nothing was completed count,
    since others may hold bodies too; so the bound is this long and two reads.

    A head must be whole `head_s` after its first byte, and a body must not pause for `body_s`. A
    request that comes in one read, as most do, needs no timer. A connection that sends nothing at
    all is closed as any idle one.
    """

    head_s = 10.0
    body_s = 30.0

    _has_progress = False
    _unfinished_bytes = 0
    _awaited = _NOTHING
    _timed = _NOTHING
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # so it is in the class above
        """Waits for a request, as long as between two."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Notes that a request begins."""
        self._has_progress = True
        self._awaited = _HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Notes that a head is complete."""
        self.note_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Notes that a part of a body came."""
        self.note_progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Notes that a request is complete."""
        self.note_end()
        super().on_message_complete()

    def note_head(self) -> None:
        """Waits for a body from now on."""
        self._has_progress = True
        self._awaited = _BODY

    def note_progress(self) -> None:
        """Has the bytes so far not count as a head without end."""
        self._has_progress = True

    def note_end(self) -> None:
        """Waits for nothing more of this request."""
        self._has_progress = True
        self._awaited = _NOTHING

    def data_received(self, data: bytes) -> None:
        """Reads on, and refuses what has no end."""
        self._has_progress = False
        super().data_received(data)
        self._unfinished_bytes = 0 if self._has_progress else self._unfinished_bytes + len(data)
        if self._unfinished_bytes > LONGEST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        if not self._has_progress and self._awaited is _NOTHING:
            # Empty lines before a request, which the parser skips.
            self._awaited = _HEAD
        if self._awaited is not self._timed or self._timed is _BODY:
            self._set_timer()

    def _set_timer(self) -> None:
        """Gives what is awaited its time: a head from its first byte, a body from its last."""
        self._stop_timer()
        self._timed = self._awaited
        if self._timed is not _NOTHING and not self.transport.is_closing():
            seconds = self.head_s if self._timed is _HEAD else self.body_s
            self._timer = self.loop.call_later(seconds, self._time_is_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        if self.transport.is_closing():
            return
        # There is none before the first head, whatever its type says.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        is_next = self._timed is _HEAD or bool(self.pipeline)
        owes_another = is_next and cycle is not None and not cycle.response_complete
        if self.flow.read_paused or owes_another:
            # We do not read, or owe the answer to the request before: not for the client to mend.
            self._set_timer()
            return
        if is_next or self.owes_late_answer:
            self.transport.write(_LATE_ANSWER)
        self.transport.close()

    @property
    def owes_late_answer(self) -> bool:
        """Whether a request whose body is late has no answer yet."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_started


_LATE_ANSWER = (
    "HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n"
    f"content-length: {len(LATE)}\r\nconnection: close\r\n\r\n{LATE}"
).encode()
