"""Filters that keep some items of an array."""

from collections.abc import Callable
from typing import Any

from engine.errors import TemplateError
from engine.template.functions.arguments import items_in, picked
from engine.template.registry import TESTS, as_filter
from engine.template.sandbox import spend


@as_filter("selectattr")
def selectattr(value: Any, attribute: Any, test: Any = "defined", *arguments: Any) -> list[Any]:
    """Keeps the items whose value at a path passes a test; without a test those that have it."""
    return kept("selectattr", value, attribute, (test, *arguments), wanted=True)


@as_filter("rejectattr")
def rejectattr(value: Any, attribute: Any, test: Any = "defined", *arguments: Any) -> list[Any]:
    """Drops the items whose value at a path passes a test; without a test those that have it."""
    return kept("rejectattr", value, attribute, (test, *arguments), wanted=False)


def kept(
    name: str, value: Any, attribute: Any, test: tuple[Any, ...], *, wanted: bool
) -> list[Any]:
    """Keeps or drops the items, or those whose value at a path, pass a test with its arguments."""
    items = items_in(value, name)
    spend(10 * len(items))
    run = _test(name, test[0])
    try:
        passed = [bool(run(found, *test[1:])) for found in picked(items, attribute)]
    except TypeError:
        raise TemplateError(f"'{name}': the test '{test[0]}' does not take these") from None
    return [item for item, is_right in zip(items, passed, strict=True) if is_right is wanted]


def _test(name: str, test: Any) -> Callable[..., Any]:
    run = TESTS.get(test) if isinstance(test, str) else None
    if run is None:
        raise TemplateError(f"'{name}': there is no test '{test}'")
    return run
