"""What a task is: one durable thing that moves through the nodes of a process."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class TaskState(StrEnum):
    """Where a task is between two visits; the value is what the database holds."""

    READY = "ready"  # set when a walk is cut short; the node is entered next
    CALLING = "calling"  # set when a node asks the outside; the answer or the timer ends it
    WAITING = "waiting"  # set when a node waits; a message or the timer ends it
    QUEUED = "queued"  # set in a queue; who takes the task, or the timer, ends it
    HELD = "held"  # set when a call is in doubt and a person must decide; a rerun ends it
    PARKED = "parked"  # set when a node without `error` fails; a rerun ends it
    SUCCESS = "success"  # set in an end node; final
    ERROR = "error"  # set in an end node with `result: error`; a rerun ends it


FINISHED = frozenset({TaskState.SUCCESS, TaskState.ERROR})


class TaskStatus(StrEnum):
    """What people and programs are told; see `STATUS_OF`."""

    RUNNING = "running"
    WAITING = "waiting"
    SUCCESS = "success"
    ERROR = "error"


STATUS_OF = {
    TaskState.READY: TaskStatus.RUNNING,
    TaskState.CALLING: TaskStatus.RUNNING,
    TaskState.WAITING: TaskStatus.WAITING,
    TaskState.QUEUED: TaskStatus.WAITING,
    TaskState.HELD: TaskStatus.WAITING,
    TaskState.PARKED: TaskStatus.ERROR,
    TaskState.SUCCESS: TaskStatus.SUCCESS,
    TaskState.ERROR: TaskStatus.ERROR,
}


class WaitKind(StrEnum):
    """What a waiting task waits for."""

    TIME = "time"  # its own timer only
    CALLBACK = "callback"  # a callback or a modification
    REPLY = "reply"  # the reply of the task it called
    QUEUE = "queue"  # a task that takes it out of its queue


class ErrorKind(StrEnum):
    """Whether the same thing may work later."""

    HARDWARE = "hardware"  # it could not be carried out now
    SOFTWARE = "software"  # it would fail again unchanged


class ErrorNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last failure of a task, as `error` in templates and in the task's JSON."""

    kind: str
    tag: str
    description: str
    node: str = ""
    attempt: int = 1


class Caller(msgspec.Struct, frozen=True):
    """The task that waits for this one's reply, and how deep in calls this one is."""

    task_id: str
    visit: int
    depth: int


class Memo(msgspec.Struct, omit_defaults=True):
    """What the engine remembers about a task beside its data. Times are Unix microseconds."""

    entered: int = 0
    previous: str = ""  # the node it came from
    wait: str = ""  # a `WaitKind`, while waiting
    due_leaves: bool = False  # the timer is the node's `timeout`, not the node's own
    laps: dict[str, int] = msgspec.field(default_factory=dict)  # visits since it last stood
    attempts: dict[str, int] = msgspec.field(default_factory=dict)  # failures a node
    doubts: dict[str, str] = msgspec.field(default_factory=dict)  # `Fail.doubt` a node
    error: ErrorNote | None = None
    failed_in: str = ""
    caller: Caller | None = None
    has_replied: bool = False
    generation: int = 0  # how many tasks made each other before this one, without a stop
    origin: str = ""  # "task_id/node" of the copy that created it
    seen: list[str] = msgspec.field(default_factory=list)  # event keys of callbacks taken
    rank: int = 0  # the highest rank among callbacks taken

    def failed(self, node: str, doubt: str) -> int:
        """Counts a failure of a node, and says the how manyth it is since its last success."""
        attempt = self.attempts[node] = self.attempts.get(node, 0) + 1
        if doubt:
            self.doubts[node] = doubt
        else:
            self.doubts.pop(node, None)
        return attempt

    def renamed(self, node: str, to: str) -> None:
        """Has what is remembered about a node be about another that stands in its place."""
        if self.failed_in == node:
            self.failed_in = to
        notes: tuple[dict[str, Any], ...] = (self.attempts, self.doubts)
        for each in notes:
            if node in each:
                each[to] = each.pop(node)

    def succeeded(self, node: str) -> None:
        """Forgets the failures of a node."""
        del self.attempts[node]
        self.doubts.pop(node, None)


@dataclass(slots=True)
class Task:
    """A task as the store holds it. Not frozen: built and changed for each move, only by a turn.

    `size` bounds the bytes of `data` as JSON from above. Times are Unix microseconds.
    """

    task_id: str
    ref: str
    process: str
    version: int
    node: str
    state: TaskState
    data: dict[str, Any]
    memo: Memo
    visit: int
    due: int | None
    created: int
    changed: int
    finished: int | None
    revision: int
    size: int
    is_ref_exclusive: bool = True
    is_sealed: bool = False  # its data has secrets: encrypted wherever it is kept

    @property
    def is_finished(self) -> bool:
        """Whether the task stands in an end node."""
        return self.finished is not None


def encode(value: Any) -> bytes:
    """Writes JSON: compact, UTF-8, integers of any size kept exact."""
    return msgspec.json.encode(value)
