"""The clients of a transport: one for each way to set up a connection, bounded in number."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from engine.core.command import HttpCall
from engine.outside.transport import Pin

MAX_CLIENTS = 128  # of 0.1 MB each

Client = TypeVar("Client")
_Key = tuple[bool, bytes, float, Pin | None]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a client is built for. The requests of one client share its connections."""

    verify_tls: bool
    client_cert_pem: str | None
    connect_limit_s: float
    pin: Pin | None = None  # a TLS connection is made for one name and used for no other


@dataclass(slots=True)
class Lease(Generic[Client]):
    """A client and by how many calls it is used now."""

    client: Client
    users: int = 0
    is_closed: bool = False


class ClientCache(Generic[Client]):
    """Keeps the clients used last. One that a call uses is never closed to make room.

    Certificates are told apart by their digest, so that the keys hold no private key.
    """

    def __init__(
        self, build: Callable[[Setup], Client], close: Callable[[Client], Awaitable[None]]
    ) -> None:
        self._build = build
        self._close = close
        self._leases: OrderedDict[_Key, Lease[Client]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._leases)

    def take(self, call: HttpCall, connect_limit_s: float, pin: Pin | None = None) -> Lease[Client]:
        """Return the client for the call; `give_back` must follow."""
        pem = call.client_cert_pem
        digest = sha256(pem.encode()).digest() if pem else b""
        key = (call.verify_tls, digest, connect_limit_s, pin)
        lease = self._leases.get(key)
        if lease is None:
            lease = Lease(self._build(Setup(call.verify_tls, pem, connect_limit_s, pin)))
            self._leases[key] = lease
        else:
            self._leases.move_to_end(key)
        lease.users += 1
        return lease

    async def give_back(self, lease: Lease[Client]) -> None:
        """End the use of a client, and close one that is idle when there are too many."""
        lease.users -= 1
        if len(self._leases) <= MAX_CLIENTS:
            return
        idle = next((key for key, kept in self._leases.items() if kept.users == 0), None)
        if idle is not None:
            await self._close(self._leases.pop(idle).client)

    async def aclose(self) -> None:
        """Close all clients, used or not."""
        while self._leases:
            _, lease = self._leases.popitem()
            lease.is_closed = True
            await self._close(lease.client)
