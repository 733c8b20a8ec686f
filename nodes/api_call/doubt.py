"""Which call is a repetition of one whose answer is unknown: it carries that one's key."""

import re
from dataclasses import replace
from hashlib import blake2b

from engine.node import HttpCall

KEY = "Idempotency-Key"
_SIGNED = re.compile(rb"conv_signature=[0-9a-f]{40}&conv_time=\d+|/\d+/[0-9a-f]{40}(?![^?#])")
"""The part of a signed URL that is another one each second."""


def mark_of(call: HttpCall) -> str:
    """Notes a call that is in doubt: its key, and what it asked for."""
    return f"{_key_of(call)} {_digest(call)}"


def with_key_of(mark: str, call: HttpCall, own: str) -> HttpCall:
    """Gives the call the key of the one in doubt, not its `own`, if it asks for the very same.

    A node may be entered again for another purpose, such as the next item of a list: with the
    old key the other side would take it for done. A key of the author's is left alone.
    """
    key, _, digest = mark.partition(" ")
    if digest != _digest(call):
        return call
    headers = tuple((name, key if value == own else value) for name, value in call.headers)
    return replace(call, headers=headers)


def _key_of(call: HttpCall) -> str:
    return next((value for name, value in call.headers if name == KEY), "")


def _digest(call: HttpCall) -> str:
    asked = (call.method.encode(), _SIGNED.sub(b"", call.url.encode()), call.body or b"")
    return blake2b(b"\0".join(asked), digest_size=12).hexdigest()
