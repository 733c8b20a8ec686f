"""uvicorn's protocol with one more bound: how long a request's head may be."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD_BYTES = 64 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that sends a head without end, which the parser would hold in memory.

    The read in which a head begins is not counted, since it may hold bodies of earlier requests;
    so the bound is this long and one read.
    """

    _is_in_head = False
    _began_now = False
    _head_bytes = 0

    def on_message_begin(self) -> None:
        """Notes where a head begins."""
        self._is_in_head = self._began_now = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Notes where it ends."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Reads on, and refuses a head that is too long."""
        super().data_received(data)
        if not self._is_in_head:
            return
        if self._began_now:
            self._began_now = False
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
