"""Filters on arrays and objects."""

from typing import Any

from engine.errors import TemplateError
from engine.template.functions.arguments import items_in, picked, sort_keys
from engine.template.missing import MISSING, settled
from engine.template.operators import add, is_number
from engine.template.registry import as_filter, as_filter_and_function
from engine.template.sandbox import spend, spend_on_text
from engine.template.text import kind_of, to_json


@as_filter("length", "count")
def length(value: Any) -> int:
    """Counts characters, items or keys."""
    if value is MISSING or isinstance(value, str | list | dict):
        return len(value)
    raise TemplateError(f"{kind_of(value)} has no length")


@as_filter("first")
def first(seq: Any) -> Any:
    """Gives the first item, character or key."""
    return next(iter(_sequence(seq, "first")), MISSING)


@as_filter("last")
def last(seq: Any) -> Any:
    """Gives the last item, character or key."""
    return next(reversed(_sequence(seq, "last")), MISSING)


def _sequence(value: Any, name: str) -> Any:
    if value is MISSING:
        return ""
    if isinstance(value, str | list | dict):
        return value
    raise TemplateError(f"'{name}' needs an array or text, not {kind_of(value)}")


@as_filter_and_function("min")
def smallest(value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:  # noqa: FBT002 -- Jinja2's signature
    """Gives the least item; with `attribute` the one whose value there is least."""
    return _extreme(value, "min", case_sensitive, attribute)


@as_filter_and_function("max")
def largest(value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:  # noqa: FBT002 -- Jinja2's signature
    """Gives the greatest item; with `attribute` the one whose value there is greatest."""
    return _extreme(value, "max", case_sensitive, attribute)


def _extreme(value: Any, name: str, case_sensitive: Any, attribute: Any) -> Any:
    items = items_in(value, name)
    keys = sort_keys(picked(items, attribute), name, case_sensitive=case_sensitive)
    choose = min if name == "min" else max
    return items[choose(range(len(items)), key=keys.__getitem__)] if items else MISSING


@as_filter("sum")
def total(iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Adds up numbers; with `attribute` the values at that path of every item."""
    result = start
    for value in picked(items_in(iterable, "sum"), attribute):
        if not is_number(value):
            raise TemplateError(f"'sum' needs an array of numbers, not of {kind_of(value)}")
        result = add(result, value)
    return result


@as_filter("sort")
def sort(
    value: Any,
    reverse: Any = False,  # noqa: FBT002 -- Jinja2's signature
    case_sensitive: Any = False,  # noqa: FBT002
    attribute: Any = None,
) -> list[Any]:
    """Sorts numbers or texts; equal ones keep their order."""
    items = items_in(value, "sort")
    keys = sort_keys(picked(items, attribute), "sort", case_sensitive=case_sensitive)
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(reverse))
    return [items[index] for index in order]


@as_filter("unique")
def unique(value: Any, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:  # noqa: FBT002 -- Jinja2's signature
    """Keeps the first of equal items."""
    items = items_in(value, "unique")
    seen: dict[Any, Any] = {}
    for item, key in zip(items, picked(items, attribute), strict=True):
        seen.setdefault(_identity(key, case_sensitive=case_sensitive), item)
    return list(seen.values())


def _identity(value: Any, *, case_sensitive: Any) -> Any:
    if isinstance(value, list | dict):
        spend(10)
        return ("json", to_json(value, is_sorted=True))
    if isinstance(value, bool):
        return ("boolean", value)
    value = settled(value)
    return value.lower() if isinstance(value, str) and not case_sensitive else value


@as_filter("reverse")
def backwards(value: Any) -> Any:
    """Turns a text or an array round."""
    if isinstance(value, str):
        spend_on_text(len(value))
        return value[::-1]
    return items_in(value, "reverse")[::-1]


@as_filter("list")
def listed(value: Any) -> list[Any]:
    """Gives an array: of a text's characters, of an object's keys."""
    return items_in(value, "list")


@as_filter("items")
def items(value: Any) -> list[Any]:
    """Gives an array of `[key, value]` of an object."""
    return [[key, item] for key, item in _object(value, "items").items()]


@as_filter("keys")
def keys(value: Any) -> list[Any]:
    """Gives the keys of an object."""
    return list(_object(value, "keys"))


@as_filter("values")
def values(value: Any) -> list[Any]:
    """Gives the values of an object."""
    return list(_object(value, "values").values())


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is MISSING:
        return {}
    if not isinstance(value, dict):
        raise TemplateError(f"'{name}' needs an object, not {kind_of(value)}")
    spend(4 * len(value))
    return value
