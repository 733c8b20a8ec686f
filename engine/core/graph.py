"""A process as compiled: immutable, links resolved, ready to be walked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.core.duration import Duration
from engine.core.node import Alert, Limit, NodeType, Timeout, Visit
from engine.core.outcome import Outcome
from engine.core.parameter import Parameter


class HistoryMode(StrEnum):
    """How much of each task's way is kept."""

    FULL = "full"
    ERRORS = "errors"
    NONE = "none"


class ProcessStatus(StrEnum):
    """Whether a process takes tasks and moves them."""

    ACTIVE = "active"
    PAUSED = "paused"


KEEP_FINISHED = Duration(30 * 86_400_000_000)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One node, with what the walk needs at hand.

    `hex_id` is its id in callback URLs: 24 hexadecimal digits made from process and node.
    `is_in_short_cycle` says whether a way of two or three nodes leads back here.
    """

    id: str
    type: NodeType[Any]
    settings: Any
    title: str
    hex_id: str
    next: str = ""
    error: str = ""
    timeout: Timeout | None = None
    limit: Limit | None = None
    alert: Alert | None = None
    is_escalation: bool = False
    is_in_short_cycle: bool = False
    enter: Callable[[Any, Visit], Outcome] = field(init=False, repr=False, compare=False)

    def sums(self) -> Iterable[str]:
        """Names the sums that the node keeps."""
        names: Iterable[str] = self.type.sums(self.settings)
        return names

    def __post_init__(self) -> None:
        # Bound once: a look-up of the method for every visit would be paid on the hot path.
        object.__setattr__(self, "enter", self.type.enter)


@dataclass(frozen=True, slots=True)
class Graph:
    """One version of a process. `conv_id` is its number in the wire protocol and in URLs."""

    process: str
    title: str
    start: str
    nodes: Mapping[str, GraphNode]
    version: int = 1
    conv_id: int = 0
    status: ProcessStatus = ProcessStatus.ACTIVE
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    has_unique_refs: bool = True
    history: HistoryMode = HistoryMode.FULL
    retention: Duration = KEEP_FINISHED
    secrets: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    """Parameters that are hidden once the task has ended."""

    @property
    def is_active(self) -> bool:
        """Whether tasks move."""
        return self.status is ProcessStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task goes on that stands in a node of some version.

    `is_entered` says that it stood in a node of another type, and has to enter this one.
    """

    graph: Graph
    node: str
    is_entered: bool = False
