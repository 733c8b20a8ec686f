"""Counts what a server sends, and cuts the connection when it is too much.

asyncpg takes a whole answer, or a whole cell, into memory before it gives a byte of it; a cell of
PostgreSQL may have a gigabyte.
"""

import asyncio
from typing import Any


class Meter(asyncio.Protocol):
    """Stands between the network and the protocol that reads it."""

    def __init__(self, inner: Any, transport: asyncio.Transport) -> None:
        self._inner = inner
        self._transport = transport
        self._left = 0
        self._is_on = False
        self.is_over = False
        transport.set_protocol(self)

    def allow(self, size: int) -> None:
        """Lets so many bytes pass from now on."""
        self._left, self._is_on = size, True

    def rest(self) -> None:
        """Lets everything pass."""
        self._is_on = False

    def data_received(self, data: bytes) -> None:
        if self._is_on:
            self._left -= len(data)
            if self._left < 0:
                self.is_over = True
                self._transport.abort()
                return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        kept: bool | None = self._inner.eof_received()
        return kept

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
