"""What a turn needs to know beside tasks and messages."""

from collections.abc import Mapping
from typing import Any, Protocol

from engine.core.batch import Limits, Sum
from engine.core.graph import Graph, Place


class World(Protocol):
    """The processes in force, fresh ids, and what templates may ask of the engine."""

    @property
    def limits(self) -> Limits: ...

    @property
    def variables(self) -> Mapping[str, Any]:
        """The workspace's variables: `env` in templates."""

    @property
    def makes_calls(self) -> bool:
        """Whether this engine calls the outside; else a task stands ready before its call."""

    def current(self, process: str) -> Graph | None:
        """Gives the version of a process that new tasks get."""

    def graph(self, process: str, version: int) -> Graph | None:
        """Gives one version of a process."""

    def place(self, process: str, version: int, node: str) -> Place | None:
        """Finds where a task goes on that stands in a node of a version; None if nobody knows."""

    def named_now(self, process: str, node: str) -> str:
        """Gives the node that stands where this one stood."""

    def next_id(self) -> str:
        """Makes a new id: 24 hexadecimal digits, greater than every one before."""

    def random_bits(self, count: int) -> int:
        """Gives a whole number of so many bits that nobody can guess."""

    def standing(self, process: str, node: str) -> int:
        """Counts the tasks that stood in a node before this turn."""

    def sum(self, key: Sum) -> int:
        """Gives what was added to a sum before this turn, in billionths."""

    def callback_url(self, process: str, node: str, plugin: str) -> str:
        """Gives a node's callback URL.

        Raises:
            TemplateError: there is no such node, or it takes no callbacks.
        """
