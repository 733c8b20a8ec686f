"""Finds names that come twice in one object of a JSON text. HOT.

The parser keeps the last of them and says nothing. A parser that tells takes three times as long
for a small body and more for a large one; writing the value again and counting colons takes half
a microsecond: https://www.rfc-editor.org/rfc/rfc8259 section 4 leaves the choice to us.
"""

import json
from typing import Any

import msgspec


class _Repeated(Exception):
    """Ends the slow reading at the first name that comes twice."""


def repeated_name(text: bytes, value: Any) -> str | None:
    """Gives a name that comes twice in an object of `text`, which was read as `value`."""
    # A text has a colon for each member and those within strings. What the parser dropped is not
    # written again, so the numbers are equal if and only if nothing was dropped: unless a colon
    # was written as \u003a.
    written = msgspec.json.encode(value).count(b":")
    if written == text.count(b":") and b"\\u003" not in text:
        return None
    try:
        # Numbers stay text: nobody looks at them, and long ones take long.
        json.loads(text, object_pairs_hook=_check, parse_int=str, parse_float=str)
    except _Repeated as found:
        return str(found)
    return None


def _check(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _Repeated(name)
        seen.add(name)
