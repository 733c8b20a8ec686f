"""Corezoid's `random`. The bits come from the engine: nobody can guess them."""

from typing import Any

from engine.errors import TemplateError
from engine.template.functions.conversion import number
from engine.template.registry import as_scoped_function
from engine.template.scope import Scope

GREATEST = 2**63 - 1
_BITS_OF_FRACTION = 53


@as_scoped_function("random")
def random(scope: Scope, low: Any = None, high: Any = None) -> int | float:
    """Gives a fraction from 0 to 1; with a number n one from 1 to n, with two one from a to b."""
    if low is None:
        return float(_bits(scope, _BITS_OF_FRACTION) / 2**_BITS_OF_FRACTION)
    first = _whole(low)
    if high is not None:
        second = _whole(high)
    elif first == 0:
        return 0
    else:
        second = 1 if first > 0 else -1
    least, most = sorted((first, second))
    return least + _bits(scope, 128) % (most - least + 1)


def _bits(scope: Scope, count: int) -> int:
    return int(scope.call("random_bits", (count,), {}))


def _whole(value: Any) -> int:
    found = number(value)
    if isinstance(found, float):
        if not found.is_integer():
            raise TemplateError(f"'random' needs whole numbers, not {found!r}")
        found = int(found)
    return max(-GREATEST - 1, min(found, GREATEST))
