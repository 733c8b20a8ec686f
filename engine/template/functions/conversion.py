"""Strict conversion between kinds of values, as Corezoid's declared types convert.

Source: Corezoid, Set Parameters (types of parameters); a failure has Corezoid's words.
"""

import json
import math
import re
from typing import Any, NoReturn

from engine.errors import ConversionError, TemplateError
from engine.template.operators import is_number
from engine.template.registry import as_filter, as_filter_and_function
from engine.template.sandbox import LARGEST_INTEGER, spend, spend_on_text, weigh
from engine.template.text import kind_of, to_text
from engine.template.text import to_json as written

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_SHOWN = 100


def _fail(value: Any, wanted: str) -> NoReturn:
    text = to_text(value)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    raise ConversionError(f"Value: {shown}, Try convert to: {wanted}")


@as_filter_and_function("string", "to_string")
def string(value: Any) -> str:
    """Writes any value as text."""
    return to_text(value)


@as_filter_and_function("number", "to_number")
def number(value: Any) -> int | float:
    """Gives a number, or reads text that is a number of JSON."""
    if is_number(value):
        given: int | float = value
        return given
    if isinstance(value, str):
        spend_on_text(len(value))
        found = _JSON_NUMBER.fullmatch(value.strip())
        if found is not None and len(value) <= LARGEST_INTEGER // 4:
            result = float(value) if found[1] or found[2] else int(value)
            if math.isfinite(result):
                return result
    _fail(value, "number")


@as_filter_and_function("boolean")
def boolean(value: Any) -> bool:
    """Gives a boolean, or reads the texts `true` and `false`."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    _fail(value, "boolean")


@as_filter_and_function("object", "to_object")
def object_(value: Any) -> dict[str, Any]:
    """Gives an object, or reads text that is one."""
    found = _read(value, "object") if isinstance(value, str) else value
    return found if isinstance(found, dict) else _fail(value, "object")


@as_filter_and_function("array", "to_array")
def array(value: Any) -> list[Any]:
    """Gives an array, or reads text that is one."""
    found = _read(value, "array") if isinstance(value, str) else value
    return found if isinstance(found, list) else _fail(value, "array")


@as_filter_and_function("from_json")
def from_json(value: Any) -> Any:
    """Reads the JSON in a text."""
    if not isinstance(value, str):
        raise TemplateError(f"'from_json' needs text, not {kind_of(value)}")
    return _read(value, "json")


@as_filter_and_function("to_json")
@as_filter("tojson")
def to_json(value: Any) -> str:
    """Writes a value as compact JSON."""
    return written(value)


def _read(text: str, wanted: str) -> Any:
    spend(2 * len(text) + 1)  # a megabyte of brackets would become twenty of arrays
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        _fail(text, wanted)
    weigh(value)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
