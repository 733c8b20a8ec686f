"""Texts and JSON structures to templates: parsed once at load, plain functions from then on.

The four rules of templates (a whole expression keeps its type, a missing value is an empty
text, names, nothing of Python) are in `docs/templates.md`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from engine.template.expression import ExpressionCompiler
from engine.template.fault import SourceFault, TemplateSyntaxFault
from engine.template.leaf import (
    Leaf,
    array_of,
    constant,
    guarded,
    object_of,
    placed,
    text_of,
    weighed,
)
from engine.template.sandbox import DEEPEST_VALUE, refill
from engine.template.scope import Scope
from engine.template.syntax import Piece, parse, pieces
from engine.template.text import to_text

RESERVED = frozenset({"root", "env", "error"})

_NESTED = "; no braces stand inside braces: write a[i], obj[key], root.data['a_' ~ i]"
_MOST_UNWEIGHED = 32  # look-ups in a structure that may name the same large value


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template, and what it uses."""

    text: str
    render: Callable[[Scope], Any]
    """Gives the JSON value; raises `TemplateError` if it has none."""
    is_constant: bool = False
    parameters: frozenset[str] = frozenset()
    """The top-level parameters of the task that it reads by name."""
    env_names: frozenset[str] = frozenset()
    calls: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """The engine's functions that it calls, with their arguments; None for a computed one."""

    def render_text(self, scope: Scope) -> str:
        """Gives the value as it stands in a text."""
        value = self.render(scope)
        if type(value) is str:
            return value
        refill()
        return to_text(value)


def compile_template(
    text: str,
    names: frozenset[str] = RESERVED,
    *,
    line: int = 1,
    column: int = 1,
    parameter: str = "",
) -> Template:
    """Compiles a text with `{{ expressions }}`.

    Args:
        text: The text; one that is a single expression keeps the type of its value.
        names: Names known beside the reserved ones; they hide parameters of the same name.
        line: Where the text begins; faults count from there.
        column: Where the text begins in that line.
        parameter: What a failed conversion calls the value.

    Raises:
        TemplateSyntaxFault: it can't be read.
    """
    builder = _Builder(names, parameter)
    try:
        leaf = builder.text(text)
    except SourceFault as fault:
        raise _located(fault, text, line, column) from None
    return builder.template(text, leaf)


def compile_expression(
    text: str, names: frozenset[str] = RESERVED, *, line: int = 1, column: int = 1
) -> Template:
    """Compiles an expression without braces, as in `when:`; otherwise as `compile_template`."""
    builder = _Builder(names)
    try:
        leaf = builder.expression(Piece(text, 0))
    except SourceFault as fault:
        raise _located(fault, text, line, column) from None
    return builder.template(text, leaf)


def compile_value(
    structure: Any,
    names: frozenset[str] = RESERVED,
    *,
    line: int = 1,
    column: int = 1,
    parameter: str = "",
) -> Template:
    """Compiles a JSON structure whose texts and keys are templates.

    The `path` of a fault leads to the text it is in, whose beginning its line and column count
    from.
    """
    builder = _Builder(names, parameter)
    leaf = builder.value(structure, (), (line, column))
    return builder.template(structure if isinstance(structure, str) else "", leaf)


def _located(fault: SourceFault, text: str, line: int, column: int) -> TemplateSyntaxFault:
    before = text[: fault.offset]
    in_line = before.count("\n")
    at = len(before) - (before.rfind("\n") + 1)
    return TemplateSyntaxFault(fault.message, line + in_line, at + 1 if in_line else at + column)


class _Builder:
    """Compiles one template of any shape."""

    def __init__(self, names: frozenset[str], parameter: str = "") -> None:
        self.parameter = parameter
        self.compiler = ExpressionCompiler(names | RESERVED)
        self.look_ups = 0
        self.is_plain = True

    def template(self, text: str, leaf: Leaf) -> Template:
        compiler = self.compiler
        run = leaf.run
        if compiler.multiplies or self.look_ups > _MOST_UNWEIGHED:
            run = weighed(run)
            self.is_plain = False
        return Template(
            text,
            run if leaf.is_constant or self.is_plain else guarded(run, text, self.parameter),
            leaf.is_constant,
            frozenset(compiler.parameters),
            frozenset(compiler.env_names),
            tuple(compiler.calls),
        )

    def text(self, text: str) -> Leaf:
        parts = list(pieces(text))
        if len(parts) == 1 and isinstance(parts[0], Piece):
            return self.expression(parts[0])
        leaves = [self._part(part) for part in parts]
        if all(leaf.is_constant for leaf in leaves):
            return constant("".join(to_text(leaf.value) for leaf in leaves))
        self.is_plain = False
        return Leaf(text_of(leaves))

    def _part(self, part: str | Piece) -> Leaf:
        return constant(part) if isinstance(part, str) else self.expression(part)

    def expression(self, piece: Piece) -> Leaf:
        try:
            tree = parse(piece.source)
            if isinstance(tree, nodes.Const):
                self.compiler.compile(tree)
                return constant(tree.value)
            self.look_ups += 1
            self.compiler.is_plain = True
            run = self.compiler.compile(tree, "")
        except SourceFault as fault:
            hint = _NESTED if "{{" in piece.source else ""
            raise SourceFault(fault.message + hint, piece.offset + fault.offset) from None
        self.is_plain &= self.compiler.is_plain
        return Leaf(run, is_plain=self.compiler.is_plain)

    def value(self, value: Any, path: tuple[str | int, ...], start: tuple[int, int]) -> Leaf:
        if len(path) > DEEPEST_VALUE:
            raise _at(path, f"more than {DEEPEST_VALUE} arrays and objects in each other")
        if isinstance(value, str):
            return self._text_at(value, path, start)
        if isinstance(value, dict):
            return self._object(value, path, start)
        if isinstance(value, list | tuple):
            return array_of([self.value(item, (*path, i), start) for i, item in enumerate(value)])
        if value is None or isinstance(value, bool | int):
            return constant(value)
        if isinstance(value, float) and math.isfinite(value):
            return constant(value)
        raise _at(path, f"{value!r} is not a value of JSON; put it in quotes")

    def _text_at(self, text: str, path: tuple[str | int, ...], start: tuple[int, int]) -> Leaf:
        try:
            leaf = self.text(text)
        except SourceFault as fault:
            located = _located(fault, text, *start)
            located.path = path
            raise located from None
        if leaf.is_constant or leaf.is_plain or not path:
            return leaf
        name = ".".join(map(str, (self.parameter, *path) if self.parameter else path))
        return Leaf(placed(leaf.run, text, name))

    def _object(
        self, value: dict[Any, Any], path: tuple[str | int, ...], start: tuple[int, int]
    ) -> Leaf:
        keys = [self._text_at(to_text(key), (*path, key), start) for key in value]
        values = [self.value(item, (*path, key), start) for key, item in value.items()]
        return object_of(keys, values)


def _at(path: tuple[str | int, ...], message: str) -> TemplateSyntaxFault:
    fault = TemplateSyntaxFault(message)
    fault.path = path
    return fault
