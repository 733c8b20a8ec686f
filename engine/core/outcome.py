"""What a node returns: where the task goes from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.command import Command
from engine.core.task import ErrorKind, WaitKind


@dataclass(slots=True)
class Go:
    """The node is done: on to `to`, or along `next` if empty.

    `changes` are merged into the task's data at the top level, `removed` names are taken out.
    Not frozen: built for every move on the hot path.
    """

    to: str = ""
    changes: Mapping[str, Any] | None = None
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fail:
    """The node failed: along `error`, with the system parameters of the node's prefix set.

    `doubt` is what the node wants to find in `Visit.doubt` when the task comes back.
    """

    kind: ErrorKind
    tag: str
    description: str
    changes: Mapping[str, Any] | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """The task stands here until a message comes or `until` (Unix microseconds) is reached."""

    kind: WaitKind
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """The task goes on waiting as before, its timer too, with these changes in its data."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """The node needs a command carried out; it goes on in `resume` with the answer."""

    command: Command


@dataclass(frozen=True, slots=True)
class Hold:
    """The task stands here until a person decides what to do."""

    tag: str
    description: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The task is done. Without `is_kept` it leaves no trace but the node's counter."""

    is_success: bool
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class LookAgain:
    """A template asked for what must be loaded first: the same once more when it is there.

    Only the engine makes it. `answer` is what the node was resumed with, None if it was entered.
    """

    answer: object


Outcome = Go | Fail | Wait | Stay | Ask | Hold | Finish | LookAgain
