"""What the demo sends, and what the engine's batches tell about each message."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.batch import Batch
from engine.core.task import FINISHED, STATUS_OF, Task, TaskState
from engine.workspace import Workspace

ORDER, SENDING, CALLBACK = "order-shipped", "sending-sms", "getting-callback"
ENDED = FINISHED | {TaskState.PARKED}


class Outcome(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    REFUSED = "refused"
    EARLY_CALLBACK = "early_callback"


@dataclass(frozen=True, slots=True)
class Case:
    """A recipient, and what the simulator does with messages to it."""

    to: str
    outcome: Outcome
    story: str


CASES = (
    Case("+15550000000", Outcome.DELIVERED, "delivered"),
    Case("+15550000001", Outcome.UNDELIVERED, "undelivered"),
    Case("+15550000002", Outcome.FAILED, "failed"),
    Case("+15005550001", Outcome.REFUSED, "refused by Twilio"),
    Case("+15550000003", Outcome.EARLY_CALLBACK, "callback before its task"),
    Case("+15550000005", Outcome.DELIVERED, "every callback 3 times"),
)


@dataclass(slots=True)
class Track:
    """One message on its way. Not frozen: it moves."""

    case: Case
    order: str
    sending: Task | None = None
    way: list[str] = field(default_factory=list)
    node: str = ""
    is_over: bool = False
    has_early_callback: bool = False
    reported: str = ""

    @property
    def status(self) -> str:
        """The status of the task, in the words of the CLI; empty until there is one."""
        return STATUS_OF[self.sending.state] if self.sending is not None else ""

    @property
    def outcome(self) -> Outcome | None:
        """What became of it, once it is over and if that can be told."""
        if not self.is_over or self.sending is None:
            return None
        data = self.sending.data
        if data.get("code"):
            return Outcome.REFUSED if not data.get("sid") else None
        # A callback may overtake the copy by chance too, while the engine is busy: that counts
        # as delivered. Only where the simulator meant it to is it what the message was sent for.
        was_meant = self.case.outcome is Outcome.EARLY_CALLBACK
        if was_meant and self.has_early_callback and data.get("status") == Outcome.DELIVERED:
            return Outcome.EARLY_CALLBACK
        known = {Outcome.DELIVERED, Outcome.UNDELIVERED, Outcome.FAILED}
        return next((each for each in known if each == data.get("status")), None)

    @property
    def is_as_expected(self) -> bool:
        """Whether it ended as the simulator meant it to."""
        return self.outcome is self.case.outcome


class Watch:
    """Follows messages through the batches that the engine has written."""

    def __init__(self, workspace: Workspace, count: int) -> None:
        cases = itertools.islice(itertools.cycle(CASES), count)
        self.tracks = {
            f"order-{number}": Track(case, f"order-{number}")
            for number, case in enumerate(cases, start=1001)
        }
        self.over = 0
        self.tasks = 0
        self.changed = asyncio.Event()
        self._workspace = workspace
        self._by_task: dict[str, Track] = {}
        self._early: set[str] = set()
        workspace.listen(self._read)

    @property
    def is_over(self) -> bool:
        """Whether every message has ended, one way or another."""
        return self.over == len(self.tracks)

    def outcomes(self) -> dict[str, int]:
        """Counts the outcomes."""
        found = Counter(track.outcome for track in self.tracks.values())
        return {outcome.value: found[outcome] for outcome in Outcome}

    def missing(self) -> list[Track]:
        """Gives the messages that did not end as they should."""
        return [track for track in self.tracks.values() if not track.is_as_expected]

    def _read(self, batch: Batch) -> None:
        self._early.update(kept.ref for kept in batch.kept if kept.process == CALLBACK)
        self.tasks += len(batch.created)
        for task in itertools.chain(batch.created, batch.changed):
            if task.process == SENDING:
                self._follow(task)
            elif task.process == CALLBACK:
                self._hear(task)
        for task_id, steps in batch.histories:
            if track := self._by_task.get(task_id):
                track.way += [step.node for step in steps]
        self._close(batch.stopped)
        self.changed.set()

    def _follow(self, task: Task) -> None:
        track = self._by_task.get(task.task_id)
        if track is None:
            track = self.tracks[task.data["__rpc_ref_id__"]]
            self._by_task[task.task_id] = track
        track.sending, track.node = task, task.node
        track.has_early_callback = task.data.get("sid") in self._early

    def _hear(self, task: Task) -> None:
        """Notes what Twilio has reported; the task that waits for it knows the one that sent."""
        if track := self._by_task.get(str(task.data["ref"])):
            track.reported = str(task.data.get("MessageStatus") or "")

    def _close(self, stopped: Iterable[Task]) -> None:
        for task in stopped:
            if task.process == ORDER:
                self.tracks[task.ref].is_over = True
                self.over += 1

    def orders(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Gives the ref and the data of each order."""
        for order, track in self.tracks.items():
            yield order, {"phone": track.case.to, "order": order.removeprefix("order-")}
