"""Corezoid's `math`: exact arithmetic on numbers and on texts that are numbers.

Its expression is read here and not by Jinja2: its text may be put together from values, and
none of these may become anything but a number. Source: Corezoid, Functions (`$.math`).
"""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, NoReturn

from engine.errors import ConversionError, TemplateError
from engine.template.functions.conversion import number
from engine.template.missing import MISSING
from engine.template.registry import EXPRESSIONS, LookUp, as_function
from engine.template.sandbox import LARGEST_INTEGER, spend
from engine.template.scope import Evaluate, Scope
from engine.template.text import to_text

LONGEST = 1000
DEEPEST = 50
_STEPS_OF_A_CHARACTER = 30  # to be read; constant expressions are read but once

Exact = int | Fraction
_Read = Callable[[Scope | None], Exact]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?![\w.]))
        |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_0-9]\w*|\[[0-9]{1,9}\])*)
        |(?P<sign>[-+*/()]))""",
    re.ASCII | re.VERBOSE,
)
_KEY = re.compile(r"\w+", re.ASCII)


@as_function("math")
def math(expression: Any) -> int | float:
    """Computes `+ - * /` with brackets; whole results are whole numbers."""
    text = to_text(expression)
    spend(_STEPS_OF_A_CHARACTER * len(text) + 1)
    return _result(_parsed(text)(None), text)


def _compiled(text: str, look_up: LookUp) -> Evaluate:
    """Compiles a constant expression, in which names are the task's parameters."""
    try:
        run = _Parser(text, look_up).parse()
    except ConversionError as error:
        raise TemplateError(error.hint) from None
    steps = len(text)

    def compute(scope: Scope) -> int | float:
        spend(steps)
        return _result(run(scope), text)

    return compute


EXPRESSIONS["math"] = _compiled


@lru_cache(maxsize=512)
def _parsed(text: str) -> _Read:
    return _Parser(text, None).parse()


def _result(value: Exact, text: str) -> int | float:
    if isinstance(value, int):
        return value
    if value.denominator == 1:
        return value.numerator
    try:
        return value.numerator / value.denominator
    except OverflowError:
        _fail(text, "the result is too large for a number")


def _fail(text: str, reason: str) -> NoReturn:
    shown = text if len(text) <= 100 else text[:100] + "..."
    raise ConversionError(f"Value: {shown}, Try convert to: number", hint=reason)


class _Parser:
    """Reads one expression; a method a rule of its grammar."""

    def __init__(self, text: str, look_up: LookUp | None) -> None:
        self._text = text
        self._look_up = look_up
        self._at = self._depth = 0
        self._kind = self._token = ""

    def parse(self) -> _Read:
        if len(self._text) > LONGEST:
            _fail(self._text, f"an expression of 'math' has at most {LONGEST} characters")
        self._advance()
        run = self._sum()
        if self._kind:
            self._unexpected()
        return run

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is not None:
            self._kind, self._at = str(found.lastgroup), found.end()
            self._token = found[self._kind]
        elif self._text[self._at :].strip():
            self._token = self._text[self._at :].strip()[0]
            self._unexpected()
        else:
            self._kind = self._token = ""

    def _unexpected(self) -> NoReturn:
        what = f"unexpected '{self._token}'" if self._token else "a number is missing"
        _fail(self._text, f"{what} in the expression '{self._text[:100]}'")

    def _taken(self, signs: str) -> str:
        """Takes a sign if it is one of these."""
        if self._kind != "sign" or self._token not in signs:
            return ""
        sign = self._token
        self._advance()
        return sign

    def _sum(self) -> _Read:
        run = self._product()
        while sign := self._taken("+-"):
            run = _both(_add if sign == "+" else _subtract, run, self._product())
        return run

    def _product(self) -> _Read:
        run = self._signed()
        while sign := self._taken("*/"):
            run = _both(_multiply if sign == "*" else self._divide, run, self._signed())
        return run

    def _signed(self) -> _Read:
        self._depth += 1
        if self._depth > DEEPEST:
            _fail(self._text, f"more than {DEEPEST} signs and brackets in each other")
        sign = self._taken("+-")
        run = self._signed() if sign else self._operand()
        self._depth -= 1
        return _negated(run) if sign == "-" else run

    def _operand(self) -> _Read:
        kind, token = self._kind, self._token
        if self._taken("("):
            run = self._sum()
            if not self._taken(")"):
                self._unexpected()
            return run
        if kind == "number":
            self._advance()
            value: Exact = Fraction(token) if "." in token else int(token)
            return lambda _scope: value
        if kind != "name" or self._look_up is None:
            self._unexpected()
        self._advance()
        return _of_name(token, self._look_up)

    def _divide(self, left: Exact, right: Exact) -> Exact:
        if not right:
            _fail(self._text, "can't divide by zero")
        return _small(Fraction(left) / right)


def _of_name(path: str, look_up: LookUp) -> _Read:
    first, *rest = _KEY.findall(path)
    read: Evaluate = look_up((first, *[int(key) if key.isdecimal() else key for key in rest]))

    def value(scope: Scope | None) -> Exact:
        found = number(read(scope) if scope is not None else MISSING)
        # The shortest text of a float is what its author wrote.
        return found if isinstance(found, int) else Fraction(repr(found))

    return value


def _both(operation: Callable[[Exact, Exact], Exact], left: _Read, right: _Read) -> _Read:
    return lambda scope: operation(left(scope), right(scope))


def _negated(run: _Read) -> _Read:
    return lambda scope: -run(scope)


def _add(left: Exact, right: Exact) -> Exact:
    return _small(left + right)


def _subtract(left: Exact, right: Exact) -> Exact:
    return _small(left - right)


def _multiply(left: Exact, right: Exact) -> Exact:
    return _small(left * right)


def _small(value: Exact) -> Exact:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_INTEGER:
        raise TemplateError(f"the result has more than {LARGEST_INTEGER} bits")
    return value
