"""Twilio's signature of a request, as its "webhooks security" page describes it."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}


def is_signed(
    url: str, pairs: Iterable[tuple[str, str]], body: bytes | None, signature: str, token: str
) -> bool:
    """Says whether a request carries the right signature.

    `pairs` are the fields of a form, `body` the raw body if it is no form: then the URL's query
    must hold its SHA-256. Twilio is inconsistent about ports, so the URL counts with its port (or
    the scheme's own) and without, as for Twilio's helper library.
    """
    if body is not None:
        pairs = ()
        expected = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[-1]
        digest = hashlib.sha256(body).hexdigest()
        if not hmac.compare_digest(digest.encode(), expected.lower().encode()):
            return False
    fields = _joined(pairs)
    given = signature.encode()
    # Which form was signed is no secret: the second is tried only where the first is not right.
    return any(
        hmac.compare_digest(_sign(form + fields, token), given)
        for form in _with_and_without_port(url)
    )


def _sign(text: str, token: str) -> bytes:
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1))


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    """Writes names and values without separators, by name; distinct values of one name sorted."""
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    return "".join(name + value for name in sorted(values) for value in sorted(values[name]))


@lru_cache(maxsize=1024)
def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    userinfo, at, address = parts.netloc.rpartition("@")
    name = address if address.endswith("]") else address.rpartition(":")[0] or address
    without = parts._replace(netloc=f"{userinfo}{at}{name}").geturl()
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 443)
    with_port = parts._replace(netloc=f"{userinfo}{at}{name}:{port}").geturl()
    return without, with_port
