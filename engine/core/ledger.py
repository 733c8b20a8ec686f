"""What a turn has in hand: the tasks and mail it knows, what it lacks, and what it will write."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.batch import AlertNotice, Answer, Batch, Found, Key, Remembered, Step, Wants
from engine.core.graph import Graph, HistoryMode
from engine.core.lookups import ask
from engine.core.masking import Masker, masker_of
from engine.core.message import Kept, KeptState
from engine.core.names import error_names, root_names
from engine.core.node import Alert, Visit
from engine.core.relocation import take_up
from engine.core.task import Memo, Task, TaskState, encode
from engine.core.world import World
from engine.errors import EngineError

Signal = tuple[Graph, str, str, bool]
"""A process, the node that gets a task, the one whose alert it is, and whether it went on."""


class NotYetKnown(Exception):
    """The store must be asked first; what is wanted has been noted."""


class Live:
    """A task in hand. Not a frozen value: its turn changes it until the batch is closed."""

    __slots__ = (
        "graph",
        "is_changed",
        "is_deleted",
        "is_new",
        "is_suspended",
        "mail",
        "moves",
        "node",
        "steps",
        "task",
        "visit",
    )

    def __init__(self, task: Task, graph: Graph, visit: Visit, *, is_new: bool) -> None:
        self.task = task
        self.graph = graph
        self.node = graph.nodes[task.node]
        self.visit = visit
        self.is_new = is_new
        self.is_changed = False
        self.is_deleted = False
        self.is_suspended = False  # it asked for something that must be loaded first
        self.moves = 0
        self.steps: list[Step] = []
        self.mail: list[Kept] = []


class Ledger:
    """Finds tasks for the rules, remembers what is missing, and becomes the batch."""

    def __init__(self, world: World, now: int) -> None:
        self.world = world
        self.limits = world.limits
        self.now = now
        self.wants = Wants()
        self.moves = 0
        self.batch = Batch(now)
        self._counts = self.batch.counts
        self.lives: dict[str, Live] = {}
        self.queued: list[Live] = []  # that came into a queue in this turn
        self.signals: list[Signal] = []  # signal tasks to create
        self._known_ids: set[str] = set()
        self._by_key: dict[Key, Live | None] = {}
        self._mail: dict[Key, list[Kept]] = {}
        self._once: dict[str, Remembered | None] = {}
        self._asked_once: dict[str, tuple[str, Answer]] = {}
        self._messages: dict[str, Kept | None] = {}
        self._filed: set[str] = set()
        self._kept: dict[str, Kept] = {}
        self._taken: set[str] = set()
        self._dropped: set[str] = set()

    # Finding. Each raises NotYetKnown where the store must be asked first.

    def by_id(self, task_id: str) -> Live | None:
        """Finds a task by id."""
        live = self.lives.get(task_id)
        if live is not None:
            return None if live.is_deleted else live
        if task_id in self._known_ids:
            return None
        self.wants.ids.add(task_id)
        raise NotYetKnown

    def by_key(self, process: str, ref: str) -> Live | None:
        """Finds the task of a process with this ref (or id): the unfinished, else the newest."""
        key = (process, ref)
        if key in self._by_key:
            live = self._by_key[key]
            return None if live is not None and live.is_deleted else live
        made_now = self.lives.get(ref)
        if made_now is not None and made_now.is_new and made_now.task.process == process:
            return None if made_now.is_deleted else made_now
        self.wants.keys.add(key)
        raise NotYetKnown

    def once(self, key: str, task: Key | None = None) -> Remembered | None:
        """Finds the answer given to an idempotency key, in one look with the task it is about.

        In two, another engine could write both in between: the task would be found there
        already, and its own request refused for it.
        """
        if key in self._once:
            return self._once[key]
        self.wants.once.add(key)
        if task is not None and task not in self._by_key:
            self.wants.keys.add(task)
        raise NotYetKnown

    def message(self, message_id: str) -> Kept | None:
        """Finds a kept or undelivered message by its id."""
        if message_id in self._messages:
            return self._messages[message_id]
        self.wants.messages.add(message_id)
        raise NotYetKnown

    @staticmethod
    def awake(live: Live | None) -> Live | None:
        """Gives a task back if it is free to move; one that waits for a look-up comes later."""
        if live is not None and live.is_suspended:
            raise NotYetKnown
        return live

    def mail_for(self, key: Key) -> list[Kept]:
        """Gives the mail kept for a key that was looked up."""
        return self._mail.setdefault(key, [])

    def supply(self, found: Found) -> None:
        """Takes what the store had of what was wanted."""
        wants, self.wants = self.wants, Wants()
        for task in found.tasks.values():
            self.know(task)
        self._known_ids |= wants.ids
        for key in wants.keys:
            there = found.by_key.get(key)
            self._by_key.setdefault(key, self.know(there) if there is not None else None)
        for asked in wants.once:
            self._once.setdefault(asked, found.once.get(asked))
        for message_id in wants.messages:
            message = found.messages.get(message_id)
            self._readdress(message)
            self._messages.setdefault(message_id, message)
        self._sort_mail(found.mail)

    def know(self, task: Task) -> Live:
        """Takes a task in hand that the store had, unless it is there already."""
        live = self.lives.get(task.task_id)
        if live is None:
            node = task.node
            graph, step = take_up(self.world, task, self.now)
            task.is_sealed |= graph.is_sealed
            live = self.hold(task, graph, is_new=False)
            if step is not None:
                live.is_changed = True
                live.steps.append(step)
                self.count(task.process, node)[1] += 1
                self.count(task.process, task.node)[0] += 1
                if task.visit != step.visit and task.state is TaskState.READY:
                    self.batch.resumed.append((task.task_id, task.visit))
            if not task.is_finished:
                self._by_key.setdefault((task.process, task.ref), live)
        return live

    def _sort_mail(self, mail: Iterable[Kept]) -> None:
        for found in mail:
            self._readdress(found)
            # One that was asked for by its id is the same message, and in no box yet.
            message = self._messages.setdefault(found.message_id, found)
            is_filed = found.message_id in self._filed
            if message is not None and message.state is KeptState.KEPT and not is_filed:
                self.file(message)

    def _readdress(self, message: Kept | None) -> None:
        """Has a message mean the node that a deploy put in the place of the one it names."""
        if message is not None and message.node:
            message.node = self.world.named_now(message.process, message.node)

    def file(self, message: Kept) -> None:
        """Puts a kept message where its task, or the next one with its ref, will find it."""
        if message.task_id:
            live = self.lives.get(message.task_id)
            if live is not None:
                self._filed.add(message.message_id)
                live.mail.append(message)
            return
        self._filed.add(message.message_id)
        key = (message.process, message.ref)
        live_or_none = self._by_key.get(key)
        if live_or_none is not None and not live_or_none.task.is_finished:
            live_or_none.mail.append(message)
        else:
            self._mail.setdefault(key, []).append(message)

    # Changing.

    def hold(self, task: Task, graph: Graph, *, is_new: bool) -> Live:
        """Takes a task in hand."""
        node = graph.nodes[task.node]
        visit = Visit(task.data, task.visit, self.now, task.memo.entered, node, task, self)
        live = Live(task, graph, visit, is_new=is_new)
        self.lives[task.task_id] = live
        return live

    def create(
        self, graph: Graph, ref: str, data: dict[str, Any], memo: Memo, node: str = ""
    ) -> Live:
        """Makes a new task that stands before the start node, or before another."""
        task_id = self.world.next_id()
        now = self.now
        memo.entered = now
        task = Task(
            task_id, ref or task_id, graph.process, graph.version, node or graph.start,
            TaskState.READY, data, memo, 1, None, now, now, None, 0, len(encode(data)),
            graph.has_unique_refs, graph.is_sealed,
        )  # fmt: skip
        live = self.hold(task, graph, is_new=True)
        if ref:
            key = (graph.process, ref)
            self._by_key[key] = live
            if key in self._mail:
                live.mail = self._mail.pop(key)
        self.count(task.process, task.node)[0] += 1
        return live

    def reopen(self, live: Live) -> None:
        """Has its ref mean this task again, whichever ended after it."""
        self._by_key[live.task.process, live.task.ref] = live

    def uncreate(self, live: Live) -> None:
        """Takes back a task that was just created; its mail is for the next one with its ref."""
        live.is_deleted = True
        self.count(live.task.process, live.task.node)[1] += 1
        key = (live.task.process, live.task.ref)
        self._by_key.pop(key, None)
        if live.mail:
            self._mail[key] = live.mail

    def keep(self, message: Kept) -> None:
        """Keeps a message for later."""
        self._kept[message.message_id] = message
        self._messages[message.message_id] = message
        self.file(message)

    def keep_again(self, message: Kept, live: Live) -> None:
        """Puts an undelivered message back into the mailbox of its task."""
        message.expires = self.now + max(message.expires - message.arrived, 0)
        message.state = KeptState.KEPT
        message.reason = ""
        live.mail.append(message)
        self.batch.updated_kept.append(message)

    def take(self, message: Kept) -> None:
        """Takes a kept message out of the store, or out of this batch if it came in this turn."""
        self._taken.add(message.message_id)
        self.drop(message)

    def drop(self, message: Kept) -> None:
        """Does as `take` with a message that no task takes, since its task had it already."""
        if message.message_id in self._dropped:
            return
        self._dropped.add(message.message_id)
        if self._kept.pop(message.message_id, None) is None:
            self.batch.taken.append(message.message_id)

    def was_taken(self, message: Kept) -> bool:
        """Whether a task took this message in this turn."""
        return message.message_id in self._taken

    def give_up(self, message: Kept, reason: str) -> None:
        """Makes a kept message a visible undelivered one."""
        message.state = KeptState.UNDELIVERED
        message.reason = reason
        if message.message_id not in self._kept:
            self.batch.updated_kept.append(message)

    def remove(self, live: Live) -> None:
        """Takes a task out of the store."""
        live.is_deleted = True
        self.count(live.task.process, live.task.node)[1] += 1
        if not live.is_new:
            self.batch.deleted.append(live.task.task_id)

    def masker(self, live: Live, changes: Mapping[str, Any] | None = None) -> Masker:
        """Gives what hides a task's secrets, and those of the workspace."""
        return masker_of(live.graph.secrets, self.world.masker, live.task.data, changes)

    # Counting.

    def count(self, process: str, node: str) -> list[int]:
        """Gives what this turn counted in a node: [in, out], to be added to."""
        key = (process, node)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = [0, 0]
        return found

    def standing(self, process: str, node: str) -> int:
        """Counts the tasks in a node as of now in this turn."""
        came, went = self.count(process, node)
        return self.world.standing(process, node) + came - went

    def add(self, process: str, node: str, name: str, amount: int) -> None:
        """Adds to a sum of a node."""
        key = (process, node, name)
        self.batch.sums[key] = self.batch.sums.get(key, 0) + amount

    def alert(self, live: Live, alert: Alert, *, is_on: bool, standing: int) -> None:
        """Notes that an alert went on or off, and that its node gets a signal task."""
        process, node = live.task.process, live.task.node
        self.batch.alerts.append(AlertNotice(process, node, is_on, standing))
        if alert.next:
            self.signals.append((live.graph, alert.next, node, is_on))

    # Answering.

    def answer(self, ticket: object, live: Live) -> Answer:
        """Promises the task as it is at the end of this turn."""
        answer = Answer(ticket, task=live.task)
        self.batch.answers.append(answer)
        return answer

    def refuse(self, ticket: object, error: EngineError) -> None:
        if ticket is not None:
            self.batch.answers.append(Answer(ticket, error=error))

    def remember(self, key: str, digest: str, answer: Answer) -> None:
        """Has this answer given again to whoever asks with the same key."""
        self._asked_once[key] = (digest, answer)

    def asked_before(self, key: str) -> tuple[str, Answer] | None:
        """Finds the answer promised to the same key earlier in this turn."""
        return self._asked_once.get(key)

    # Templates (`Surroundings`).

    def name(self, visit: Visit, name: str) -> Any:
        """Gives the value of a reserved name of templates."""
        if name == "env":
            return self.world.variables
        live = self.lives[visit.task.task_id]
        return error_names(live) if name == "error" else root_names(live, visit)

    def call(
        self, visit: Visit, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Calls a function of templates that needs the engine."""
        return ask(self, visit, function, args, kwargs)

    # Closing.

    def close(self) -> Batch:
        """Gives the batch: every changed task once, in the state it ended the turn in."""
        batch = self.batch
        batch.kept.extend(self._kept.values())
        for live in self.lives.values():
            task = live.task
            if live.steps and not live.is_deleted:
                self._write_history(live)
            if live.is_deleted:
                continue
            if live.is_new:
                batch.created.append(task)
            elif live.is_changed:
                batch.changed.append(task)
            else:
                continue
            if task.due is not None:
                batch.alarms.append((task.due, task.task_id, task.visit))
        # Tasks in hand and this ledger point at each other; let go of here, a turn's thousands of
        # records are freed at once instead of waiting for the cycle collector.
        self.lives.clear()
        self._by_key.clear()
        return batch

    def _write_history(self, live: Live) -> None:
        mode = live.graph.history
        if mode is HistoryMode.FULL:
            self.batch.histories.append((live.task.task_id, live.steps))
        elif mode is HistoryMode.ERRORS:
            failed = [step for step in live.steps if step.error is not None]
            if failed:
                self.batch.histories.append((live.task.task_id, failed))

    @property
    def promised(self) -> Iterable[tuple[str, str, Answer]]:
        """Gives key, digest and answer of every request that must be answered the same again."""
        return ((key, digest, answer) for key, (digest, answer) in self._asked_once.items())
