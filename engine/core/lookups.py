"""What templates ask of the engine: the time, chance, other tasks, counts, callback URLs."""

from typing import TYPE_CHECKING, Any

from engine.core.batch import Sum
from engine.core.billionths import number_of
from engine.core.node import Visit
from engine.core.value import as_text
from engine.errors import TemplateError

if TYPE_CHECKING:
    from engine.core.ledger import Ledger


def ask(
    ledger: "Ledger", visit: Visit, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Calls a function of templates that needs the engine.

    Raises:
        NotYetKnown: the store must be asked first, as for anything else.
        TemplateError: there is no such function, or nothing by the names it was given.
    """
    match function:
        case "now":
            return visit.now
        case "random_bits":
            return ledger.world.random_bits(*args)
        case "task":
            return _data_of(ledger, as_text(args[0]), as_text(args[1]))
        case "node":
            return _about_node(ledger, visit, as_text(args[0]))
        case "sum":
            return _sum_of(ledger, *map(as_text, args))
        case "callback_url":
            return ledger.world.callback_url(*args, **{"plugin": "", **kwargs})
    raise TemplateError(f"the engine has no function '{function}' for templates")


def _data_of(ledger: "Ledger", process: str, ref: str) -> dict[str, Any]:
    """Gives the data of another task that has not ended; nothing if there is none."""
    if ledger.world.current(process) is None:
        raise TemplateError(f"task: there is no process '{process}'")
    live = ledger.by_key(process, ref) if ref else None
    if live is None or live.task.is_finished:
        return {}
    return {**live.task.data}


def _about_node(ledger: "Ledger", visit: Visit, node: str) -> dict[str, Any]:
    """Gives how many tasks stand in a node, and its sums."""
    found = ledger.lives[visit.task.task_id].graph.nodes.get(node)
    if found is None:
        raise TemplateError(f"node: there is no node '{node}'")
    names = found.sums()
    return {
        "count": ledger.standing(visit.process, node),
        "sums": {name: _total(ledger, (visit.process, node, name)) for name in names},
    }


def _sum_of(ledger: "Ledger", process: str, node: str, name: str) -> int | float:
    graph = ledger.world.current(process)
    found = graph.nodes.get(node) if graph else None
    if found is None or name not in found.sums():
        raise TemplateError(f"sum: no node '{node}' of '{process}' keeps a sum '{name}'")
    return _total(ledger, (process, node, name))


def _total(ledger: "Ledger", key: Sum) -> int | float:
    """Gives a sum as of now in this turn; nothing was added where it is not known."""
    return number_of(ledger.world.sum(key) + ledger.batch.sums.get(key, 0))
