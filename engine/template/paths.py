"""Look-ups: `a`, `a.b.c`, `a[0].b`. HOT: most templates are nothing else.

Each shape has a closure of its own; measured, a look-up of two keys takes 0.1 us so, and twice
that with a loop over the keys.
"""

from collections.abc import Callable, Mapping
from typing import Any

from engine.template.missing import MISSING
from engine.template.scope import Evaluate, Scope

Key = str | int


def member(value: Any, key: Any) -> Any:
    """Reads a key of an object, an item of an array or a character of a text.

    Nothing else of any value can be reached. A whole number names a key of an object by its
    digits, and digits name an item of an array, as in Corezoid's paths.
    """
    if isinstance(value, dict):
        return value.get(_name(key), MISSING)
    if isinstance(value, (list, str)):
        index = _index(key)
        if index is not None and -len(value) <= index < len(value):
            return value[index]
        return MISSING
    # Not JSON: a read-only mapping that a reserved name stands for.
    return value.get(_name(key), MISSING) if isinstance(value, Mapping) else MISSING


def _name(key: Any) -> Any:
    """Gives the key of an object that a value names; one that no object has for the others."""
    if isinstance(key, str):
        return key
    return str(key) if isinstance(key, int) and not isinstance(key, bool) else None


def _index(key: Any) -> int | None:
    if isinstance(key, int):
        return None if isinstance(key, bool) else key
    if isinstance(key, float) and key.is_integer():
        return int(key)
    if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 10:
        return int(key)
    return None


def data_path(keys: tuple[Key, ...], absent: Any = MISSING) -> Evaluate:
    """Makes the function that reads a value of the task's data; `absent` if it is not there."""
    match keys:
        case (str() as first,):
            return lambda scope: scope.data.get(first, absent)
        case (str() as first, str() as second):
            return _two_keys(first, second, absent)
        case (str() as first, *rest) if all(isinstance(key, str) for key in rest):
            return _many_keys(first, [str(key) for key in rest], absent)
        case _:
            return _any_keys(lambda scope: scope.data, keys, absent)


def _two_keys(first: str, second: str, absent: Any) -> Evaluate:
    def read(scope: Scope) -> Any:
        value = scope.data.get(first, absent)
        if type(value) is dict:
            return value.get(second, absent)
        found = member(value, second)
        return absent if found is MISSING else found

    return read


def _many_keys(first: str, rest: list[str], absent: Any) -> Evaluate:
    def read(scope: Scope) -> Any:
        value = scope.data.get(first, MISSING)
        for key in rest:
            value = value.get(key, MISSING) if type(value) is dict else member(value, key)
        return absent if value is MISSING else value

    return read


def _any_keys(root: Callable[[Scope], Any], keys: tuple[Key, ...], absent: Any) -> Evaluate:
    def read(scope: Scope) -> Any:
        value = root(scope)
        for key in keys:
            value = member(value, key)
        return absent if value is MISSING else value

    return read


def whole_data(scope: Scope) -> Any:
    """Gives all of the task's data, as a copy: data must not come to hold itself."""
    return dict(scope.data)


def reserved_path(name: str, keys: tuple[Key, ...], absent: Any = MISSING) -> Evaluate:
    """Makes the function that reads a reserved name, or a value inside it."""

    def read(scope: Scope) -> Any:
        value = scope.name(name)
        for key in keys:
            value = member(value, key)
        if type(value) is str:
            return value
        return absent if value is MISSING else _json_type(value)

    return read


_EXACT = frozenset({str, int, float, bool, type(None), list, dict})


def _json_type(value: Any) -> Any:
    """Gives the plain value of an enum's member or of a read-only mapping."""
    if type(value) in _EXACT:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return dict(value) if isinstance(value, Mapping) else value
