"""Hashes, base64 and the encoding of URLs; all of the UTF-8 bytes of the value as text."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from engine.errors import TemplateError
from engine.template.functions.text import text_in
from engine.template.registry import FUSED, as_filter, as_filter_and_function
from engine.template.sandbox import short_enough, spend
from engine.template.text import to_text


def _bytes(value: Any) -> bytes:
    data = text_in(value).encode()
    spend(len(data) // 16)
    return data


def _hash(algorithm: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        return hashlib.new(algorithm, _bytes(value), usedforsecurity=False).hexdigest()

    return digest


def _base64_of_hash(algorithm: str) -> Callable[[Any], str]:
    def encode(value: Any) -> str:
        digest = hashlib.new(algorithm, _bytes(value), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    return encode


for _name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
    as_filter_and_function(f"{_name}_hex", _name)(_hash(_name))
    # Without "_hex" Corezoid means the bytes, which only base64 can write.
    FUSED["base64_encode", _name] = _base64_of_hash(_name)


@as_filter_and_function("base64_encode")
def base64_encode(value: Any) -> str:
    """Writes base64 of the standard alphabet, with padding."""
    return short_enough(base64.b64encode(_bytes(value)).decode())


@as_filter_and_function("base64_decode")
def base64_decode(value: Any) -> str:
    """Reads base64 of the standard alphabet whose content is UTF-8."""
    try:
        return base64.b64decode(_bytes(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TemplateError(f"'base64_decode' can't read the text: {error}") from error


@as_filter("urlencode")
def urlencode(value: Any) -> str:
    """Encodes text for a URL's path; an object, or an array of pairs, as a query."""
    if isinstance(value, dict):
        value = [[key, item] for key, item in value.items()]
    if not isinstance(value, list):
        return _quoted(value, safe="/")
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise TemplateError("'urlencode' needs text, an object or an array of [name, value]")
    pairs = (f"{_quoted(name)}={_quoted(item)}" for name, item in value)
    return short_enough("&".join(pairs).replace("%20", "+"))


def _quoted(value: Any, safe: str = "") -> str:
    data = to_text(value).encode()
    spend(len(data) // 2 + 8)
    return short_enough(quote(data, safe=safe))
