"""The guard of outgoing calls: where a call may go is decided here, for every request anew.

A name is looked up by us, each of its addresses judged, and the connection made to one that was
judged. So a name that leads elsewhere a moment later leads nowhere.
"""

import asyncio
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

from engine.addresses import AllowedHosts, canonical_host, read_address, why_closed
from engine.outside.names import Lookup, Names, SystemLookup

MOST_ORIGINS = 4096
MOST_ADDRESSES = 4
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_SETTING = "allow_hosts in the engine's settings (ENGINE_ALLOW_HOSTS) opens it"


class NotAllowed(Exception):
    """The settings do not open where the call would go."""


class NotFound(Exception):
    """The name has no address now."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a call may go: its URL as every library reads it alike, and to which addresses.

    Without addresses the URL says it all: it has one itself, or its name is open wherever it leads.
    """

    url: str
    name: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The name as it stands in the URL: a dot at its end is for the look-up only."""
        return self.name.removesuffix(".")


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is known of scheme, host and port before anybody is asked."""

    text: str
    name: str
    port: int
    refusal: str = ""
    must_be_asked: bool = False


class Guard:
    """Decides about the hosts of calls."""

    def __init__(self, allowed: AllowedHosts, lookup: Lookup | None = None) -> None:
        self._allowed = allowed
        self._system = SystemLookup()
        self._names = Names(lookup or self._system)
        self._judged = lru_cache(MOST_ORIGINS)(self._judge)
        self._refusal = lru_cache(MOST_ORIGINS)(self._refuse)

    @property
    def is_open(self) -> bool:
        """Whether nothing is guarded."""
        return self._allowed.is_everything

    async def way(self, url: str, limit_s: float) -> Way:
        """Gives the way of a call that may be made; names are waited for no longer than so.

        Raises:
            NotAllowed: it may not be made. It says why and what would open it.
            NotFound: its name has no address.
            ValueError: its host is none.
        """
        found = _ORIGIN.match(url)
        if found is None:
            raise ValueError("no URL")
        origin = self._judged(found[0])
        if origin.refusal:
            raise NotAllowed(f"{origin.refusal}; {_SETTING}")
        url = origin.text + url[found.end() :] if origin.text != found[0] else url
        if not origin.must_be_asked:
            return Way(url)
        # Almost always known; to set up a time limit takes longer than the rest.
        kept = self._names.known(origin.name) or await self._asked(origin.name, limit_s)
        addresses = self._open_ones(kept, origin.port)
        return Way(url, origin.name, origin.port, addresses)

    def worked(self, way: Way, address: str) -> None:
        """Is told which address of a way answered."""
        self._names.prefer(way.name, address)

    def failed(self, way: Way) -> None:
        """Is told that no address of a way answered."""
        self._names.forget(way.name)

    async def aclose(self) -> None:
        """Gives up what is being asked."""
        await self._names.aclose()
        self._system.close()

    def _judge(self, text: str) -> _Origin:
        parts = urlsplit(text)
        written = parts.hostname or ""
        host = canonical_host(written)
        scheme = parts.scheme.lower()
        port = parts.port or _PORTS[scheme]
        if "@" in parts.netloc:
            raise ValueError("a user in the URL")
        shown = f"[{host}]" if ":" in host else host.removesuffix(".")
        colon = "" if port == _PORTS[scheme] else f":{port}"
        origin = _Origin(f"{scheme}://{shown}{colon}", host, port)
        if self._allowed.is_everything or self._allowed.opens_name(host, port):
            return origin
        try:
            address = read_address(host)
        except ValueError:
            return replace(origin, must_be_asked=True)
        if refusal := self._refusal(str(address), port):
            shown = "it" if written == host else host
            return replace(origin, refusal=f"{shown} is {refusal}")
        return origin

    def _refuse(self, address: str, port: int) -> str:
        """Says why an address is not called; nothing if it may be."""
        read = read_address(address)
        return "" if self._allowed.opens_address(read, port) else why_closed(read)

    async def _asked(self, name: str, limit_s: float) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(limit_s):
                return await self._names.addresses(name)
        except TimeoutError:
            raise NotFound("the name's address was not found in time") from None
        except OSError as error:
            raise NotFound(f"the name has no address: {error.strerror or error}") from None

    def _open_ones(self, found: tuple[str, ...], port: int) -> tuple[str, ...]:
        open_ones = [each for each in found if not self._refusal(each, port)]
        if not open_ones:
            why = self._refusal(found[0], port)
            raise NotAllowed(f"it leads to {found[0]}, {why}; {_SETTING}")
        return tuple(open_ones[:MOST_ADDRESSES])
