"""What a reader of values keeps in mind: where it is, and what it has met."""

from dataclasses import dataclass, field, replace
from typing import Any

from engine.core.node import RefersTo
from engine.definition.fault import MOST_FAULTS, Fault, Position, fault_at
from engine.definition.process import LinkUse, Reference, TemplateUse
from engine.definition.tree import Path

BAD: Any = object()
"""What is read where there is a fault."""


class EnoughFaults(Exception):
    """So much is wrong that reading on would tell nobody anything."""


@dataclass(slots=True)
class Notes:
    """What was met while reading, beside the faults of the whole file. Not frozen: it grows."""

    faults: list[Fault]
    links: list[LinkUse] = field(default_factory=list)
    templates: list[TemplateUse] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def fault(self, position: Position, rule: str, message: str) -> Any:
        """Notes a fault and gives `BAD`.

        Raises:
            EnoughFaults: there are too many by now.
        """
        if len(self.faults) >= MOST_FAULTS:
            raise EnoughFaults
        self.faults.append(fault_at(position, rule, message))
        return BAD


@dataclass(frozen=True, slots=True)
class Context:
    """Where the reader is, and what the settings say about this place."""

    path: Path = ()
    names: frozenset[str] = frozenset()
    refers_to: RefersTo | None = None
    beside: str = ""

    def below(self, step: str | int) -> "Context":
        """Gives the context of a part."""
        return replace(self, path=(*self.path, step))


TOP_CONTEXT = Context()
