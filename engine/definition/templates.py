"""Templates of settings: what is a template, what is a constant, and what one of them uses."""

import threading
from collections.abc import Iterator
from typing import Any

from engine.core.node import Constant
from engine.core.node import Template as Rendered
from engine.template import (
    Template,
    TemplateSyntaxFault,
    compile_expression,
    compile_template,
    compile_value,
)

Misspelt = TemplateSyntaxFault
"""A template can't be read; it says why, and where in its text."""

MOST_EXPRESSIONS = 64 * 1024
"""Characters of all expressions of one file; a character takes up to 10 us to compile."""

_MARKS = ("{{", "{%", "{#")


class _Allowance(threading.local):
    left = MOST_EXPRESSIONS


_allowance = _Allowance()


def begin_templates() -> None:
    """Lets expressions be compiled anew, those of the next file."""
    _allowance.left = MOST_EXPRESSIONS


def spend_on(text: str, times: int, *, is_expression: bool) -> bool:
    """Takes so many times what an expression, or those of a text, cost; says if that was left."""
    if is_expression:
        size = len(text)
    else:
        size = sum(len(each.partition("}}")[0]) for each in text.split("{{")[1:])
    _allowance.left -= size * times
    return _allowance.left >= 0


def has_template(text: str) -> bool:
    """Tells whether a text has anything in it that is not taken word for word."""
    return any(mark in text for mark in _MARKS)


def template_of_text(text: str, names: frozenset[str], parameter: str = "") -> Template:
    """Compiles a text in which templates stand; `parameter` is its name in messages.

    Raises:
        TemplateSyntaxFault: it can't be read.
    """
    return compile_template(text, names, parameter=parameter)


def expression_of(text: str, names: frozenset[str]) -> Template:
    """Compiles an expression without braces.

    Raises:
        TemplateSyntaxFault: it can't be read.
    """
    return compile_expression(text, names)


def template_of_value(value: Any, names: frozenset[str], parameter: str = "") -> Rendered:
    """Compiles a JSON value whose texts are known to be right.

    What has no parts is a `Constant`, which node types may look into before any task comes.
    """
    if isinstance(value, str) and has_template(value):
        return compile_template(value, names, parameter=parameter)
    if isinstance(value, list | dict) and value:
        return compile_value(value, names, parameter=parameter)
    return Constant(value)


def calls_of(template: Template, function: str) -> Iterator[tuple[Any, ...]]:
    """Yields the arguments of each call of an engine's function; None stands for computed ones."""
    yield from (args for name, args in template.calls if name == function)
