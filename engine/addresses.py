"""Which hosts a process may call: public ones, and those that the settings open.

Nothing here asks a name server: a host is what a URL says, an address what a name led to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
"""What `allow_hosts` has where an engine talks to itself and to simulators beside it."""

EVERYTHING = "*"
LONGEST_NAME = 253
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL = IPv6Network("2000::/3")
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})

# The IANA registries of special addresses, and what clouds added. Python's own `is_global` changed
# from release to release; what is refused must not.
_SPECIAL_4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), words)
    for network, words in (
        ("0.0.0.0/8", "an address of this machine"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a shared address of a provider"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "an address of cloud metadata"),
        ("169.254.0.0/16", "a link-local address, such as cloud metadata has"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a reserved address"),
        ("198.51.100.0/24", "a reserved address"),
        ("203.0.113.0/24", "a reserved address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_SPECIAL_6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), words)
    for network, words in (
        ("::/128", "an address of this machine"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a reserved address"),
        ("2002::/16", "a tunnel to an IPv4 address"),
        ("3fff::/20", "a reserved address"),
    )
)


def canonical_host(host: str) -> str:
    """Gives the host of a URL as it is called: a name in ASCII, or the address that it writes.

    As browsers read it: `2130706433`, `0177.1` and full-width digits are all 127.0.0.1.

    Raises:
        ValueError: no host is written like this.
    """
    if ":" in host:
        address = IPv6Address(host)
        if address.scope_id is not None:
            raise ValueError("an address with a zone")
        return str(address)
    text = host.lower() if host.isascii() else _in_ascii(host)
    name = text.removesuffix(".")
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError("no host name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return str(_written_in_numbers(name))
    return text


def why_closed(address: Address) -> str:
    """Says what kind of address this is, if it is none of the public internet; else nothing."""
    inner = _inner(address)
    if inner is not None and (words := why_closed(inner)):
        return words
    if isinstance(address, IPv4Address):
        return next((words for network, words in _SPECIAL_4 if address in network), "")
    if inner is not None and (address in _MAPPED or address in _NAT64):
        return ""
    found = next((words for network, words in _SPECIAL_6 if address in network), "")
    return found or ("" if address in _GLOBAL else "a reserved address")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """What `allow_hosts` opens: names, names below a name, addresses and networks, maybe a port."""

    entries: tuple["AllowedHost", ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> "AllowedHosts":
        """Reads the setting.

        Raises:
            ValueError: one of them is none; it says which.
        """
        return cls(tuple(map(_read, entries)))

    @property
    def is_everything(self) -> bool:
        """Whether all hosts are open."""
        return any(each.name == EVERYTHING and each.port is None for each in self.entries)

    def opens_name(self, name: str, port: int) -> bool:
        """Whether a name is open, wherever it leads."""
        name = name.removesuffix(".")
        return any(each.is_for(port) and each.has_name(name) for each in self.entries)

    def opens_address(self, address: Address, port: int) -> bool:
        """Whether an address is open."""
        inner = _inner(address)
        return any(
            each.is_for(port) and (each.has(address) or (inner is not None and each.has(inner)))
            for each in self.entries
        )


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry: a name or a network, and the only port if it names one."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def is_for(self, port: int) -> bool:
        """Whether it speaks of this port."""
        return self.port is None or self.port == port

    def has_name(self, name: str) -> bool:
        """Whether it opens this name."""
        if self.name == EVERYTHING:
            return True
        if self.name.startswith("*."):
            return name.endswith(self.name[1:])
        return name == self.name

    def has(self, address: Address) -> bool:
        """Whether it opens this address."""
        if self.name == EVERYTHING:
            return True
        return self.network is not None and address in self.network


def _read(entry: str) -> AllowedHost:
    try:
        return _parsed(*_parted(entry.strip()))
    except ValueError:
        raise ValueError(
            f"'{entry}' is neither a host name, an address nor a network;"
            " write it like gateway.internal, *.example.com, 10.0.0.0/8 or 127.0.0.1:8100"
        ) from None


def _parsed(host: str, port: int | None) -> AllowedHost:
    if host == EVERYTHING:
        return AllowedHost(EVERYTHING, port=port)
    if "/" in host:
        return AllowedHost(network=ip_network(host), port=port)
    under = "*." if host.startswith("*.") else ""
    name = canonical_host(host.removeprefix(under)).removesuffix(".")
    try:
        network = ip_network(name)
    except ValueError:
        return AllowedHost(under + name, port=port)
    if under:
        raise ValueError("there are no names below an address")
    return AllowedHost(network=network, port=port)


def _parted(entry: str) -> tuple[str, int | None]:
    """Parts an entry from its port; an IPv6 address with a port stands in brackets."""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("brackets that are not closed")
        return host, _port(rest[1:]) if rest else None
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, _port(port)
    return entry, None


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 0 < port < 65536:
        raise ValueError("no port")
    return port


def _in_ascii(host: str) -> str:
    import idna  # noqa: PLC0415 -- large tables for the few hosts that are not ASCII

    if len(host) > LONGEST_NAME:
        raise ValueError("no host name")
    # Dots of other scripts end labels too.
    return idna.encode(host, uts46=True).decode("ascii").lower()


def _written_in_numbers(name: str) -> IPv4Address:
    """Reads an IPv4 address in any of its spellings, as WHATWG's URL standard has it."""
    *firsts, last = map(_number, name.split("."))
    if len(firsts) > 3 or any(each > 255 for each in firsts):
        raise ValueError("no address")
    if last >= 256 ** (4 - len(firsts)):
        raise ValueError("no address")
    value = last + sum(each << (8 * (3 - place)) for place, each in enumerate(firsts))
    return IPv4Address(value)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") else int(text, 10)


def _inner(address: Address) -> IPv4Address | None:
    """Gives the IPv4 address that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return None
    bits = int(address)
    is_isatap = (bits >> 32) & 0xFFFF_FFFF in _ISATAP
    if address in _MAPPED or address in _NAT64 or is_isatap:
        return IPv4Address(bits & 0xFFFF_FFFF)
    return None


def read_address(text: str) -> Address:
    """Reads what a name server or a URL gives; a zone does not make another address of it.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text.partition("%")[0])
