"""What the author of a process wrote, typed and checked one value at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from engine.core.duration import Duration, parse_duration
from engine.core.graph import USUAL_LOOP_LIMIT, HistoryMode, LoopLimit, ProcessStatus
from engine.core.node import Common, NodeType, RefersTo
from engine.core.parameter import ParameterType
from engine.definition.fault import Position
from engine.definition.tree import Path, Scalar, Table, locate
from engine.template import Template

A_MONTH = parse_duration("30d")


class ProcessKind(StrEnum):
    """Whether tasks go through to an end, or stay in a state until they are changed."""

    PROCESS = "process"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """A parameter as declared in `params`."""

    type: Annotated[ParameterType, "The JSON type of the value."] = ParameterType.STRING
    required: Annotated[bool, "A new task without it is refused."] = False
    default: Annotated[Any, "The value of a new task that does not bring one."] = None
    regex: Annotated[str, "A pattern that must be found in the value as text."] = ""
    regex_error: Annotated[str, "What the sender is told when the pattern is not found."] = ""
    max_length: Annotated[int | None, "The most characters, items or keys."] = None
    min_length: Annotated[int | None, "The fewest characters, items or keys."] = None
    secret: Annotated[bool, "The value is never shown, logged or kept in the history."] = False
    output: Annotated[bool, "It is part of what the process replies."] = False
    auto_clear: Annotated[bool, "The value is hidden once the task has ended."] = False
    description: Annotated[str, "A sentence for people."] = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the engine itself submits tasks: by the calendar or at an interval."""

    cron: Annotated[str, "Five fields: minute, hour, day, month, day of week."] = ""
    every: Annotated[Duration | None, "The time between two tasks."] = None
    timezone: Annotated[str, "The zone the cron fields are meant in."] = "UTC"
    data: Annotated[Mapping[str, Any], "The data of each task."] = field(default_factory=dict)
    ref: Annotated[str, "The ref of each task; generated if left out."] = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The keys of a process beside its nodes."""

    process: Annotated[str, "The alias by which other processes and clients call it."]
    id: Annotated[int | None, "The number that the wire API calls conv_id."] = None
    title: Annotated[str, "The name for people; the alias if left out."] = ""
    description: Annotated[str, "What the process is for."] = ""
    kind: Annotated[ProcessKind, "A process, or a state diagram."] = ProcessKind.PROCESS
    status: Annotated[ProcessStatus, "Whether tasks are taken and move."] = ProcessStatus.ACTIVE
    params: Annotated[Mapping[str, ParameterDefinition], "What a new task's data consists of."] = (
        field(default_factory=dict)
    )
    unique_ref: Annotated[bool, "Two unfinished tasks may not have the same ref."] = True
    schedule: Annotated[tuple[Schedule, ...], "When the engine itself submits tasks."] = ()
    history: Annotated[HistoryMode, "How much of each task's way is kept."] = HistoryMode.FULL
    retention: Annotated[Duration, "How long finished tasks are kept."] = A_MONTH
    loop_limit: Annotated[
        LoopLimit, "How often a task may come to a node without a stop before it fails."
    ] = USUAL_LOOP_LIMIT


@dataclass(frozen=True, slots=True)
class LinkUse:
    """A link as written: a setting that names a node of the same process."""

    path: Path
    target: str
    position: Position

    @property
    def is_error(self) -> bool:
        """Whether a failed task takes this way."""
        return self.path == ("error",)


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """One text with templates."""

    path: Path
    template: Template
    written: Scalar


@dataclass(frozen=True, slots=True)
class Reference:
    """A constant text that names a process, or a node of the process `beside` it."""

    marker: RefersTo
    path: Path
    name: str
    position: Position
    beside: str = ""


@dataclass(frozen=True, slots=True)
class NodeDefinition:
    """A node as written. Without `node_type` or `settings` it has faults that are reported.

    `writes` are the parameters it sets, None if they can be any.
    """

    id: str
    position: Position
    tree: Table
    common: Common
    node_type: NodeType[Any] | None
    settings: Any = None
    links: tuple[LinkUse, ...] = ()
    templates: tuple[TemplateUse, ...] = ()
    references: tuple[Reference, ...] = ()
    writes: frozenset[str] | None = frozenset()

    def locate(self, *path: str | int) -> Position:
        """Finds where a setting stands; the node itself if it is left out."""
        return locate(self.tree, path) if path and self._has(path[0]) else self.position

    def _has(self, key: str | int) -> bool:
        return self.tree.get(str(key)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Head):
    """A process as its author wrote it, with the text it came from and that text's SHA-256."""

    file: str
    source: str
    digest: str
    tree: Table
    nodes: Mapping[str, NodeDefinition]

    def locate(self, *path: str | int) -> Position:
        """Finds where a value stands, or what should hold it."""
        return locate(self.tree, path)

    def links(self) -> Iterator[tuple[NodeDefinition, LinkUse]]:
        """Yields every link that leads to a node there is, with the node it leaves."""
        for node in self.nodes.values():
            for link in node.links:
                if link.target in self.nodes:
                    yield node, link

    def lost_links(self) -> Iterator[tuple[NodeDefinition, LinkUse]]:
        """Yields every link to a node that is not there, with the node it leaves."""
        for node in self.nodes.values():
            for link in node.links:
                if link.target not in self.nodes:
                    yield node, link
