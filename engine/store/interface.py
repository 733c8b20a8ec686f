"""What the engine asks of a database.

Every call is batch-shaped, and every database passes the same contract tests
(`tests/store/test_contract.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.core.batch import Batch, Found, Key, Step, Sum, Wants
from engine.core.circuit import Pause
from engine.core.message import Kept
from engine.core.task import Task, TaskState, TaskStatus
from engine.store.facts import Audit, Since
from engine.store.sealing import Keyring


@dataclass(frozen=True, slots=True)
class Due:
    """An armed timer."""

    due: int
    task_id: str
    visit: int


@dataclass(frozen=True, slots=True)
class Walk:
    """A task that stood READY or CALLING."""

    task_id: str
    visit: int
    state: TaskState
    process: str
    node: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """What the store keeps about a process: its number and the secret of its callback URLs."""

    process: str
    conv_id: int
    callback_hash: str
    version: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a process as it was deployed."""

    process: str
    version: int
    digest: str
    source: str
    file: str
    moves: Mapping[str, str] = field(default_factory=dict)
    """Where tasks of earlier versions go on: the node they stand in, and the one instead."""
    keeps: bool = False
    """Whether tasks of earlier versions stay in theirs."""
    undone: str = ""
    """The digest of the version that this one was put in the place of, by going back."""
    deployed: int = 0


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A definition to be put into force; `conv_id` is None unless the author chose one."""

    process: str
    digest: str
    source: str
    file: str
    conv_id: int | None
    callback_hash: str
    moves: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    undone: str = ""
    is_sealed: bool = False
    """Whether it has secrets: then it is kept encrypted, as is the data of its tasks."""


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks of a process to list, newest first.

    `after` is the task id of the last task of the page before; `since` is Unix microseconds.
    """

    process: str
    node: str = ""
    status: TaskStatus | None = None
    limit: int = 50
    after: str = ""
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """What a worker learns when it renews its lease."""

    workers: int
    """Alive and holding, with this one; fronts are not counted."""
    rank: int
    """How many of them joined before this one."""
    deployed: int
    """Grows with every deploy."""


class Store(Protocol):
    """A database with the engine's tables."""

    is_shared: bool
    """Whether other engines may work on it at the same time."""

    async def unlock(self, keys: Keyring) -> None:
        """Takes the keys of what is kept encrypted.

        Raises:
            KeyMissing: one of those with which something is encrypted is not among them.
        """

    # The hot path.

    async def load(self, wants: Wants) -> Found:
        """Reads everything a turn wants in a fixed number of statements."""

    async def commit(self, batch: Batch) -> None:
        """Writes a batch in one transaction that survives power loss when this returns.

        Raises:
            StoreUnavailable: nothing of the batch was written.
            Overtaken: a task, a ref or an idempotency key was changed by somebody else;
                nothing was written.
            LostLease: others took this worker for dead; nothing was written.
        """

    async def due(self, until: int, limit: int) -> list[Due]:
        """Gives the timers due before `until`, earliest first, and takes their tasks in hand.

        Timers of tasks that another worker has in hand are left to it.
        """

    async def walks(self, before: int, after: str, limit: int) -> list[Walk]:
        """Gives the tasks that stand READY or CALLING since before `before`, after task id `after`.

        They come in the order of their ids. A worker that has joined a shared database is given
        those that it has in hand; `claim` takes the others.
        """

    async def newest(self) -> str:
        """Gives the greatest id of a task; empty if there is none."""

    async def calling(self, process: str, node: str, after: str, limit: int) -> list[Walk]:
        """Gives the tasks CALLING in one node, by task id, those after `after`.

        On a shared database: of those that this worker has in hand.
        """

    async def expired(self, now: int, limit: int) -> list[str]:
        """Gives the ids of kept messages whose time is over."""

    # Many workers on one database; one that is not shared has nothing to do here.

    async def join(self, name: str, lease_us: int, *, holds: bool) -> None:
        """Takes a lease, with a new token; `holds` is False for a front, which runs no calls."""

    async def renew(self) -> Crew:
        """Prolongs the lease, and frees what workers had in hand whose lease is over.

        Raises:
            LostLease: others took this worker for dead.
        """

    async def leave(self) -> None:
        """Gives back what this worker has in hand, and its lease."""

    async def claim(self, limit: int) -> list[Walk]:
        """Takes tasks in hand that stand READY or CALLING and that nobody has, by task id."""

    async def claim_timers(self, until: int, limit: int) -> list[Due]:
        """Takes tasks in hand whose timers are due before `until` and that nobody has."""

    async def stranded_mail(self, limit: int) -> list[str]:
        """Gives the ids of kept messages whose task is there now and could take them.

        Two workers may write at once a message whose task is not there yet, and this task.
        """

    def listen(self, wake: Callable[[], None]) -> None:
        """Has `wake` called, on the loop, when others left work that nobody has in hand."""

    # Processes.

    async def processes(self) -> list[ProcessRow]:
        """Gives every process that was ever deployed, with its newest version."""

    async def versions(self) -> list[VersionRow]:
        """Gives every version of every process, oldest first."""

    async def deploy(self, versions: Sequence[NewVersion], now: int) -> None:
        """Adds versions whose digest differs from the newest one's, in one transaction.

        The same definition with moves is a new version too: it is what they are kept with. A
        process keeps its number and its hash. A number that the author chose and another process
        has is a `StoreError`.
        """

    # Upstream hosts that are let be.

    async def pauses(self) -> list[Pause]:
        """Gives every host that is let be, or is to be tried next."""

    async def note_pauses(self, changes: Mapping[str, Pause | None], now: int) -> None:
        """Writes which hosts are let be from now on, and (None) which are not any more."""

    # Reading, for people.

    async def task(self, key: Key) -> Task | None:
        """Finds a task by process and ref or task id: the unfinished one, else the newest."""

    async def history(self, task_id: str) -> list[Step]:
        """Gives the finished visits of a task in order."""

    async def tasks(self, query: TaskQuery) -> list[Task]:
        """Lists tasks."""

    async def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        """Gives for each (process, node) how many tasks came in and went out so far."""

    async def sums(self) -> Mapping[Sum, int]:
        """Gives for each sum of a node what was added so far, in billionths."""

    async def oldest_waiting(self) -> Mapping[str, int]:
        """Gives for each process when its oldest unfinished task was made."""

    async def undelivered(self, after: str, limit: int) -> list[Kept]:
        """Lists messages that nobody took, oldest first."""

    # Housekeeping.

    async def forget(self, process: str, finished_before: int, limit: int) -> int:
        """Deletes up to `limit` finished tasks with their history; says how many."""

    async def forget_answers(self, now: int) -> None:
        """Deletes remembered answers and long undelivered messages whose time is over."""

    async def check(self, *, quickly: bool = False) -> list[str]:
        """Looks for damage; an empty list is good.

        Quickly only what is stored is looked at, and not whether every index agrees with it.
        """

    async def audit(self, since: Since) -> Audit:
        """Gathers in one snapshot what an examination must know, without loading tasks."""

    async def aclose(self) -> None:
        """Closes the database; nothing else may be called afterwards."""
