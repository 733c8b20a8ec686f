"""Who may use what: callbacks and health anybody, everything else by key or from this machine."""

import base64
import binascii
import hmac
import ipaddress
from urllib.parse import urlsplit

from engine.errors import NotAllowed
from engine.settings import Settings
from engine.web.exchange import Scope, header

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class Access:
    """Decides whether a request may pass."""

    def __init__(self, settings: Settings) -> None:
        self._login = settings.api_login
        self._secret = settings.api_secret
        public = urlsplit(settings.public_url).hostname if settings.public_url else None
        self._names = LOCAL_NAMES | {settings.host} | ({public} if public else set())

    def check(self, scope: Scope) -> None:
        """Lets a request pass.

        Raises:
            NotAllowed: it has no right key, or without a key configured is not from here.
        """
        if self._secret:
            if not self._has_key(header(scope, b"authorization")):
                raise NotAllowed(
                    "this engine asks for a key",
                    hint="send 'Authorization: Bearer SECRET', or login and secret as Basic",
                )
            return
        client = scope.get("client")
        if client is None or not _is_loopback(client[0]):
            raise NotAllowed(
                "without a key this engine serves only its own machine",
                hint="set api_login and api_secret",
            )
        # A page that a browser on this machine shows must not get in by a name of its own that
        # was made to point here (DNS rebinding).
        if _host_name(header(scope, b"host")) not in self._names:
            raise NotAllowed("the Host header names another machine")

    def _has_key(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(given.encode(), self._secret.encode())
        if scheme.lower() != "basic":
            return False
        try:
            login, _, secret = base64.b64decode(given, validate=True).partition(b":")
        except binascii.Error:
            return False
        is_login = hmac.compare_digest(login, self._login.encode())
        return hmac.compare_digest(secret, self._secret.encode()) and is_login


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
