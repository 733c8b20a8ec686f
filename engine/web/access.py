"""Who may use what: callbacks and health anybody, everything else by key or from this machine."""

import base64
import hmac
import ipaddress
from functools import lru_cache

from engine.errors import NotAllowed
from engine.settings import Settings
from engine.web.exchange import Scope, header
from engine.web.problem import KeyNeeded

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)


class Access:
    """Decides whether a request may pass."""

    def __init__(self, settings: Settings) -> None:
        self._login = settings.api_login.encode()
        self._secret = settings.api_secret.encode()

    @property
    def needs_key(self) -> bool:
        """Whether a key is configured; without one only this machine is served."""
        return bool(self._secret)

    def check(self, scope: Scope) -> None:
        """Lets a request pass.

        Raises:
            NotAllowed: it has no right key, or without a key configured is not from here.
        """
        self._check_origin(scope)
        if self._secret:
            if not self._has_key(header(scope, b"authorization")):
                raise KeyNeeded(
                    "this engine asks for a key",
                    hint="send 'Authorization: Bearer SECRET', or login and secret as Basic",
                )
            return
        client = scope.get("client")
        # A proxy on this machine passes on what came from anywhere.
        is_forwarded = any(name in FORWARDED for name, _ in scope["headers"])
        if client is None or is_forwarded or not is_loopback(client[0]):
            raise NotAllowed(
                "without a key this engine serves only its own machine",
                hint="set api_login and api_secret",
            )
        # A page in a browser on this machine must not get in by a name of its own that was made
        # to point here (DNS rebinding); nor must the outside, by a proxy that says nothing of it.
        if _name(header(scope, b"host")) not in LOCAL_NAMES:
            raise NotAllowed(
                "without a key this engine answers to 'localhost' and '127.0.0.1' only",
                hint="set api_login and api_secret to use it by another name",
            )

    def _check_origin(self, scope: Scope) -> None:
        """Refuses what a page of another site has a browser on this machine send."""
        origin = header(scope, b"origin")
        if origin and origin.partition("://")[2] != header(scope, b"host"):
            raise NotAllowed("a page of another site may not use this engine")

    def _has_key(self, authorization: str) -> bool:
        scheme, _, text = authorization.partition(" ")
        # Header bytes come as Latin-1 text; a secret is UTF-8.
        given = text.strip().encode("latin-1")
        match scheme.lower():
            case "bearer":
                return hmac.compare_digest(given, self._secret)
            case "basic":
                try:
                    login, _, secret = base64.b64decode(given, validate=True).partition(b":")
                except ValueError:
                    return False
                is_login = hmac.compare_digest(login, self._login)
                return hmac.compare_digest(secret, self._secret) and is_login
            case _:
                return False


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()
