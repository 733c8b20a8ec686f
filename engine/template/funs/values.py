"""Erlang's values as JSON has them, and its operators.

A binary is text, a list an array. An object is a list of pairs and a map at once: `hd` gives a
pair, and a list of pairs that a fun gives becomes an object.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import TemplateError
from engine.template.operators import is_number
from engine.template.sandbox import CHARACTERS_A_STEP, LARGEST_INTEGER, small_enough, spend

Operation = Callable[[Any, Any], Any]


class Refused(TemplateError):
    """An operation on values that it is not for; in a guard it is only false."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A word that stands for itself; `true`, `false` and `null` are the values of JSON."""

    name: str


UNDEFINED = Atom("undefined")
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


def atom(name: str) -> Any:
    """Gives the value that a word stands for."""
    return _CONSTANTS[name] if name in _CONSTANTS else Atom(name)


def listed(value: Any) -> list[Any]:
    """Gives the items of a list; of an object its pairs."""
    if isinstance(value, list):
        spend(len(value) // 8)
        return value
    if isinstance(value, dict):
        spend(len(value))
        return list(value.items())
    raise Refused(f"expected a list, found {name_of(value)}")


def to_json(value: Any) -> Any:
    """Gives what a fun gave as a value of JSON."""
    spend(3)
    if isinstance(value, list):
        if value and all(_is_pair(item) for item in value):
            return {key: to_json(item) for key, item in value}
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Atom):
        return None if value == UNDEFINED else value.name
    return value


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def name_of(value: Any) -> str:
    """Names the kind of a value in Erlang's words."""
    match value:
        case bool() | None | Atom():
            return "an atom"
        case int() | float():
            return "a number"
        case str():
            return "a binary"
        case tuple():
            return "a tuple"
        case list():
            return "a list"
        case _:
            return "an object"


# Operators.


def _on_numbers(run: Operation, *, whole: bool = False) -> Operation:
    def apply(left: Any, right: Any) -> Any:
        for value in (left, right):
            if not (isinstance(value, int) and is_number(value) if whole else is_number(value)):
                kind = "a whole number" if whole else "a number"
                raise Refused(f"expected {kind}, found {name_of(value)}")
        try:
            return small_enough(run(left, right))
        except ZeroDivisionError:
            raise Refused("can't divide by zero") from None
        except OverflowError:
            raise Refused("the result is too large for a number") from None

    return apply


def _quotient(left: int, right: int) -> int:
    """Divides towards zero, as Erlang does."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _shifted(left: int, right: int) -> int:
    if right > LARGEST_INTEGER:
        raise Refused(f"the result has more than {LARGEST_INTEGER} bits")
    return left << right if right >= 0 else left >> min(-right, 2 * LARGEST_INTEGER)


def _joined(left: Any, right: Any) -> list[Any]:
    one, other = listed(left), listed(right)
    spend(len(one) + len(other))
    return [*one, *other]


def _without(left: Any, right: Any) -> list[Any]:
    rest, gone = list(listed(left)), listed(right)
    spend(2 * len(rest) * len(gone))
    for item in gone:
        for place, kept in enumerate(rest):
            if is_exactly(kept, item):
                del rest[place]
                break
    return rest


def is_exactly(left: Any, right: Any) -> bool:
    """Compares as `=:=` does: a whole number is no fraction, and an atom no number."""
    if isinstance(left, list | dict | tuple) and isinstance(right, list | dict | tuple):
        return _is_same(left, right, is_exactly)
    return type(left) is type(right) and bool(left == right)


def _equals(left: Any, right: Any) -> bool:
    if isinstance(left, list | dict | tuple) and isinstance(right, list | dict | tuple):
        return _is_same(left, right, _equals)
    if is_number(left) and is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _is_same(left: Any, right: Any, equals: Operation) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        spend(len(left))
        return left.keys() == right.keys() and all(equals(left[key], right[key]) for key in left)
    if isinstance(left, tuple) is not isinstance(right, tuple):
        return False
    one, other = (each if isinstance(each, tuple) else listed(each) for each in (left, right))
    spend(3 * min(len(one), len(other)))
    return len(one) == len(other) and all(map(equals, one, other))


_RANKS = ("a number", "an atom", "a tuple", "a list", "an object", "a binary")


def _ordered(run: Operation) -> Operation:
    def compare(left: Any, right: Any) -> bool:
        if is_number(left) and is_number(right):
            return bool(run(left, right))
        one, other = name_of(left), name_of(right)
        if one != other:
            return bool(run(_RANKS.index(one), _RANKS.index(other)))
        if one == "a binary":
            spend(len(left) // CHARACTERS_A_STEP)
            return bool(run(left, right))
        raise Refused(f"can't tell which of two is greater: each is {one}")

    return compare


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Refused(f"expected true or false, found {name_of(value)}")


def negation(value: Any) -> bool:
    """Gives the opposite of a boolean."""
    return not _truth(value)


def negative(value: Any) -> Any:
    """Changes the sign of a number."""
    return _on_numbers(operator.sub)(0, value)


def inverted(value: Any) -> Any:
    """Turns the bits of a whole number round."""
    return _on_numbers(operator.xor, whole=True)(-1, value)


OPERATORS: dict[str, Operation] = {
    "+": _on_numbers(operator.add),
    "-": _on_numbers(operator.sub),
    "*": _on_numbers(operator.mul),
    "/": _on_numbers(operator.truediv),
    "div": _on_numbers(_quotient, whole=True),
    "rem": _on_numbers(lambda a, b: a - b * _quotient(a, b), whole=True),
    "band": _on_numbers(operator.and_, whole=True),
    "bor": _on_numbers(operator.or_, whole=True),
    "bxor": _on_numbers(operator.xor, whole=True),
    "bsl": _on_numbers(_shifted, whole=True),
    "bsr": _on_numbers(lambda a, b: _shifted(a, -b), whole=True),
    "and": lambda a, b: _truth(a) & _truth(b),
    "or": lambda a, b: _truth(a) | _truth(b),
    "xor": lambda a, b: _truth(a) ^ _truth(b),
    "==": _equals,
    "/=": lambda a, b: not _equals(a, b),
    "=:=": is_exactly,
    "=/=": lambda a, b: not is_exactly(a, b),
    "<": _ordered(operator.lt),
    "=<": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "++": _joined,
    "--": _without,
}
