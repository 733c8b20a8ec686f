"""The libraries that a script may `require`: their sources, minified, beside this file.

`require("libs/NAME.js")` runs them in the script's own interpreter; they leave a global name there
(`CryptoJS`, `moment`, `XRegExp`). Their licences are in LICENSES.md.
"""

import os
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_CIPHER = ("core", "enc-base64", "md5", "sha1", "sha256", "hmac", "evpkdf", "cipher-core")
_MOMENT = ("moment",)
_PARTS = {
    "aes": (*_CIPHER, "aes"),
    "base64": ("core", "enc-base64"),
    "hmac-md5": ("core", "md5", "hmac", "hmac-md5"),
    "hmac-sha1": ("core", "sha1", "hmac", "hmac-sha1"),
    "hmac-sha256": ("core", "sha256", "hmac", "hmac-sha256"),
    "md5": ("core", "md5"),
    "moment": _MOMENT,
    "moment-timezone": (*_MOMENT, "moment-timezone"),
    "moment-with-locales": ("moment-with-locales",),
    "rabbit": (*_CIPHER, "rabbit"),
    "rc4": (*_CIPHER, "rc4"),
    "sha1": ("core", "sha1"),
    "sha256": ("core", "sha256"),
    "sha512": ("core", "x64-core", "sha512"),
    "tripledes": (*_CIPHER, "tripledes"),
    "xregexp": ("xregexp",),
}
_NAMED = re.compile(r"libs/([\w-]+)\.js")
_RANDOM = """\
if (typeof crypto === "undefined") globalThis.crypto = (function (hex) {
  var at = 0;
  return { getRandomValues: function (array) {
    for (var i = 0; i < array.length; i++, at += 8) {
      if (at >= hex.length) throw new Error("a script has 256 random numbers of this kind at most");
      array[i] = parseInt(hex.slice(at, at + 8), 16);
    }
    return array;
  } };
})("%s");
"""


def named_in(source: str) -> list[tuple[str, str]]:
    """Gives the libraries that a script names, each with its source."""
    names = sorted(set(_NAMED.findall(source)) & _PARTS.keys())
    return [(f"libs/{name}.js", _source(name)) for name in names]


def listed() -> str:
    """Ends a message about a library that is not there."""
    names = ", ".join(_PARTS)
    return f'; write require("libs/NAME.js") with one of these names: {names}'


def read_all() -> None:
    """Reads all sources into memory, while files can still be opened."""
    for parts in _PARTS.values():
        for part in parts:
            _read(part)


def _source(name: str) -> str:
    parts = _PARTS[name]
    text = "\n".join(map(_read, parts))
    if "core" not in parts:
        return text
    return _RANDOM % os.urandom(1024).hex() + text


@cache
def _read(part: str) -> str:
    # Loaded twice a part of CryptoJS would forget what was added to it: it keeps the first.
    text = (FOLDER / f"{part}.js").read_text(encoding="utf-8")
    return f"if(typeof CryptoJS==='undefined'){{{text}}}" if part == "core" else text
