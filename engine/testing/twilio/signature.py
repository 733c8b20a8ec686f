"""Twilio's signature of a callback (Twilio documentation, "Webhooks security")."""

import hmac
from base64 import b64encode
from collections.abc import Iterable


def sign(auth_token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """Gives the value of `X-Twilio-Signature` for a form posted to the URL.

    The text signed is the URL as it was configured, then each name and value without separators,
    by name, then by value; a pair that repeats counts once.
    """
    text = url + "".join([name + value for name, value in sorted(set(form))])
    digest = hmac.digest(auth_token.encode(), text.encode(), "sha1")
    return b64encode(digest).decode("ascii")
