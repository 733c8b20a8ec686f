"""JSON values as nodes meet them: as text, and by a path such as `order.items[0].price`."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.core.task import encode

_STEP = re.compile(r"(?:^|\.)((?:\\.|[^.\[\]\\{}])+)|\[((?:\\.|[^\[\]\\{}])+)\]")
_ESCAPED = re.compile(r"\\(.)")
_NOT_COPIED = ("__conveyor_", "__rpc_")
_SHOWN = 100
_EXACT = 1e15


def as_text(value: Any) -> str:
    """Writes a value as text: null as nothing, arrays and objects as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return encode(value).decode()


def not_convertible(name: str, value: Any, wanted: str) -> str:
    """Says in Corezoid's words that a value is not of the type it should have."""
    return f"Param: {name}, Value: {as_text(value)[:_SHOWN]}, Try convert to: {wanted}"


def without_system_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """Gives what is copied from a task with all its parameters: not what nodes noted about it."""
    return {name: value for name, value in data.items() if not name.startswith(_NOT_COPIED)}


@lru_cache(maxsize=4096)
def split_path(text: str) -> tuple[str, ...]:
    """Splits a path: `a.b[0]` into a, b, 0; a backslash makes the next character ordinary.

    Raises:
        ValueError: it is no path.
    """
    steps, at = [], 0
    while at < len(text) and (found := _STEP.match(text, at)) is not None:
        steps.append(_ESCAPED.sub(r"\1", found[1] or found[2]))
        at = found.end()
    if at < len(text) or not steps:
        raise ValueError(f"'{text}' is neither a name nor a path such as order.items[0].price")
    return tuple(steps)


def read_path(value: Any, steps: Sequence[str]) -> Any:
    """Gives what stands at a path, None if nothing does."""
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
