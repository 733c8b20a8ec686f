"""Calls in expressions: what is called, and whether its arguments fit, known when it is read."""

from typing import Any

from jinja2 import nodes

from engine.errors import TemplateError
from engine.template.fault import SourceFault
from engine.template.registry import CONSTANTS, FILTERS, Run, bound, parameters


def function_name(node: nodes.Call) -> str:
    """Gives the name of the function that is called; anything else is a fault."""
    if isinstance(node.node, nodes.Name):
        return node.node.name
    if isinstance(node.node, nodes.Getattr):
        method = node.node.attr
        hint = f"; use the filter: value | {method}" if method in FILTERS else ""
        raise SourceFault(f"methods can't be called: '{method}'{hint}", node.node.lineno)
    raise SourceFault("only functions can be called, by their names", node.lineno)


def literal(node: nodes.Expr) -> Any:
    """Gives the value of an argument written as a constant, else None."""
    return node.value if isinstance(node, nodes.Const) else None


def check_arguments(
    run: Run,
    node: nodes.Call | nodes.Filter | nodes.Test,
    name: str,
    literals: tuple[Any, ...],
    offset: int,
) -> dict[str, Any]:
    """Says which parameter each argument is for; None stands for a computed one."""
    named = {str(item.key): literal(item.value) for item in node.kwargs}
    try:
        given = bound(run, literals, named)
    except TypeError as error:
        takes = parameters(run)
        raise SourceFault(f"'{name}' takes ({takes}): {error}", offset) from error
    parameter, read = CONSTANTS.get(run, ("", str))
    if isinstance(given.get(parameter), str):
        try:
            read(given[parameter])
        except (TemplateError, ValueError) as error:
            raise SourceFault(f"'{name}': {error}", offset) from error
    return given
