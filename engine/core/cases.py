"""Cases: comparisons and expressions by which a task's way is chosen, as Condition has them."""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from json import loads
from typing import Annotated, Any, Literal

from engine.core.node import Constant, Expression, Link, Text, Visit
from engine.core.pattern import compile_pattern
from engine.core.value import as_text, read_path, split_path


class Cast(StrEnum):
    """What both sides of a comparison are converted to."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison, as Corezoid writes it."""

    param: Annotated[Text, "What is compared: a name or path such as order.items[0].id."]
    fun: Annotated[
        Literal[
            "eq",
            "==",
            "not_eq",
            "ne",
            "neq",
            "!=",
            "less",
            "lt",
            "<",
            "more",
            "gt",
            ">",
            "less_or_eq",
            "le",
            "lte",
            "<=",
            "more_or_eq",
            "ge",
            "gte",
            ">=",
            "regexp",
            "regex",
        ],
        "How it is compared; 'regexp' searches for the pattern 'const' anywhere in the text.",
    ]
    const: Annotated[Text, "What it is compared with: a literal or a template."]
    cast: Annotated[Cast, "What both sides are converted to before."] = Cast.STRING


@dataclass(frozen=True, slots=True)
class Case:
    """A way out with its condition: either an expression or a list of comparisons."""

    next: Annotated[Link, "Where the task goes if this case holds."]
    when: Annotated[Expression | None, "An expression without braces, such as age >= 18."] = None
    all: Annotated[tuple[Check, ...], "Comparisons that must all hold."] = ()


def first_that_holds(cases: Sequence[Case], visit: Visit) -> Case | None:
    """Finds the case that decides."""
    for case in cases:
        if _holds(case, visit):
            return case
    return None


def case_problems(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with cases that could be read."""
    for number, case in enumerate(cases, 1):
        if (case.when is None) == (not case.all):
            yield "cases", f"case {number} has either 'when' or 'all', with something in it"
        for check in case.all:
            yield from (("cases", f"case {number}: {text}") for text in _faults(check))


def _holds(case: Case, visit: Visit) -> bool:
    if case.when is not None:
        return bool(case.when.render(visit))
    return all(_is_true(check, visit) for check in case.all)


def _is_true(check: Check, visit: Visit) -> bool:
    param, const = check.param, check.const.render(visit)
    # A text without braces is the name of a parameter here, not a literal.
    value = _at(visit, str(param.value)) if isinstance(param, Constant) else param.render(visit)
    compare = _COMPARISONS.get(check.fun)
    if compare is None:
        pattern = _pattern(as_text(const))
        return pattern is not None and bool(pattern(as_text(value)))
    left, right = _CONVERSIONS[check.cast](value), _CONVERSIONS[check.cast](const)
    if left is None or right is None:
        return False
    if check.cast in _ORDERED:
        return bool(compare(left, right))
    if compare is operator.eq:
        return _is_same(left, right)
    return compare is operator.ne and not _is_same(left, right)


def _faults(check: Check) -> Iterator[str]:
    if isinstance(check.param, Constant):
        try:
            split_path(str(check.param.value))
        except ValueError as error:
            yield str(error)
    if check.fun not in _COMPARISONS and isinstance(check.const, Constant):
        text = as_text(check.const.value)
        try:
            compile_pattern(text)
        except ValueError as error:
            yield f"'{text}' is not a pattern: {error}"


_RESERVED = frozenset({"root", "env", "error"})


def _at(visit: Visit, path: str) -> Any:
    """Reads the task's data, or a reserved name as in templates; what is missing is empty text."""
    first, *rest = split_path(path)
    root = {first: visit.name(first)} if first in _RESERVED else visit.data
    found = read_path(root, (first, *rest))
    return "" if found is None else found


# Comparing

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("eq", "=="), operator.eq),
    **dict.fromkeys(("not_eq", "ne", "neq", "!="), operator.ne),
    **dict.fromkeys(("less", "lt", "<"), operator.lt),
    **dict.fromkeys(("more", "gt", ">"), operator.gt),
    **dict.fromkeys(("less_or_eq", "le", "lte", "<="), operator.le),
    **dict.fromkeys(("more_or_eq", "ge", "gte", ">="), operator.ge),
}
_ORDERED = frozenset({Cast.STRING, Cast.NUMBER})
_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_SHORT = 1e16
"""Up to here a whole number kept as a float is written as the integer it is."""


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip())
    return value if isinstance(value, bool) else None


def _array(value: Any) -> list[Any] | None:
    value = _parsed(value)
    return value if isinstance(value, list) else None


def _object(value: Any) -> dict[str, Any] | None:
    value = _parsed(value)
    return value if isinstance(value, dict) else None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except (ValueError, RecursionError):
        return None


_CONVERSIONS: dict[Cast, Callable[[Any], Any]] = {
    Cast.STRING: as_text,
    Cast.NUMBER: _number,
    Cast.BOOLEAN: _boolean,
    Cast.ARRAY: _array,
    Cast.OBJECT: _object,
}


def _is_same(left: Any, right: Any) -> bool:
    """Compares JSON values in depth: numbers by value, keys in any order.

    A loop, not a recursion: data may be nested deeper than Python's stack.
    """
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pairs.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
            return False
    return True


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Callable[[str], object] | None:
    """Compiles a pattern for searching; one that is none, out of a template, matches nothing."""
    try:
        return compile_pattern(text).search
    except ValueError:
        return None
