"""`cmp`: a comparison of Corezoid's Condition in an expression."""

from typing import Any

from engine.comparison import CASTS, COMPARISONS, PATTERNS, compare
from engine.errors import TemplateError
from engine.pattern import STEPS_OF_PCRE2
from engine.template.fault import did_you_mean
from engine.template.missing import settled
from engine.template.registry import as_function, checks_constant
from engine.template.sandbox import spend, weigh
from engine.template.text import to_text

_FUNCTIONS = frozenset({*COMPARISONS, *PATTERNS})
_CASTS = frozenset({"string", *CASTS})


def _known(fun: Any) -> str:
    if not isinstance(fun, str) or fun not in _FUNCTIONS:
        near = did_you_mean(to_text(fun), _FUNCTIONS)
        raise TemplateError(f"'cmp' has no comparison '{to_text(fun)}'{near}")
    return fun


@as_function("cmp")
@checks_constant("fun", _known)
def cmp(a: Any, fun: Any, b: Any, cast: Any = "string") -> bool:
    """Compares both as the type `cast`; what can't be converted to it makes it false."""
    if not isinstance(cast, str) or cast not in _CASTS:
        raise TemplateError(f"'cmp' has no type '{to_text(cast)}'{did_you_mean(str(cast), _CASTS)}")
    name = _known(fun)
    for value in (a, b):
        weigh(value)
        if cast in {"array", "object"} and isinstance(value, str):
            spend(len(value))  # it is read as JSON
    if name in PATTERNS:
        spend(STEPS_OF_PCRE2)
    return compare(settled(a), name, settled(b), cast, to_text)
