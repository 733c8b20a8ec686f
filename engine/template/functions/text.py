"""Filters on text: case, trimming, replacing. What is not text is written as text first."""

from typing import Any

from engine.errors import TemplateError
from engine.template.functions.arguments import items_in, picked, whole_number_in
from engine.template.missing import MISSING
from engine.template.operators import joined
from engine.template.registry import as_filter
from engine.template.sandbox import LONGEST_TEXT, short_enough, spend, spend_on_text, too_long
from engine.template.text import to_text


def text_in(value: Any) -> str:
    """Writes a value as text and takes the steps for working on it."""
    text = to_text(value)
    if len(text) > LONGEST_TEXT:
        raise too_long(len(text))
    spend_on_text(len(text))
    return text


@as_filter("upper")
def upper(value: Any) -> str:
    """Makes all letters capitals."""
    return short_enough(text_in(value).upper())


@as_filter("lower")
def lower(value: Any) -> str:
    """Makes all letters small."""
    return short_enough(text_in(value).lower())


@as_filter("capitalize")
def capitalize(value: Any) -> str:
    """Makes the first letter a capital and the rest small."""
    return short_enough(text_in(value).capitalize())


@as_filter("title")
def title(value: Any) -> str:
    """Makes the first letter of every word a capital."""
    return short_enough(text_in(value).title())


@as_filter("trim")
def trim(value: Any, chars: Any = None) -> str:
    """Takes whitespace, or the given characters, from both ends."""
    return text_in(value).strip(None if chars is None else to_text(chars))


@as_filter("replace")
def replace(value: Any, old: Any, new: Any, count: Any = None) -> str:
    """Replaces a part; the length of the result is known before it is made."""
    text, part, instead = text_in(value), to_text(old), to_text(new)
    most = -1 if count is None else whole_number_in(count, "replace")
    found = text.count(part)
    times = found if most < 0 else min(found, most)
    length = len(text) + times * (len(instead) - len(part))
    if length > LONGEST_TEXT:
        raise too_long(length)
    spend(length // 8)
    return text.replace(part, instead, times)


@as_filter("join")
def join(value: Any, d: Any = "", attribute: Any = None) -> str:
    """Joins items as text, with `d` between them."""
    values = picked(items_in(value, "join"), attribute)
    glue = to_text(d)
    with_glue = [glue] * max(2 * len(values) - 1, 0)
    with_glue[::2] = values
    return joined(with_glue)


@as_filter("split")
def split(value: Any, separator: Any = None) -> list[str]:
    """Splits a text at a separator, or at whitespace."""
    text = text_in(value)
    if separator is None:
        parts = text.split()
    elif to_text(separator):
        parts = text.split(to_text(separator))
    else:
        raise TemplateError("'split' needs a separator that is not empty")
    spend(len(parts))
    return parts


@as_filter("truncate")
def truncate(value: Any, length: Any = 255, killwords: Any = False, end: Any = "...") -> str:  # noqa: FBT002 -- Jinja2's signature
    """Cuts a text to at most `length` characters, at a space if there is one."""
    text, ending = text_in(value), to_text(end)
    most = whole_number_in(length, "truncate")
    if len(text) <= most:
        return text
    cut = text[: max(most - len(ending), 0)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + ending


@as_filter("default", "d")
def default(value: Any, default_value: Any = "", boolean: Any = False) -> Any:  # noqa: FBT002 -- Jinja2's signature
    """Gives another value for a missing one; with `boolean` for any that counts as false."""
    if value is MISSING or (boolean and not value):
        return default_value
    return value
