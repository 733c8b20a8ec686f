"""Regular expressions in templates: what is searched is bounded, see `engine/pattern.py`."""

import re
from functools import lru_cache
from typing import Any

from engine.errors import PatternTooCostly, TemplateError
from engine.pattern import Match, Pattern, compile_pattern
from engine.template.functions.arguments import whole_number_in
from engine.template.functions.text import text_in
from engine.template.missing import MISSING
from engine.template.operators import joined
from engine.template.registry import as_filter, as_test, checks_constant
from engine.template.sandbox import spend
from engine.template.text import kind_of, to_text

MOST_FOUND = 10_000
_STEPS_OF_COMPILING = 30_000
_STEPS_OF_A_MATCH = 20
_GROUP = re.compile(r"\\([0-9]|\\)")

_kept = lru_cache(maxsize=512)(compile_pattern)


def _compiled(pattern: Any) -> Pattern:
    if not isinstance(pattern, str):
        raise TemplateError(f"a pattern is text, not {kind_of(pattern)}")
    before = _kept.cache_info().misses
    try:
        found = _kept(pattern)
    except ValueError as error:
        spend(_STEPS_OF_COMPILING)
        raise TemplateError(f"'{pattern[:80]}' is not a pattern: {error}") from None
    if _kept.cache_info().misses > before:
        spend(_STEPS_OF_COMPILING)
    return found


def _all_found(value: Any, pattern: Any, most: int) -> tuple[str, list[Match]]:
    text, compiled = text_in(value), _compiled(pattern)
    spend(compiled.steps(text))
    try:
        found = compiled.find(text, min(most, MOST_FOUND + 1))
    except PatternTooCostly as error:
        raise TemplateError(str(error)) from None
    if len(found) > MOST_FOUND:
        raise TemplateError(f"the pattern is found more than {MOST_FOUND} times")
    spend(_STEPS_OF_A_MATCH * len(found))
    return text, found


def _group(match: Match, group: int) -> str:
    try:
        return str(match.group(group) or "")
    except IndexError:
        raise TemplateError(f"the pattern has no group {group}") from None


@as_test("matching")
@checks_constant("pattern", compile_pattern)
def is_matching(value: Any, pattern: Any) -> bool:
    """Tells whether a pattern is found anywhere in a text."""
    return bool(_all_found(value, pattern, 1)[1])


@as_filter("regex_search")
@checks_constant("pattern", compile_pattern)
def regex_search(value: Any, pattern: Any, group: Any = 0) -> Any:
    """Gives the first text that a pattern finds, or a group of it; missing if there is none."""
    _, found = _all_found(value, pattern, 1)
    return _group(found[0], whole_number_in(group, "regex_search")) if found else MISSING


@as_filter("regex_findall")
@checks_constant("pattern", compile_pattern)
def regex_findall(value: Any, pattern: Any, group: Any = 0) -> list[str]:
    """Gives every text that a pattern finds, or a group of each."""
    _, found = _all_found(value, pattern, MOST_FOUND + 1)
    index = whole_number_in(group, "regex_findall")
    return [_group(match, index) for match in found]


@as_filter("regex_replace")
@checks_constant("pattern", compile_pattern)
def regex_replace(value: Any, pattern: Any, replacement: Any, count: Any = None) -> str:
    r"""Replaces what a pattern finds; `\1` in the replacement is its first group."""
    most = MOST_FOUND + 1 if count is None else max(whole_number_in(count, "regex_replace"), 0)
    text, found = _all_found(value, pattern, most)
    # Odd items are what stood behind a backslash: the number of a group, or a backslash.
    instead = _GROUP.split(to_text(replacement))
    parts: list[Any] = []
    end = 0
    for match in found:
        start, stop = match.span()
        parts.append(text[end:start])
        spend(6 * len(instead))
        for place, part in enumerate(instead):
            parts.append(_group(match, int(part)) if place % 2 and part != "\\" else part)
        end = stop
    return joined([*parts, text[end:]])
