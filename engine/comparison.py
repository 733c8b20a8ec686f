"""Corezoid's comparisons: both sides are converted to one type, and what can't be is never true.

The node type Condition and the function `cmp` of templates are this.
Source: Corezoid, Condition (functions and types).
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from json import loads
from typing import Any

from engine.errors import PatternTooCostly
from engine.pattern import Pattern, compile_pattern

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("eq", "=="), operator.eq),
    **dict.fromkeys(("not_eq", "ne", "neq", "!="), operator.ne),
    **dict.fromkeys(("less", "lt", "<"), operator.lt),
    **dict.fromkeys(("more", "gt", ">"), operator.gt),
    **dict.fromkeys(("less_or_eq", "le", "lte", "<="), operator.le),
    **dict.fromkeys(("more_or_eq", "ge", "gte", ">="), operator.ge),
}
_ORDERED = frozenset({"string", "number"})
_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
PATTERNS = frozenset({"regexp", "regex"})


def compare(left: Any, fun: str, right: Any, cast: str, as_text: Callable[[Any], str]) -> bool:
    """Compares two values; `fun` and `cast` are words of `COMPARISONS`, `PATTERNS` and `CASTS`."""
    run = COMPARISONS.get(fun)
    if run is None:
        return _is_found(as_text(right), as_text(left))
    convert: Callable[[Any], Any] = CASTS.get(cast, as_text)
    left, right = convert(left), convert(right)
    if left is None or right is None:
        return False
    if cast in _ORDERED:
        return bool(run(left, right))
    if run is operator.eq:
        return _is_same(left, right)
    return run is operator.ne and not _is_same(left, right)


def _is_found(pattern: str, text: str) -> bool:
    compiled = _pattern(pattern)
    try:
        return compiled is not None and compiled.search(text) is not None
    except PatternTooCostly:
        return False


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Pattern | None:
    """Compiles a pattern; one that is none, out of a template, matches nothing."""
    try:
        return compile_pattern(text)
    except ValueError:
        return None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip())
    return value if isinstance(value, bool) else None


def _array(value: Any) -> list[Any] | None:
    value = _parsed(value)
    return value if isinstance(value, list) else None


def _object(value: Any) -> dict[str, Any] | None:
    value = _parsed(value)
    return value if isinstance(value, dict) else None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except (ValueError, RecursionError):
        return None


CASTS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}
"""How a value is converted; None for what can't be. A value becomes text as its caller says."""


def _is_same(left: Any, right: Any) -> bool:
    """Compares JSON values in depth: numbers by value, keys in any order.

    A loop, not a recursion: data may be nested deeper than Python's stack.
    """
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pairs.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
            return False
    return True
