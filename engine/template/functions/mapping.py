"""`map`, `filter`, `select` and `reject`: what is done to every item of an array.

`map` and `filter` take Corezoid's funs, `map` also the name of a filter or a path.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from engine.errors import ConversionError, TemplateError
from engine.template.functions.arguments import items_in, picked
from engine.template.functions.selection import kept
from engine.template.funs import read_fun
from engine.template.missing import settled
from engine.template.registry import FILTERS, as_filter, as_function, checks_constant, unknown
from engine.template.sandbox import spend, weigh
from engine.template.text import to_text

_STEPS_OF_AN_ITEM = 10
_kept_fun = lru_cache(maxsize=256)(read_fun)


def _is_fun(text: str) -> bool:
    return text.lstrip().startswith("fun")


def _fun(text: Any, name: str) -> Callable[[Any], Any]:
    if not isinstance(text, str) or not _is_fun(text):
        raise TemplateError(f"'{name}' needs a fun such as 'fun(Item) -> Item * 2 end'")
    spend(4 * len(text))
    return _kept_fun(text)


def _results(fun: Any, value: Any, name: str) -> tuple[list[Any], list[Any]]:
    """Gives the items of an array and what the fun gives for each; Corezoid: else none."""
    run = _fun(fun, name)
    if not isinstance(value, list):
        return [], []
    weigh(value)
    results = []
    for item in value:
        spend(_STEPS_OF_AN_ITEM)
        try:
            results.append(run(item))
        except TemplateError as error:
            shown = to_text(item)[:100]
            raise ConversionError(
                f"Value: {shown}, Try convert to: array", hint=str(error)
            ) from None
    return value, results


def _readable(text: str) -> None:
    if _is_fun(text):
        read_fun(text)
    elif text not in FILTERS:
        raise TemplateError(unknown("filter", text, FILTERS, {}))


@as_filter("map")
@checks_constant("fun", _readable)
def map_filter(value: Any, fun: Any = None, *arguments: Any, attribute: Any = None) -> list[Any]:
    """Gives what a fun or a filter gives for every item, or the value at a path of it."""
    if isinstance(fun, str) and _is_fun(fun):
        return _results(fun, value, "map")[1]
    items = items_in(value, "map")
    if attribute is not None:
        return [settled(found) for found in picked(items, attribute)]
    run = FILTERS.get(fun) if isinstance(fun, str) else None
    if run is None or run is map_filter:
        raise TemplateError("'map' needs a fun, the name of a filter, or 'attribute'")
    spend(_STEPS_OF_AN_ITEM * len(items))
    try:
        return [settled(run(item, *arguments)) for item in items]
    except TypeError:
        raise TemplateError(f"'map': the filter '{fun}' does not take these") from None


@as_function("map")
@checks_constant("fun", read_fun)
def map_function(fun: Any, array: Any) -> list[Any]:
    """Gives what a fun gives for every item."""
    return _results(fun, array, "map")[1]


@as_filter("filter")
@checks_constant("fun", read_fun)
def filter_filter(value: Any, fun: Any) -> list[Any]:
    """Keeps the items for which a fun gives true."""
    items, results = _results(fun, value, "filter")
    for item, result in zip(items, results, strict=True):
        if not isinstance(result, bool):
            shown = to_text(item)[:100]
            raise ConversionError(f"Value: {shown}, Try convert to: boolean")
    return [item for item, result in zip(items, results, strict=True) if result]


@as_function("filter")
@checks_constant("fun", read_fun)
def filter_function(fun: Any, array: Any) -> list[Any]:
    """Keeps the items for which a fun gives true."""
    return filter_filter(array, fun)


@as_filter("select")
def select(value: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """Keeps the items that pass a test; without a test those that count as true."""
    return _passing("select", value, (test, *arguments), wanted=True)


@as_filter("reject")
def reject(value: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """Drops the items that pass a test; without a test those that count as true."""
    return _passing("reject", value, (test, *arguments), wanted=False)


def _passing(name: str, value: Any, test: tuple[Any, ...], *, wanted: bool) -> list[Any]:
    if test == (None,):
        return [item for item in items_in(value, name) if bool(item) is wanted]
    return kept(name, value, None, test, wanted=wanted)
