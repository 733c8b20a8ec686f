"""`cmp`: a comparison of Corezoid's Condition in an expression."""

from typing import Any

from engine.comparison import CASTS, COMPARISONS, PATTERNS, compare
from engine.errors import TemplateError
from engine.pattern import STEPS_OF_PCRE2
from engine.template.fault import did_you_mean
from engine.template.missing import settled
from engine.template.registry import as_function, checks_constant
from engine.template.sandbox import spend, weigh
from engine.template.text import kind_of, to_text

LONGEST_WORD = 40
_FUNCTIONS = frozenset({*COMPARISONS, *PATTERNS})
_CASTS = frozenset({"string", *CASTS})


def _shown(word: Any, known: frozenset[str]) -> str:
    """Quotes a wrong word with the nearest right one, or names the kind of what is no word."""
    if not isinstance(word, str) or len(word) > LONGEST_WORD:
        return f"of the name that is given, {kind_of(word)}"
    return f"'{word}'{did_you_mean(word, known)}"


def _known(fun: Any) -> str:
    if not isinstance(fun, str) or fun not in _FUNCTIONS:
        raise TemplateError(f"'cmp' has no comparison {_shown(fun, _FUNCTIONS)}")
    return fun


@as_function("cmp")
@checks_constant("fun", _known)
def cmp(a: Any, fun: Any, b: Any, cast: Any = "string") -> bool:
    """Compares both as the type `cast`; what can't be converted to it makes it false."""
    if not isinstance(cast, str) or cast not in _CASTS:
        raise TemplateError(f"'cmp' has no type {_shown(cast, _CASTS)}")
    name = _known(fun)
    for value in (a, b):
        steps, _ = weigh(value)
        if cast in {"array", "object"}:  # text is read as JSON, then all is compared
            spend(2 * len(value) if isinstance(value, str) else 4 * steps)
    if name in PATTERNS:
        spend(STEPS_OF_PCRE2)
    return compare(settled(a), name, settled(b), cast, to_text)
