"""uvicorn's protocol with one more bound: how long what is no body may be."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD_BYTES = 64 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that sends a head, a trailer or a chunk extension without end.

    The parser would hold them in memory. Only whole reads in which nothing was completed count,
    since others may hold bodies too; so the bound is this long and two reads.
    """

    _has_progress = False
    _unfinished_bytes = 0

    def on_message_begin(self) -> None:
        """Notes that a request begins."""
        self._has_progress = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Notes that a head is complete."""
        self._has_progress = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Notes that a part of a body came."""
        self._has_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Notes that a request is complete."""
        self._has_progress = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Reads on, and refuses what has no end."""
        self._has_progress = False
        super().data_received(data)
        self._unfinished_bytes = 0 if self._has_progress else self._unfinished_bytes + len(data)
        if self._unfinished_bytes > LONGEST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
