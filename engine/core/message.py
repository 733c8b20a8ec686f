"""What reaches a task from outside.

Each message names its target and, if somebody waits for an answer, carries a `ticket`: an object
the core hands back with the answer and never looks into.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.core.command import CallResult


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key with the digest of the request that carries it."""

    key: str
    digest: str


# Not frozen: one a task on the hot path, where a frozen record costs four times as much to build.
@dataclass(slots=True)
class Submit:
    """A new task for a process. An empty ref asks for a generated one."""

    process: str
    ref: str
    data: dict[str, Any]
    ticket: object = None
    once: Once | None = None


@dataclass(slots=True)
class Callback:
    """What a callback URL received, addressed by task id or by ref.

    Of two callbacks with the same `event_key` the second has no effect. A callback whose `rank`
    is lower than one already taken has been overtaken and has no effect; 0 is no rank.
    """

    process: str
    node: str
    task_id: str
    ref: str
    data: dict[str, Any]
    is_sync: bool
    keep_us: int
    event_key: str = ""
    rank: int = 0
    ticket: object = None


@dataclass(slots=True)
class Modify:
    """A change of a task's data by a person or a client."""

    process: str
    ref: str
    data: dict[str, Any]
    ticket: object = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Somebody takes the task out of its queue."""


@dataclass(slots=True)
class Alarm:
    """The timer that was armed for a visit is due."""

    task_id: str
    visit: int


@dataclass(slots=True)
class Result:
    """The answer to an outside call of a visit."""

    task_id: str
    visit: int
    result: CallResult


@dataclass(slots=True)
class Continue:
    """Takes a task on whose walk was cut short, or whose call nobody carries out any more.

    With `call_was_out` the engine died while the call was on its way; without, it was never sent.
    """

    task_id: str
    visit: int
    call_was_out: bool = False


@dataclass(slots=True)
class Follow:
    """Takes a task in hand, so that it goes to where a deploy put it."""

    task_id: str


@dataclass(slots=True)
class Unsent:
    """The engine stops before the call of a visit was sent: nothing about it is in doubt."""

    task_id: str
    visit: int


@dataclass(slots=True)
class Rerun:
    """Puts a task that failed back into the node it failed in, or into `node`."""

    process: str
    ref: str
    node: str = ""
    ticket: object = None
    once: Once | None = None


@dataclass(slots=True)
class Delete:
    """Removes a task."""

    process: str
    ref: str
    ticket: object = None


@dataclass(slots=True)
class Redeliver:
    """Offers an undelivered message to its task once more."""

    message_id: str
    ticket: object = None
    once: Once | None = None


@dataclass(slots=True)
class Expire:
    """The time for which a message was kept is over."""

    message_id: str


Message = (
    Submit
    | Callback
    | Modify
    | Alarm
    | Result
    | Continue
    | Follow
    | Unsent
    | Rerun
    | Delete
    | Redeliver
    | Expire
)


class KeptKind(StrEnum):
    """What a kept message was; the value is what the database holds."""

    CALLBACK = "callback"
    MODIFY = "modify"


class KeptState(StrEnum):
    """Whether a kept message may still find its task."""

    KEPT = "kept"
    UNDELIVERED = "undelivered"


@dataclass(slots=True)
class Kept:
    """A message in the mailbox: for the task with this id, or the next one with this ref.

    `message_id` is time-ordered: the order of arrival. Times are Unix microseconds.
    """

    message_id: str
    kind: KeptKind
    state: KeptState
    process: str
    ref: str
    task_id: str
    node: str
    data: dict[str, Any]
    event_key: str
    rank: int
    arrived: int
    expires: int
    reason: str = ""


# What a node is told when its visit goes on.


@dataclass(frozen=True, slots=True)
class Arrived:
    """A callback or a modification came: the data to merge."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replied:
    """The called task replied."""

    data: Mapping[str, Any]
    is_exception: bool = False
    reason: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The time the node asked for has come."""
