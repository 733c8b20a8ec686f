"""The parts of a template put together: texts, arrays and objects with expressions in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ConversionError, TemplateError
from engine.template.operators import joined
from engine.template.sandbox import refill, short_enough, weigh
from engine.template.scope import Evaluate, Scope
from engine.template.text import to_text

_FEW = 4  # look-ups whose texts together are no danger before their length is known
_SHOWN = 80
_NAMED = "Param: "
_EXPECTED = (TemplateError, ArithmeticError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A compiled part: how it is rendered, and its value if that never changes."""

    run: Evaluate
    is_constant: bool = False
    value: Any = None
    is_plain: bool = False  # a constant or a look-up: it can't fail


def constant(value: Any) -> Leaf:
    """Makes the part that is always the same scalar."""
    return Leaf(lambda _scope: value, is_constant=True, value=value, is_plain=True)


def array_of(items: Sequence[Leaf]) -> Leaf:
    """Makes an array of parts."""
    runs = [item.run for item in items]
    # A new array each time, also of constants: who gets it may keep it in a task's data.
    return Leaf(lambda scope: [run(scope) for run in runs], all(item.is_constant for item in items))


def object_of(keys: Sequence[Leaf], values: Sequence[Leaf]) -> Leaf:
    """Makes an object of parts, whose keys may be computed too."""
    is_constant = all(leaf.is_constant for leaf in (*keys, *values))
    if all(key.is_constant for key in keys):
        fixed = [(to_text(key.value), value.run) for key, value in zip(keys, values, strict=True)]
        return Leaf(lambda scope: {key: run(scope) for key, run in fixed}, is_constant)
    pairs = [(key.run, value.run) for key, value in zip(keys, values, strict=True)]
    return Leaf(lambda scope: {joined([key(scope)]): run(scope) for key, run in pairs})


def text_of(leaves: Sequence[Leaf]) -> Evaluate:
    """Makes the function for a text with expressions in it. HOT.

    The constants wait in a list that is copied; measured, half the time of joining all anew.
    """
    runs = [(i, leaf.run) for i, leaf in enumerate(leaves) if not leaf.is_constant]
    if len(runs) > _FEW:
        return lambda scope: joined([leaf.run(scope) for leaf in leaves])
    skeleton = [to_text(leaf.value) if leaf.is_constant else "" for leaf in leaves]

    def render(scope: Scope) -> Any:
        texts = skeleton.copy()
        for index, run in runs:
            value = run(scope)
            texts[index] = value if type(value) is str else to_text(value)
        return short_enough("".join(texts))

    return render


def weighed(run: Evaluate) -> Evaluate:
    """Weighs the result: a large value many times is small only until it is written."""

    def render(scope: Scope) -> Any:
        value = run(scope)
        if isinstance(value, (list, dict)):
            weigh(value)
        return value

    return render


def guarded(run: Evaluate, text: str, parameter: str = "") -> Evaluate:
    """Gives each render its steps, and its errors the template and the parameter it is for."""

    def render(scope: Scope) -> Any:
        refill()
        try:
            return run(scope)
        except _EXPECTED as error:
            raise _told(error, text, parameter) from error

    return render


def placed(run: Evaluate, text: str, parameter: str) -> Evaluate:
    """Gives errors the template that they happened in, and the parameter it is for."""

    def render(scope: Scope) -> Any:
        try:
            return run(scope)
        except _EXPECTED as error:
            raise _told(error, text, parameter) from error

    return render


def _told(error: Exception, text: str, parameter: str) -> TemplateError:
    """Adds the template to an error's message; Corezoid's own words get it as a hint."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    place = f"in the template '{shown}'" if text else ""
    if isinstance(error, ConversionError):
        message = str(error)
        if parameter and not message.startswith(_NAMED):
            message = f"{_NAMED}{parameter}, {message}"
        return ConversionError(message, hint=error.hint or place)
    return TemplateError(f"{error}, {place}" if place else str(error))
