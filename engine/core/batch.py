"""What one turn leaves behind: rows for one transaction, and what to do once it is safe on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from engine.core.command import OutsideCommand
from engine.core.masking import NOTHING_HIDDEN, Masker
from engine.core.message import Kept
from engine.core.task import Task
from engine.errors import EngineError

Key = tuple[str, str]
"""A process and a ref."""

Queue = tuple[str, str, bool]
"""A process, a node that is a queue, and whether the newest is wanted first."""


Sum = tuple[str, str, str]
"""A process, a node that keeps sums, and the name of one."""


@dataclass(slots=True)
class Step:
    """One visit, as the history keeps it. Times are Unix microseconds.

    Not frozen: one is built for every visit on the hot path.
    """

    visit: int
    node: str
    entered: int
    left: int | None
    by: str
    error: tuple[str, str, str] | None = None  # kind, tag, description


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer given to a request with an idempotency key."""

    key: str
    digest: str
    body: bytes
    expires: int


class Delivery(StrEnum):
    """What became of a callback."""

    TAKEN = "taken"  # its task went on
    KEPT = "kept"  # it waits for its task
    DUPLICATE = "duplicate"  # seen before, no effect
    OVERTAKEN = "overtaken"  # a later one was there first, no effect
    LATE = "late"  # its task has ended, recorded there
    NO_TASK = "no_task"  # there is no such task
    ELSEWHERE = "elsewhere"  # its task waits in another node


@dataclass(slots=True)
class Answer:
    """What the sender of a message is told after the commit: a task, an error or what became.

    `body` is the answer as bytes, if it must be the same for a repeat of the request.
    """

    ticket: object
    task: Task | None = None
    error: EngineError | None = None
    delivery: Delivery | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An outside call to start for a visit."""

    task_id: str
    visit: int
    process: str
    node: str
    command: OutsideCommand
    masker: Masker = NOTHING_HIDDEN
    """For the log."""


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """A node's count reached its alert, or fell below it again."""

    process: str
    node: str
    is_on: bool
    standing: int


@dataclass(frozen=True, slots=True)
class Incident:
    """An exception that a node should not have raised; for the log."""

    incident_id: str
    process: str
    node: str
    exception: BaseException
    masker: Masker = NOTHING_HIDDEN


@dataclass(slots=True)
class Batch:
    """One transaction and what follows it. Not frozen: filled by one turn."""

    now: int
    # rows
    created: list[Task] = field(default_factory=list)
    changed: list[Task] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    histories: list[tuple[str, list[Step]]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    updated_kept: list[Kept] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    counts: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # [in, out]
    sums: dict[Sum, int] = field(default_factory=dict)  # what is added, in billionths
    # after the commit
    answers: list[Answer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    cancelled: list[tuple[str, int]] = field(default_factory=list)  # task id, visit
    heard: list[tuple[str, int]] = field(default_factory=list)  # visits whose call's answer came
    alarms: list[tuple[int, str, int]] = field(default_factory=list)  # due, task id, visit
    resumed: list[tuple[str, int]] = field(default_factory=list)  # walks to be continued
    stopped: list[Task] = field(default_factory=list)  # finished or parked
    alerts: list[AlertNotice] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.created
            or self.changed
            or self.deleted
            or self.histories
            or self.kept
            or self.updated_kept
            or self.taken
            or self.remembered
            or self.sums
        )


@dataclass(slots=True)
class Wants:
    """What a turn must know to go on. Not frozen: collected while it runs."""

    ids: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    once: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    queues: dict[Queue, int] = field(default_factory=dict)  # how many of its first tasks

    def __bool__(self) -> bool:
        return bool(self.ids or self.keys or self.once or self.messages or self.queues)


@dataclass(slots=True)
class Found:
    """What the store has of what was wanted.

    `by_key` gives for each key the unfinished task, else the one finished last; a ref that was
    generated is the task's id. `mail` holds every kept message for these tasks and keys, in order
    of arrival. `queues` holds the first tasks of each queue in their order, in full where there are
    fewer than wanted.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    by_key: Mapping[Key, Task] = field(default_factory=dict)
    mail: list[Kept] = field(default_factory=list)
    once: Mapping[str, Remembered] = field(default_factory=dict)
    messages: Mapping[str, Kept] = field(default_factory=dict)
    queues: Mapping[Queue, list[Task]] = field(default_factory=dict)

    def every_task(self) -> Iterator[Task]:
        """Yields the tasks, however they were asked for; some twice."""
        return chain(self.tasks.values(), self.by_key.values(), *self.queues.values())


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one task may do; sizes in bytes."""

    task_bytes: int = 128 * 1024
    moves_a_task: int = 250
    moves_a_turn: int = 20_000
    moves_a_short_turn: int = 1_500
    call_depth: int = 100
    copy_generations: int = 10_000
    seen_keys: int = 200
    once_us: int = 24 * 3_600_000_000
