"""What changed between two definitions of a process, by what they say, not by how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.definition.process import Definition, NodeDefinition
from engine.definition.tree import plain

MISSING = object()
"""Differs from every value that can be written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Keys of the process that differ, and nodes: added, removed, and changed with their keys.

    A node whose type changed is among the changed ones, with the key `type`.
    """

    keys: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def retyped(self) -> tuple[str, ...]:
        """Nodes whose type changed: to tasks that stand there it is another node."""
        return tuple(name for name, keys in self.changed.items() if "type" in keys)


def difference(old: Definition | None, new: Definition) -> Difference:
    """Compares a definition with the one before; without one every node is new."""
    if old is None:
        return Difference(added=tuple(new.nodes))
    before, after = _settings(old), _settings(new)
    return Difference(
        keys=_differing(_head(old), _head(new)),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed={
            name: keys
            for name in after
            if name in before and (keys := _differing(before[name], after[name]))
        },
    )


def _head(definition: Definition) -> Mapping[str, Any]:
    return {key: value for key, value in plain(definition.tree).items() if key != "nodes"}


def _settings(definition: Definition) -> Mapping[str, Mapping[str, Any]]:
    return {name: _of(node) for name, node in definition.nodes.items()}


def _of(node: NodeDefinition) -> Mapping[str, Any]:
    found: Mapping[str, Any] = plain(node.tree)
    return found


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    keys = dict.fromkeys([*before, *after])
    return tuple(key for key in keys if before.get(key, MISSING) != after.get(key, MISSING))
