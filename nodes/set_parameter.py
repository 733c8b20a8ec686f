"""Set Parameters: writes parameters of the task, all of them or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from engine.node import (
    ErrorKind,
    Fail,
    Go,
    NodeType,
    Outcome,
    Template,
    Text,
    Visit,
    Writes,
    as_text,
    split_path,
)

GREATEST_INDEX = 100
_SPECIAL = frozenset(".[]\\")


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a set-parameter node."""

    set: Annotated[
        Mapping[Text, Template],
        Writes(),
        "The parameters to write: a name, or a path such as order.items[0].price, to its value.",
    ] = field(default_factory=dict)
    unset: Annotated[tuple[str, ...], "The names of parameters to take out of the task."] = ()


class SetParameter(NodeType[Settings]):
    """Evaluates every name and value against the data as on entry, then writes them."""

    type = "set_parameter"
    title = "Set Parameters"
    prefixes = ("set_param",)

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        values = {
            as_text(name.render(visit)): value.render(visit) for name, value in settings.set.items()
        }
        changes: dict[str, Any] = {}
        for name, value in values.items():
            if name and _SPECIAL.isdisjoint(name):
                changes[name] = value
                continue
            try:
                _assign(visit.data, changes, name, value)
            except ValueError as error:
                return Fail(
                    ErrorKind.SOFTWARE, "set_param_wrong_convert_param", f"Param: {name}, {error}"
                )
        return Go(changes=changes, removed=settings.unset)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not settings.set and not settings.unset:
            yield "set", "the node changes nothing: list parameters under 'set' or 'unset'"
        if "" in settings.unset:
            yield "unset", "an empty text is not the name of a parameter"


def _assign(data: Mapping[str, Any], changes: dict[str, Any], name: str, value: Any) -> None:
    """Writes a value at a path into `changes`; what is there is copied, never changed."""
    root, *steps = split_path(name)
    before = changes[root] if root in changes else data.get(root)
    changes[root] = _with(before, steps, value)


def _with(container: Any, steps: list[str], value: Any) -> Any:
    """Gives a copy of a container in which the value stands at the path."""
    if not steps:
        return value
    step, *rest = steps
    if isinstance(container, list) or (container is None and step.isdecimal()):
        items = list(container or ())
        index = _index(step)
        items.extend([None] * (index + 1 - len(items)))
        items[index] = _with(items[index], rest, value)
        return items
    if container is not None and not isinstance(container, dict):
        raise ValueError(f"Value: {as_text(container)[:100]}, Try convert to: object")
    members = dict(container or {})
    members[step] = _with(members.get(step), rest, value)
    return members


def _index(step: str) -> int:
    if not step.isdecimal() or len(step) > 3 or int(step) > GREATEST_INDEX:
        raise ValueError(f"Error: '{step}' is not an index from 0 to {GREATEST_INDEX}")
    return int(step)
