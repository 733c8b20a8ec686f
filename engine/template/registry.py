"""The filters, functions and tests that templates may call, and nothing else.

To add one, write a function in a module of `engine/template/functions/` and decorate it with
the names it has. It gets values that are already evaluated (a missing one is `MISSING`), gives a
JSON value or `MISSING`, and raises `TemplateError`. It must be pure, and where its cost grows
with its arguments it spends steps first (`engine/template/sandbox.py`).
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from engine.template.fault import did_you_mean
from engine.template.paths import Key
from engine.template.scope import Evaluate

LookUp = Callable[[tuple[Key, ...]], Evaluate]
Run = Callable[..., Any]
F = TypeVar("F", bound=Run)

FILTERS: dict[str, Run] = {}
FUNCTIONS: dict[str, Run] = {}
TESTS: dict[str, Run] = {}
SCOPED: dict[str, Run] = {}
"""Functions whose first parameter is the scope: they need the moment, chance or the engine."""
FUSED: dict[tuple[str, str], Run] = {}
"""An outer and an inner call that together mean something else than one after the other."""
EXPRESSIONS: dict[str, Callable[[str, LookUp], Evaluate]] = {}
"""Functions whose constant text is itself compiled, when the template is."""
CONSTANTS: dict[Run, tuple[str, Callable[[str], object]]] = {}
"""The parameter whose constants are read when the template is, so that a fault shows then."""


def _adder(*tables: dict[str, Run]) -> Callable[..., Callable[[F], F]]:
    def named(*names: str) -> Callable[[F], F]:
        def add(run: F) -> F:
            for name in names:
                for table in tables:
                    table[name] = run
            return run

        return add

    return named


as_filter = _adder(FILTERS)
as_function = _adder(FUNCTIONS)
as_scoped_function = _adder(SCOPED)
as_test = _adder(TESTS)
as_filter_and_function = _adder(FILTERS, FUNCTIONS)


def checks_constant(parameter: str, read: Callable[[str], object]) -> Callable[[F], F]:
    """Has a constant argument read when the template is; `read` raises what is wrong with it."""

    def add(run: F) -> F:
        CONSTANTS[run] = (parameter, read)
        return run

    return add


def _callback_url(process: Any, node: Any, plugin: Any = "") -> None: ...


def _task(process: Any, ref: Any) -> None: ...


def _node(node: Any) -> None: ...


def _sum(process: Any, node: Any, name: Any) -> None: ...


ENGINE_FUNCTIONS: dict[str, Run] = {
    "callback_url": _callback_url,
    "task": _task,
    "node": _node,
    "sum": _sum,
}
"""What `Scope.call` answers; here are only the parameters, to check calls against."""


def unknown(kind: str, name: str, table: dict[str, Run], others: dict[str, str]) -> str:
    """Says that a name is not there, and which one may be meant.

    `others` are names of other kinds with the way they are used.
    """
    if name in others:
        return f"there is no {kind} '{name}'; {others[name]}"
    return f"there is no {kind} '{name}'{did_you_mean(name, table)}"


def bound(run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Says which parameter each argument is for.

    Raises:
        TypeError: they don't fit; the message says which.
    """
    return dict(inspect.signature(run).bind(*args, **kwargs).arguments)


def parameters(run: Run) -> str:
    """Writes the parameters of a filter or function as an author writes them."""
    given = inspect.signature(run).parameters.values()
    # Without the types, and with JSON's words for values.
    shown = ", ".join(str(item.replace(annotation=item.empty)) for item in given)
    return shown.replace("False", "false").replace("None", "none")
