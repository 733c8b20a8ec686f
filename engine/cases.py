"""Cases: comparisons and expressions by which a task's way is chosen, as Condition has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from engine.comparison import PATTERNS, compare
from engine.core.node import Constant, Expression, Link, Text, Visit
from engine.core.value import as_text, read_path, split_path
from engine.pattern import compile_pattern


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
    return compare(value, check.fun, const, check.cast, as_text)


def _faults(check: Check) -> Iterator[str]:
    if isinstance(check.param, Constant):
        try:
            split_path(str(check.param.value))
        except ValueError as error:
            yield str(error)
    if check.fun in PATTERNS and isinstance(check.const, Constant):
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
