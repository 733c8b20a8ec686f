"""Arithmetic, comparisons and slices on JSON values, with the limits of the sandbox.

Only values of one kind go together: numbers with numbers, text with text. A missing value is
an empty text here, so that comparing it with a number is an error rather than a guess.
"""

import operator
from collections.abc import Callable
from typing import Any

from engine.errors import TemplateError
from engine.template.missing import MISSING, settled
from engine.template.sandbox import (
    CHARACTERS_A_STEP,
    LARGEST_INTEGER,
    LONGEST_TEXT,
    short_enough,
    small_enough,
    spend,
    spend_on_text,
    too_long,
    weigh,
)
from engine.template.text import kind_of, to_text

Operation = Callable[[Any, Any], Any]

LARGEST_EXPONENT = 4096


def is_number(value: Any) -> bool:
    """Tells whether a value is a number; a boolean is none."""
    return type(value) is int or type(value) is float


def _operands(left: Any, right: Any, what: str) -> TemplateError:
    hint = ""
    if MISSING in (left, right) and (left is MISSING or right is MISSING):
        hint = "; give the missing one a value with '| default(...)'"
    elif {kind_of(left), kind_of(right)} == {"text", "a number"}:
        hint = "; turn the text into a number with '| number'"
    return TemplateError(f"can't {what} {kind_of(left)} and {kind_of(right)}{hint}")


def add(left: Any, right: Any) -> Any:
    """Adds numbers, and joins texts or arrays."""
    if is_number(left) and is_number(right):
        return small_enough(left + right)
    if isinstance(left, list) and isinstance(right, list):
        spend(len(left) + len(right))
        return left + right
    first, second = settled(left), settled(right)
    if isinstance(first, str) and isinstance(second, str):
        spend_on_text(len(first) + len(second))
        return short_enough(first + second)
    raise _operands(left, right, "add")


def multiply(left: Any, right: Any) -> Any:
    """Multiplies numbers, and repeats a text or an array."""
    if is_number(left) and is_number(right):
        return small_enough(left * right)
    for value, times in ((left, right), (right, left)):
        if isinstance(value, str | list) and isinstance(times, int) and is_number(times):
            return _repeat(value, times)
    raise _operands(left, right, "multiply")


def _repeat(value: str | list[Any], times: int) -> str | list[Any]:
    length = len(value) * max(times, 0)
    if isinstance(value, list):
        spend(length)
        return value * times
    if length > LONGEST_TEXT:
        raise too_long(length)
    spend_on_text(length)
    return value * times


def _on_numbers(what: str, run: Operation) -> Operation:
    def apply(left: Any, right: Any) -> Any:
        if is_number(left) and is_number(right):
            try:
                return small_enough(run(left, right))
            except ZeroDivisionError as error:
                raise TemplateError(f"can't {what} by zero") from error
        raise _operands(left, right, what)

    return apply


def power(base: Any, exponent: Any) -> Any:
    """Raises a number to a power, within the limits of numbers."""
    if not (is_number(base) and is_number(exponent)):
        raise _operands(base, exponent, "raise to a power")
    if isinstance(base, int) and isinstance(exponent, int) and _is_huge(base, exponent):
        raise TemplateError(f"the power has more than {LARGEST_INTEGER} bits")
    try:
        result = base**exponent
    except ZeroDivisionError as error:
        raise TemplateError("can't raise zero to a negative power") from error
    if isinstance(result, complex):
        raise TemplateError("can't take a root of a negative number")
    return small_enough(result)


def _is_huge(base: int, exponent: int) -> bool:
    """Tells that a power would be too large to be worth computing."""
    return abs(exponent) > LARGEST_EXPONENT or base.bit_length() * exponent > 2 * LARGEST_INTEGER


def negative(value: Any) -> Any:
    """Changes the sign of a number."""
    if is_number(value):
        return -value
    raise TemplateError(f"can't change the sign of {kind_of(value)}")


def positive(value: Any) -> Any:
    """Gives a number as it is."""
    if is_number(value):
        return value
    raise TemplateError(f"can't change the sign of {kind_of(value)}")


ARITHMETIC: dict[str, Operation] = {
    "Add": add,
    "Sub": _on_numbers("subtract", operator.sub),
    "Mul": multiply,
    "Div": _on_numbers("divide", operator.truediv),
    "FloorDiv": _on_numbers("divide", operator.floordiv),
    "Mod": _on_numbers("divide", operator.mod),
    "Pow": power,
}


def equal(left: Any, right: Any) -> bool:
    """Compares two values of any kinds; values of different kinds differ."""
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        weigh(left)
        weigh(right)
    return bool(left == right)


def _differs(left: Any, right: Any) -> bool:
    return not equal(left, right)


def _ordering(run: Operation) -> Operation:
    def compare(left: Any, right: Any) -> bool:
        if type(left) is int and type(right) is int:
            return bool(run(left, right))
        if is_number(left) and is_number(right):
            return bool(run(left, right))
        first, second = settled(left), settled(right)
        if isinstance(first, str) and isinstance(second, str):
            return bool(run(first, second))
        raise _operands(left, right, "compare")

    return compare


def contains(item: Any, container: Any) -> bool:
    """Tells whether a text has a part, an array an item, or an object a key."""
    item = settled(item)
    if isinstance(container, list):
        spend(len(container))
        if isinstance(item, list | dict):
            weigh(container)
        return item in container
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    if isinstance(container, str) and isinstance(item, str):
        spend_on_text(len(item) + len(container))
        return item in container
    if container is MISSING:
        return bool(item == "")
    raise TemplateError(f"can't look for {kind_of(item)} in {kind_of(container)}")


def _lacks(item: Any, container: Any) -> bool:
    return not contains(item, container)


COMPARISONS: dict[str, Operation] = {
    "eq": equal,
    "ne": _differs,
    "lt": _ordering(operator.lt),
    "lteq": _ordering(operator.le),
    "gt": _ordering(operator.gt),
    "gteq": _ordering(operator.ge),
    "in": contains,
    "notin": _lacks,
}


def joined(values: list[Any]) -> str:
    """Joins values as text: `~`, and a text with several expressions in it."""
    texts: list[str] = []
    length = 0
    for value in values:
        text = value if type(value) is str else to_text(value)
        length += len(text)
        if length > LONGEST_TEXT:
            raise too_long(length)
        texts.append(text)
    spend_on_text(length)
    return "".join(texts)


def part(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """Cuts a part out of an array or a text, as Python's slices do."""
    bounds = [_bound(bound) for bound in (start, stop, step)]
    if bounds[2] == 0:
        raise TemplateError("the step of a slice can't be zero")
    if isinstance(value, str | list):
        spend(len(value) if isinstance(value, list) else len(value) // CHARACTERS_A_STEP)
        return value[slice(*bounds)]
    return MISSING


def _bound(value: Any) -> int | None:
    if value is None or value is MISSING:
        return None
    if isinstance(value, int) and is_number(value):
        return value
    raise TemplateError(f"the bounds of a slice are whole numbers, not {kind_of(value)}")
