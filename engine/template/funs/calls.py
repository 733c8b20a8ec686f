"""The functions that a fun may call, by module, name and number of arguments."""

import base64
import binascii
import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from engine.errors import TemplateError
from engine.template.funs.values import UNDEFINED, Atom, Refused, is_exactly, listed, name_of
from engine.template.operators import is_number
from engine.template.sandbox import LARGEST_INTEGER, LONGEST_TEXT, spend, too_long, weigh
from engine.template.text import to_json

Function = Callable[..., Any]
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _binary(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"expected a binary, found {name_of(value)}")
    spend(len(value) // 16 + 1)
    return value


# Lists of pairs: `proplists` and `eutils`.


def _key_of(item: Any) -> Any:
    return item[0] if isinstance(item, tuple) and item else item


def _get_value(key: Any, pairs: Any, default: Any = UNDEFINED) -> Any:
    if isinstance(pairs, dict):
        return pairs.get(key, default) if isinstance(key, str) else default
    items = listed(pairs)
    spend(len(items))
    for item in items:
        if is_exactly(_key_of(item), key):
            return item[1] if isinstance(item, tuple) and len(item) > 1 else True
    return default


def _get_all_values(key: Any, pairs: Any) -> list[Any]:
    items = listed(pairs)
    spend(len(items))
    return [item[1] for item in items if isinstance(item, tuple) and is_exactly(item[0], key)]


def _get_keys(pairs: Any) -> list[Any]:
    found: list[Any] = []
    for item in listed(pairs):
        spend(3 * len(found) + 1)
        if not any(is_exactly(_key_of(item), key) for key in found):
            found.append(_key_of(item))
    return found


def _is_defined(key: Any, pairs: Any) -> bool:
    items = listed(pairs)
    spend(len(items))
    return any(is_exactly(_key_of(item), key) for item in items)


def _delete(key: Any, pairs: Any) -> list[Any]:
    items = listed(pairs)
    spend(len(items))
    return [item for item in items if not is_exactly(_key_of(item), key)]


def _lookup(key: Any, pairs: Any) -> Any:
    items = listed(pairs)
    spend(len(items))
    return next((item for item in items if is_exactly(_key_of(item), key)), Atom("none"))


# Binaries.


def _split(text: Any, separator: Any, options: Any = ()) -> list[str]:
    whole, part = _binary(text), _binary(separator)
    if not part:
        raise Refused("a binary is split at a separator that is not empty")
    most = -1 if _is_global(options) else 1
    spend(whole.count(part) if most < 0 else 1)
    return whole.split(part, most)


def _replace(text: Any, old: Any, new: Any, options: Any = ()) -> str:
    whole, part, instead = _binary(text), _binary(old), _binary(new)
    if not part:
        raise Refused("what is replaced in a binary is not empty")
    times = whole.count(part) if _is_global(options) else min(whole.count(part), 1)
    length = len(whole) + times * (len(instead) - len(part))
    if length > LONGEST_TEXT:
        raise too_long(length)
    spend(length // 8)
    return whole.replace(part, instead, times)


def _is_global(options: Any) -> bool:
    items = list(options)
    if any(item != Atom("global") for item in items):
        raise Refused("the only option here is 'global'")
    return bool(items)


def _encode(value: Any) -> str:
    return base64.b64encode(_binary(value).encode()).decode()


def _decode(value: Any) -> str:
    try:
        return base64.b64decode(_binary(value).encode(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("this is not base64 of text") from None


def _from_json(value: Any) -> Any:
    text = _binary(value)
    spend(2 * len(text))
    try:
        found = json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise Refused("this is not JSON") from None
    weigh(found)
    return found


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


# Numbers.


def _integer(text: Any) -> int:
    digits = _binary(text).removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > LARGEST_INTEGER // 4:
        raise Refused("this is not the text of a whole number")
    return int(text)


def _float(text: Any) -> float:
    whole, point, rest = _binary(text).partition(".")
    if not point or not rest or len(text) > 400 or "_" in text:
        raise Refused("this is not the text of a fraction")
    try:
        number = float(whole + point + rest)
    except ValueError:
        raise Refused("this is not the text of a fraction") from None
    return number if math.isfinite(number) else _integer("")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not is_number(value):
        raise Refused(f"expected a whole number, found {name_of(value)}")
    return value


def _written(value: Any, base: Any = 10) -> str:
    number, digits = _whole(value), ""
    if not 2 <= _whole(base) <= 36:
        raise Refused("a number is written in a base from 2 to 36")
    spend(number.bit_length())
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, base)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def _round(value: Any) -> int:
    if not is_number(value):
        raise Refused(f"expected a number, found {name_of(value)}")
    return (
        value if isinstance(value, int) else int(math.copysign(math.floor(abs(value) + 0.5), value))
    )


# Lists and kinds.


def _head(value: Any) -> Any:
    items = listed(value)
    if not items:
        raise Refused("an empty list has no first item")
    return items[0]


def _tail(value: Any) -> list[Any]:
    _head(value)
    items = listed(value)
    spend(len(items))
    return items[1:]


_ERLANG: dict[tuple[str, int], Function] = {
    ("binary_to_float", 1): _float,
    ("binary_to_integer", 1): _integer,
    ("integer_to_binary", 1): _written,
    ("integer_to_binary", 2): _written,
    ("round", 1): _round,
    ("is_integer", 1): lambda value: isinstance(value, int) and is_number(value),
    ("is_binary", 1): lambda value: isinstance(value, str),
    ("is_list", 1): lambda value: isinstance(value, list | dict),
    ("is_float", 1): lambda value: isinstance(value, float),
    ("is_boolean", 1): lambda value: isinstance(value, bool),
    ("is_number", 1): is_number,
    ("hd", 1): _head,
    ("tl", 1): _tail,
}
_CALLS: dict[tuple[str, str, int], Function] = {
    **{("erlang", name, count): run for (name, count), run in _ERLANG.items()},
    ("proplists", "get_value", 2): _get_value,
    ("proplists", "get_value", 3): _get_value,
    ("proplists", "get_all_values", 2): _get_all_values,
    ("proplists", "get_keys", 1): _get_keys,
    ("proplists", "is_defined", 2): _is_defined,
    ("proplists", "delete", 2): _delete,
    ("proplists", "lookup", 2): _lookup,
    ("eutils", "get_value", 2): _get_value,
    ("eutils", "from_json", 1): _from_json,
    ("eutils", "to_json", 1): to_json,
    ("base64", "encode", 1): _encode,
    ("base64", "decode", 1): _decode,
    ("binary", "split", 2): _split,
    ("binary", "split", 3): _split,
    ("binary", "replace", 3): _replace,
    ("binary", "replace", 4): _replace,
}


def function_of(module: str, name: str, count: int) -> Function:
    """Finds a function; without a module one of `erlang`.

    Raises:
        TemplateError: a fun may not call that.
    """
    run = _CALLS.get((module or "erlang", name, count))
    if run is None:
        written = f"{module}:{name}/{count}" if module else f"{name}/{count}"
        raise TemplateError(f"a fun can't call {written}")
    return run
