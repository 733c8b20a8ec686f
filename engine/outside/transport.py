"""What sends one prepared request and reads one answer, and what all of them have in common."""

from typing import Protocol

from engine import __version__
from engine.core.command import HttpCall, HttpResult

USER_AGENT = f"conveyor/{__version__}"
CONNECT_LIMIT_S = 10.0
IDLE_LIMIT_S = 30.0  # under the 60 s and more after which most servers close
IDLE_CONNECTIONS = 64
CHUNK_BYTES = 65536


class Transport(Protocol):
    """Sends requests, once each.

    The call is as `request.prepare` leaves it. Redirects are not followed, cookies not kept,
    proxies of the environment not used. A failure is a value. No transport repeats a request of
    which the other side may have seen a byte. Where a transport can't tell whether the request
    went out, it says that it did: `UNREACHABLE` is a promise, on which a call is made again.
    """

    async def send(self, call: HttpCall) -> HttpResult:
        """Send the request, read the answer."""
        ...

    async def aclose(self) -> None:
        """Close all connections; calls that are still out end as `INTERRUPTED`."""
        ...
