"""Filters on numbers, and lenient conversion to them."""

import math
import re
from collections.abc import Callable
from typing import Any

from engine.errors import TemplateError
from engine.template.functions.arguments import number_in, whole_number_in
from engine.template.operators import is_number
from engine.template.registry import as_filter_and_function
from engine.template.sandbox import LARGEST_INTEGER, small_enough, spend_on_text

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_MOST_DIGITS = LARGEST_INTEGER // 4
_MOST_PLACES = 15

_METHODS: dict[str, Callable[[float], int]] = {"ceil": math.ceil, "floor": math.floor}


@as_filter_and_function("abs")
def absolute(x: Any) -> Any:
    """Takes the sign away."""
    return abs(number_in(x, "abs"))


@as_filter_and_function("round")
def rounded(value: Any, precision: Any = 0, method: Any = "common") -> Any:
    """Rounds as Jinja2 does: `common` (half to even), `ceil` or `floor`; a float stays one."""
    number = number_in(value, "round")
    places = whole_number_in(precision, "round")
    if abs(places) > _MOST_PLACES:
        raise TemplateError(f"'round' takes at most {_MOST_PLACES} places, not {places}")
    if method == "common":
        return small_enough(round(number, places))
    if not isinstance(method, str) or method not in _METHODS:
        raise TemplateError("the method of 'round' is 'common', 'ceil' or 'floor'")
    scale = 10.0**places
    return small_enough(_METHODS[method](number * scale) / scale)


@as_filter_and_function("int")
def integer(value: Any, default: Any = 0) -> Any:
    """Gives the whole part of a number or of text that is one; else the default."""
    number = lenient(value)
    return default if number is None else int(number)


@as_filter_and_function("float")
def floating(value: Any, default: Any = 0.0) -> Any:
    """Gives a number, or text that is one, as a float; else the default."""
    number = lenient(value)
    return default if number is None else float(number)


def lenient(value: Any) -> int | float | None:
    """Reads a number, a boolean or text; None if it is none of these."""
    if isinstance(value, bool) or is_number(value):
        number: int | float = value
        return number
    if not isinstance(value, str):
        return None
    spend_on_text(len(value))
    found = _NUMBER.fullmatch(value.strip())
    if found is None or len(value.strip()) > _MOST_DIGITS:
        return None
    if found[1] is None and found[2] is None:
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None
