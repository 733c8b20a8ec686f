"""Values as text, and words for kinds of values."""

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import TemplateError
from engine.template.missing import MISSING
from engine.template.sandbox import LONGEST_TEXT, short_enough, too_long, weigh

_EXPONENT_FROM = 1e16  # where Python, like JSON writers, changes to 1e+16


def to_text(value: Any) -> str:
    """Writes a value as it stands in a text.

    Text as it is, numbers in their shortest form, missing and null as nothing, arrays and
    objects as compact JSON (spec of Corezoid's values: mixed text).
    """
    if type(value) is int or isinstance(value, str):
        return str(value)
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _EXPONENT_FROM:
            return str(int(value))
        return repr(value)
    return to_json(value)


def to_json(value: Any, *, is_sorted: bool = False) -> str:
    """Writes a value as compact JSON, keeping letters of all languages as they are."""
    if (letters := weigh(value)[1]) > LONGEST_TEXT:  # known before anything is written
        raise too_long(letters)
    try:
        text = json.dumps(
            "" if value is MISSING else value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            sort_keys=is_sorted,
            default=_plain,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise TemplateError(f"the value can't be written as JSON: {error}") from error
    return short_enough(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def kind_of(value: Any) -> str:
    """Names the kind of a value in the words of messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "an array"
        case Mapping():
            return "an object"
        case _:
            return "a missing value"
