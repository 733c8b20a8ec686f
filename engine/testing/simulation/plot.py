"""A plot: what engines are given to do in a story, who asks for it, and how it must end."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Protocol, TypeVar

from engine.core.batch import Step
from engine.core.command import CallResult, HttpCall
from engine.core.message import Kept
from engine.core.task import Task
from engine.definition import Catalog, Definition, read_definition
from engine.workspace import Workspace

T = TypeVar("T")

KEPT_FOR_EVER_US = 10**15


class Stage(Protocol):
    """What a plot sees of the story in which it is played."""

    chance: Random

    @property
    def trouble(self) -> float:
        """How likely it is that something outside goes wrong."""

    def note(self, what: str) -> None:
        """Writes down what happened."""

    async def until_done(self, ask: Callable[[Workspace], Awaitable[T]]) -> T:
        """Asks whichever engine until one has answered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in the database in the end."""

    tasks: Mapping[str, list[Task]]
    histories: Mapping[str, list[Step]]
    undelivered: list[Kept] = field(default_factory=list)


class Plot:
    """The base of plots: nobody asks for anything, and nothing is expected."""

    variables: ClassVar[Mapping[str, str]] = {}
    delays: ClassVar[Mapping[tuple[str, str], int]] = {}
    """How long a task stands in a node (process, node), at least; microseconds."""
    leaves_mail: ClassVar[bool] = False
    """Whether there may be messages that nobody takes."""

    def __init__(self, stage: Stage, size: int) -> None:
        self.stage = stage
        self.size = size
        self.broken_promises: list[str] = []

    def definitions(self) -> list[Definition]:
        """Gives the processes."""
        raise NotImplementedError

    def clients(self) -> list[Coroutine[Any, Any, None]]:
        """Gives those who ask for something, each until it was answered."""
        raise NotImplementedError

    async def perform(self, call: HttpCall) -> CallResult:
        """Answers a call."""
        raise AssertionError(f"nobody calls {call.url}")

    def heard(self, call: HttpCall) -> None:
        """Is told that an engine has the result of a call."""

    async def rest(self) -> None:
        """Waits until nobody outside has anything left to say."""

    def check(self, seen: Seen) -> Iterator[str]:
        """Gives every promise that was broken."""
        raise NotImplementedError


def read(*texts: str) -> list[Definition]:
    """Reads processes that are written in a module."""
    catalog = Catalog.installed()
    found = (read_definition(text, "story.yaml", catalog)[0] for text in texts)
    return [each for each in found if each is not None]
