"""What stands left of `->` and `=`: patterns that a value fits or not, and that name its parts."""

from collections.abc import Callable
from typing import Any

from engine.template.funs.values import is_exactly, listed
from engine.template.sandbox import spend

Names = dict[str, Any]
Fits = Callable[[Any, Names], bool]
"""Tells whether a value fits, and adds the names that it gives to its parts."""


def anything(_value: Any, _names: Names) -> bool:
    """Fits every value."""
    return True


def of_variable(name: str) -> Fits:
    """Makes the pattern that names a value; a name that is known already has to be the same."""

    def fits(value: Any, names: Names) -> bool:
        if name in names:
            return is_exactly(names[name], value)
        names[name] = value
        return True

    return fits


def of_literal(literal: Any) -> Fits:
    """Makes the pattern that only one value fits."""
    return lambda value, _names: is_exactly(literal, value)


def of_tuple(parts: list[Fits]) -> Fits:
    """Makes the pattern of a tuple."""

    def fits(value: Any, names: Names) -> bool:
        if not isinstance(value, tuple) or len(value) != len(parts):
            return False
        return all(part(item, names) for part, item in zip(parts, value, strict=True))

    return fits


def of_list(parts: list[Fits], rest: Fits | None) -> Fits:
    """Makes the pattern of a list, or with `rest` of its beginning."""

    def fits(value: Any, names: Names) -> bool:
        if not isinstance(value, list | dict):
            return False
        items = listed(value)
        if len(items) < len(parts) or (rest is None and len(items) > len(parts)):
            return False
        if not all(part(item, names) for part, item in zip(parts, items, strict=False)):
            return False
        if rest is None:
            return True
        spend(len(items))
        return rest(items[len(parts) :], names)

    return fits
