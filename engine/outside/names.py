"""Names of hosts and their addresses: asked for once, kept for a moment."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

KEPT_S = 30.0  # as long as an idle connection
MOST_NAMES = 4096
THREADS = 16

Lookup = Callable[[str], Awaitable[tuple[str, ...]]]


@dataclass(slots=True)
class _Known:
    addresses: tuple[str, ...]
    until: float


class SystemLookup:
    """Asks the system for addresses, on threads of its own.

    On the threads that everybody uses, names whose server is silent would hold up everything.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, name: str) -> tuple[str, ...]:
        """Gives the addresses of a name, the best first.

        Raises:
            OSError: there are none, or nobody could be asked.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "conveyor-names")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _ask, name)

    def close(self) -> None:
        """Lets the threads end; nobody waits for answers that are still out."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _ask(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from None
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


class Names:
    """Keeps what a lookup gave; those who ask for the same name at the same time ask once."""

    def __init__(self, lookup: Lookup, now: Callable[[], float] = monotonic) -> None:
        self._lookup = lookup
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    def known(self, name: str) -> tuple[str, ...]:
        """Gives the addresses of a name if they need not be asked for, else nothing."""
        known = self._known.get(name)
        return known.addresses if known is not None and self._now() < known.until else ()

    async def addresses(self, name: str) -> tuple[str, ...]:
        """Gives the addresses of a name; that which answered last comes first.

        Raises:
            OSError: there are none, or nobody could be asked.
        """
        if known := self.known(name):
            return known
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.ensure_future(self._ask(name))
            asking.add_done_callback(lambda done: self._end(name, done))
        # Who gives up does not take the answer from the others.
        return await asyncio.shield(asking)

    def prefer(self, name: str, address: str) -> None:
        """Puts the address that answered before the others of its name."""
        known = self._known.get(name)
        if known is not None and known.addresses[0] != address:
            known.addresses = _first(address, known.addresses)

    def forget(self, name: str) -> None:
        """Has the name asked for anew: nobody is there any more."""
        if name in self._known:
            self._known[name].until = 0.0

    async def aclose(self) -> None:
        """Gives up what is being asked."""
        asking = list(self._asking.values())
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, name: str) -> tuple[str, ...]:
        addresses = await self._lookup(name)
        if not addresses:
            raise OSError("none is known")
        before = self._known.pop(name, None)
        if before is not None and before.addresses[0] in addresses:
            # Its connections are open.
            addresses = _first(before.addresses[0], addresses)
        self._known[name] = _Known(addresses, self._now() + KEPT_S)
        if len(self._known) > MOST_NAMES:
            self._known.popitem(last=False)
        return addresses

    def _end(self, name: str, done: "asyncio.Task[tuple[str, ...]]") -> None:
        del self._asking[name]
        if not done.cancelled():
            done.exception()  # all who asked may have given up


def _first(address: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    return (address, *(each for each in addresses if each != address))
