"""Tests: what stands after `is`. A missing value is of no kind."""

from collections.abc import Callable
from typing import Any

from engine.errors import TemplateError
from engine.template.functions.arguments import number_in, whole_number_in
from engine.template.missing import MISSING
from engine.template.operators import COMPARISONS, Operation, is_number
from engine.template.registry import as_test
from engine.template.sandbox import spend_on_text

_KINDS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: value is not MISSING,
    "undefined": lambda value: value is MISSING,
    "none": lambda value: value is None,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "boolean": lambda value: isinstance(value, bool),
    "number": is_number,
    "integer": lambda value: isinstance(value, int) and is_number(value),
    "float": lambda value: isinstance(value, float),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, dict),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "sequence": lambda value: isinstance(value, str | list | dict),
    "iterable": lambda value: isinstance(value, str | list | dict),
    "odd": lambda value: whole_number_in(value, "odd") % 2 == 1,
    "even": lambda value: whole_number_in(value, "even") % 2 == 0,
}
_COMPARISONS = {
    "eq": "eq",
    "equalto": "eq",
    "ne": "ne",
    "lt": "lt",
    "lessthan": "lt",
    "le": "lteq",
    "gt": "gt",
    "greaterthan": "gt",
    "ge": "gteq",
    "in": "in",
}


@as_test("divisibleby")
def is_divisible(value: Any, num: Any) -> bool:
    """Tells whether a division leaves no rest."""
    divisor = number_in(num, "divisibleby")
    if divisor == 0:
        raise TemplateError("can't divide by zero")
    return number_in(value, "divisibleby") % divisor == 0


@as_test("startswith")
def starts_with(value: Any, part: Any) -> bool:
    """Tells whether a text begins with another; what is not text does not."""
    return _are_texts(value, part) and value.startswith(part)


@as_test("endswith")
def ends_with(value: Any, part: Any) -> bool:
    """Tells whether a text ends with another; what is not text does not."""
    return _are_texts(value, part) and value.endswith(part)


def _are_texts(value: Any, part: Any) -> bool:
    if not (isinstance(value, str) and isinstance(part, str)):
        return False
    spend_on_text(len(part))
    return True


def _comparison(run: Operation) -> Callable[[Any, Any], Any]:
    def compare(value: Any, other: Any) -> Any:  # calls show these names of the parameters
        return run(value, other)

    return compare


for _name, _test in _KINDS.items():
    as_test(_name)(_test)
for _name, _operator in _COMPARISONS.items():
    as_test(_name)(_comparison(COMPARISONS[_operator]))
