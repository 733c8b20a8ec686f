"""Arguments of filters, checked: each helper gives the value or says what was wrong with it."""

from typing import Any

from engine.errors import TemplateError
from engine.template.missing import MISSING
from engine.template.operators import is_number
from engine.template.paths import member
from engine.template.sandbox import spend
from engine.template.text import kind_of


def number_in(value: Any, name: str) -> int | float:
    """Gives a number."""
    if is_number(value):
        checked: int | float = value
        return checked
    hint = "; turn it into one with '| number'" if isinstance(value, str) else ""
    raise TemplateError(f"'{name}' needs a number, not {kind_of(value)}{hint}")


def whole_number_in(value: Any, name: str) -> int:
    """Gives a whole number."""
    number = number_in(value, name)
    if isinstance(number, float):
        raise TemplateError(f"'{name}' needs a whole number, not {number!r}")
    return number


def items_in(value: Any, name: str) -> list[Any]:
    """Gives the items of an array, the characters of a text or the keys of an object."""
    if value is MISSING:
        return []
    if not isinstance(value, list | str | dict):
        raise TemplateError(f"'{name}' needs an array, not {kind_of(value)}")
    spend(len(value))
    return list(value)


def picked(items: list[Any], attribute: Any) -> list[Any]:
    """Gives the value at a path such as `a.b` of every item; the items without a path."""
    if attribute is None:
        return items
    keys: list[Any] = [attribute] if isinstance(attribute, int) else str(attribute).split(".")
    spend(len(items) * len(keys))
    values = items
    for key in keys:
        values = [member(value, key) for value in values]
    return values


def sort_keys(values: list[Any], name: str, *, case_sensitive: Any) -> list[Any]:
    """Gives what the values are ordered by: all numbers, or all texts."""
    values = ["" if value is MISSING else value for value in values]
    spend(2 * len(values))
    if all(map(is_number, values)):
        return values
    if all(isinstance(value, str) for value in values):
        return values if case_sensitive else [value.lower() for value in values]
    kinds = sorted({kind_of(value) for value in values})
    raise TemplateError(f"'{name}' can't order {' and '.join(kinds)}")
