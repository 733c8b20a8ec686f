"""What an examination learns of a database: facts, of which `engine.doctor` says what they mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

MOST = 1000
"""Rows given of each kind of oddity; who has more has more than enough to look at."""


class Odd(StrEnum):
    """What can be wrong with a row, seen by itself or with the rows it points at."""

    HALF_FINISHED = "half-finished"  # it has ended and is on its way
    TIMER_OF_ENDED = "timer-of-ended"
    NO_REPLY_TO_COME = "no-reply-to-come"  # nobody is there who could reply
    SHARED_REF = "shared-ref"  # two unfinished tasks have one ref
    LOST_OWNER = "lost-owner"  # in the hand of an engine that is not there
    IDLE = "idle"  # ready for long, and nobody takes it on
    LONG_CALL = "long-call"
    LATE_TIMER = "late-timer"
    MAIL_WITHOUT_TASK = "mail-without-task"
    MAIL_FOR_ENDED = "mail-for-ended"
    MAIL_WITHOUT_PROCESS = "mail-without-process"
    MAIL_LEFT_LYING = "mail-left-lying"  # its task waits for it
    LATE_MAIL = "late-mail"  # kept beyond its time
    HISTORY_WITHOUT_TASK = "history-without-task"


PASSING = frozenset(
    {Odd.LOST_OWNER, Odd.MAIL_WITHOUT_TASK, Odd.MAIL_FOR_ENDED, Odd.MAIL_LEFT_LYING}
)
"""What several engines on one database may leave for a moment until one of them mends it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Unfinished tasks that stand alike; `example` is the oldest."""

    process: str
    version: int
    node: str
    state: str
    wait: str
    is_timed: bool
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """One row that is odd: its id (of a task or a message), and where that stands or leads to."""

    kind: Odd
    row_id: str
    process: str
    node: str


@dataclass(frozen=True, slots=True)
class VersionSource:
    """A version of a process as its author wrote it."""

    process: str
    version: int
    source: str
    file: str


@dataclass(frozen=True, slots=True)
class Since:
    """From when on something is late. Unix microseconds."""

    late: int
    idle: int
    calling: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The facts of one moment.

    `clock` is the database's own, in Unix microseconds; None where it is the machine's.
    `nature` holds what the database says of itself, by the names of its own settings. `moved` says
    where the tasks are, if this is a database that they have left.
    """

    standing: tuple[Standing, ...]
    counts: Mapping[tuple[str, str], tuple[int, int]]
    versions: tuple[VersionSource, ...]
    oddities: tuple[Oddity, ...]
    missing_indexes: tuple[str, ...]
    newest: str
    workers: int = 0
    moved: str = ""
    clock: int | None = None
    nature: Mapping[str, str] = field(default_factory=dict)

    def without(self, passed: Iterable[Oddity]) -> "Audit":
        """Gives the same facts but for these rows."""
        gone = frozenset(passed)
        return replace(self, oddities=tuple(each for each in self.oddities if each not in gone))
