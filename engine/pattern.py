"""Regular expressions that people write: searched in linear time, or stopped.

RE2 takes what it can read: its time is linear in the text. The rest, which is look-around,
back-references and their like, goes to PCRE2 with limits on its time, its steps and its memory.
Why these two, with numbers: `docs/decisions/0008-regular-expressions.md`.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

import pcre2
import re2

from engine.errors import PatternTooCostly

LONGEST = 1000
"""Characters of a pattern."""
LONGEST_LOOKED_AROUND = 4096
"""Characters of a text that PCRE2 searches; it may begin anew at each of them."""
MOST_WORK = 8_000_000
"""Instructions of a pattern times characters of a text: 60 ms of RE2 at its slowest."""
STEPS_OF_PCRE2 = 100_000
"""What a search by PCRE2 counts for among the steps of a template: its whole time limit."""

MOST_OF_A_FILE = 500_000
"""Instructions that the patterns of one file may compile into: some 0.2 s."""

_REFUSED = 10_000  # instructions for which RE2 takes as long as for a pattern that it refuses
_SECONDS = 0.02
_SMALL = 256 * 1024  # a pattern that RE2 compiles into less takes it at most 3 ms
_ROOMY = 8 * 1024 * 1024  # with which RE2 stays fast
_LIMITS = "(*NO_JIT)(*LIMIT_MATCH=20000)(*LIMIT_DEPTH=2000)(*LIMIT_HEAP=1024)"
_AT_EACH_START = "(?C)"  # where PCRE2 asks `_tick` whether to go on


class Match(Protocol):
    """A place in a text that a pattern was found at."""

    def group(self, group: int = 0, /) -> Any:
        """Gives the text of a group; None if it has no part in it."""

    def span(self) -> tuple[int, int]:
        """Gives where it begins and ends."""


class Pattern(Protocol):
    """A compiled pattern, which is searched for anywhere in a text."""

    def search(self, text: str) -> Match | None:
        """Finds the first place.

        Raises:
            PatternTooCostly: that would take too long.
        """

    def find(self, text: str, most: int) -> list[Match]:
        """Finds so many places that do not overlap; otherwise as `search`."""

    def steps(self, text: str) -> int:
        """Says what a search costs at most, in the steps of templates."""


def compile_pattern(text: str) -> Pattern:
    """Compiles a pattern for searching (unanchored).

    Raises:
        ValueError: it is not one; the message says why.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters, this one has {len(text)}")
    if _allowance.left <= 0:
        raise ValueError("the patterns of this file are too large together: write simpler ones")
    try:
        # First with little memory: what is refused then would take long to compile.
        _allowance.left -= _compiled_by_re2(text, _SMALL).programsize
        return _Linear(_compiled_by_re2(text, _ROOMY))
    except re2.error as error:
        _allowance.left -= _REFUSED
        looked_around = _compiled_by_pcre2(text)
        if looked_around is None:
            reason = error.args[0] if error.args else "not a pattern"
            shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            raise ValueError(shown) from None
        return looked_around


class _Allowance(threading.local):
    left: float = math.inf


_allowance = _Allowance()


@contextlib.contextmanager
def few_patterns() -> Iterator[None]:
    """Lets patterns be compiled within a limit: while a file is checked that holds any number."""
    _allowance.left = MOST_OF_A_FILE
    try:
        yield
    finally:
        _allowance.left = math.inf


def _compiled_by_re2(text: str, memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return re2.compile(text, options)


def _compiled_by_pcre2(text: str) -> "_Limited | None":
    try:
        # ASCII: the classes \d, \w and \s mean the same as in RE2.
        return _Limited(
            pcre2.compile(_LIMITS + _AT_EACH_START + text, pcre2.ASCII, jit=False, callout=_tick)
        )
    except (pcre2.PatternError, pcre2.LibraryError, ValueError):
        return None


class _Linear:
    """A pattern of RE2."""

    __slots__ = ("_compiled", "_size")

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._size: int = compiled.programsize

    def search(self, text: str) -> Match | None:
        self._check(text)
        try:
            found: Match | None = self._compiled.search(text)
        except UnicodeEncodeError:  # half of a character: no pattern matches it
            return None
        return found

    def find(self, text: str, most: int) -> list[Match]:
        self._check(text)
        try:
            return list(islice(self._compiled.finditer(text), most))
        except UnicodeEncodeError:
            return []

    def steps(self, text: str) -> int:
        return self._size * len(text) // 16

    def _check(self, text: str) -> None:
        if self._size * len(text) > MOST_WORK:
            raise PatternTooCostly(f"a text of {len(text)} characters is too long for this pattern")


class _Limited:
    """A pattern of PCRE2."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def search(self, text: str) -> Match | None:
        found = self._run(text, lambda: iter((self._compiled.search(text),)), 1)
        return found[0] if found else None

    def find(self, text: str, most: int) -> list[Match]:
        return self._run(text, lambda: self._compiled.finditer(text), most)

    def steps(self, text: str) -> int:  # noqa: ARG002 -- the protocol's shape
        return STEPS_OF_PCRE2

    def _run(self, text: str, search: Callable[[], Iterator[Any]], most: int) -> list[Match]:
        if len(text) > LONGEST_LOOKED_AROUND:
            raise PatternTooCostly(
                f"a pattern with look-around searches at most {LONGEST_LOOKED_AROUND} characters,"
                f" this text has {len(text)}"
            )
        _deadline.at = time.thread_time() + _SECONDS
        try:
            return [each for each in islice(search(), most) if each is not None]
        except UnicodeEncodeError:
            return []
        except (pcre2.LibraryError, TimeoutError):
            raise PatternTooCostly("the pattern takes too long on this text") from None


class _Deadline(threading.local):
    at = 0.0


_deadline = _Deadline()


def _tick(_block: object) -> int:
    """Stops a search whose time is over: the processor's, so that a busy machine ends none."""
    if time.thread_time() > _deadline.at:
        raise TimeoutError
    return 0
