"""What sends one prepared request and reads one answer, and what all of them have in common."""

import re
from dataclasses import dataclass, replace
from typing import Protocol

from engine import __version__
from engine.core.command import HttpCall, HttpResult

USER_AGENT = f"conveyor/{__version__}"
CONNECT_LIMIT_S = 10.0
IDLE_LIMIT_S = 30.0  # under the 60 s and more after which most servers close
IDLE_CONNECTIONS = 64
CHUNK_BYTES = 65536


_TO_HOST = re.compile(r"(https?://)([^/?#]*)")


@dataclass(frozen=True, slots=True)
class Pin:
    """The one address at which a call's name is to be found: no library looks it up again."""

    name: str
    address: str
    port: int

    @property
    def host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.address}]" if ":" in self.address else self.address


def to_address(call: HttpCall, pin: Pin) -> HttpCall:
    """Return the call with the address in the place of its name, which the Host header keeps."""
    found = _TO_HOST.match(call.url)
    if found is None:
        raise ValueError("a URL that is not prepared")
    headers = call.headers
    if not any(name.lower() == "host" for name, _ in headers):
        headers = (("Host", found[2]), *headers)
    url = f"{found[1]}{pin.host}:{pin.port}{call.url[found.end() :]}"
    return replace(call, url=url, headers=headers)


class Transport(Protocol):
    """Sends requests, once each.

    The call is as `request.prepare` leaves it, and goes to the address of its pin if it has one;
    TLS and the Host header are about its name all the same. Redirects are not followed, cookies
    not kept, proxies of the environment not used. A failure is a value. No transport repeats a
    request of which the other side may have seen a byte. Where a transport can't tell whether the
    request went out, it says that it did: `UNREACHABLE` is a promise, on which a call is made
    again.
    """

    async def send(self, call: HttpCall, pin: Pin | None = None) -> HttpResult:
        """Send the request, read the answer."""
        ...

    async def aclose(self) -> None:
        """Close all connections; calls that are still out end as `INTERRUPTED`."""
        ...
