"""What tasks do to each other: create, modify, reply. And how a new task is let in. HOT."""

from collections import deque
from typing import Any, Literal

from engine.core import mailbox, step
from engine.core.command import (
    AddToSums,
    CreateTask,
    Done,
    ModifyTask,
    Refusal,
    Refused,
    SendReply,
    StoreCommand,
    TakeFromQueue,
    Taken,
)
from engine.core.graph import Graph
from engine.core.ledger import Ledger, Live, NotYetKnown
from engine.core.message import Fetched, Replied, Submit
from engine.core.outcome import Go, LookAgain
from engine.core.parameter import ParameterFault, check_data, with_defaults
from engine.core.queues import Queues
from engine.core.tags import size_text
from engine.core.task import Caller, Memo, TaskState, encode
from engine.errors import InvalidData, NotActive, RefTaken, TooLarge, UnknownProcess

REF_LENGTH = 255
LaterHandler = Literal["start", "offer_mail", "deliver_reply", "go_on"]


class Exchange:
    """Carries out commands on the store; what follows is added to the turn's work."""

    def __init__(self, ledger: Ledger, work: deque[tuple[str, Any]]) -> None:
        self._ledger = ledger
        self._work = work
        self.queues = Queues(ledger)

    def admit(self, message: Submit) -> Live | None:
        """Creates the task of a submit; None if it was refused."""
        ledger, ticket = self._ledger, message.ticket
        graph = ledger.world.current(message.process)
        if graph is None:
            ledger.refuse(ticket, UnknownProcess(f"there is no process '{message.process}'"))
            return None
        if not graph.is_active:
            ledger.refuse(ticket, NotActive(f"the process '{graph.process}' is paused"))
            return None
        faults = check_data(graph.parameters, message.data)
        if faults or len(message.ref) > REF_LENGTH:
            ledger.refuse(ticket, invalid_data(graph, faults or [_LONG_REF]))
            return None
        # A copy: the message is read again if this turn can't be written.
        data = with_defaults(graph.parameters, message.data.copy())
        if message.ref:
            there = ledger.by_key(graph.process, message.ref)
            if graph.has_unique_refs and there is not None and not there.task.is_finished:
                ledger.refuse(ticket, _ref_taken(graph, message.ref))
                return None
        live = ledger.create(graph, message.ref, data, Memo())
        limit = ledger.world.limits.task_bytes
        if live.task.size > limit:
            ledger.uncreate(live)
            ledger.refuse(ticket, TooLarge(size_text(live.task.size, limit)))
            return None
        return live

    def carry_out(self, live: Live, command: StoreCommand) -> Done | Refused | Taken:
        """Carries out a command of a task."""
        if isinstance(command, CreateTask):
            return self._create(live, command)
        if isinstance(command, ModifyTask):
            return self._modify(command)
        if isinstance(command, TakeFromQueue):
            return self._take(command)
        if isinstance(command, AddToSums):
            for name, amount in command.amounts.items():
                self._ledger.add(live.task.process, live.task.node, name, amount)
            return Done()
        return self._reply(live, command)

    def _later(self, handler: LaterHandler, item: Any) -> None:
        """Adds work behind everything that is ready."""
        self._work.append((handler, item))

    def _create(self, live: Live, command: CreateTask) -> Done | Refused:
        ledger, limits = self._ledger, self._ledger.world.limits
        graph = ledger.world.current(command.process)
        if graph is None:
            return _no_process(command.process)
        if not graph.is_active:
            return Refused(Refusal.NOT_ACTIVE, "conveyor is not active")
        memo = _memo_of_child(live, command)
        if memo.generation > limits.copy_generations or (
            memo.caller is not None and memo.caller.depth > limits.call_depth
        ):
            return Refused(
                Refusal.TOO_DEEP, f"'{live.task.process}' creates tasks of itself without end"
            )
        data: dict[str, Any] = {**command.inherited, **command.data}
        faults = check_data(graph.parameters, data, command.inherited)
        if faults:
            return Refused(Refusal.INVALID_DATA, "; ".join(map(str, faults)))
        data = with_defaults(graph.parameters, data)
        size = len(encode(data))
        if size > limits.task_bytes:
            return Refused(Refusal.TOO_LARGE, size_text(size, limits.task_bytes))
        if command.ref:
            there = ledger.by_key(graph.process, command.ref)
            if graph.has_unique_refs and there is not None and not there.task.is_finished:
                return _same_copy_or_taken(there, memo)
        child = ledger.create(graph, command.ref, data, memo)
        self._later("start", child)
        return Done(child.task.task_id)

    def _modify(self, command: ModifyTask) -> Done | Refused:
        ledger = self._ledger
        if ledger.world.current(command.process) is None:
            return _no_process(command.process)
        if command.task_id:
            target = ledger.by_id(command.task_id)
        else:
            target = ledger.by_key(command.process, command.ref)
        if target is None or target.task.is_finished or target.task.process != command.process:
            name = command.task_id or command.ref
            return Refused(Refusal.UNKNOWN_TASK, f"not found task '{name}' in '{command.process}'")
        if command.strict and not mailbox.stands_for(target, ""):
            return Refused(
                Refusal.NOT_WAITING,
                f"no api callback logic in node with task: it stands in '{target.task.node}'",
            )
        # Everything goes by way of the mailbox: what came before is taken before.
        ledger.keep(mailbox.kept_change(ledger, target, command.data))
        self._later("offer_mail", target)
        return Done(target.task.task_id)

    def _take(self, command: TakeFromQueue) -> Taken | Refused:
        """Takes the next task out of a queue; it goes on, and its taker gets a copy of its data."""
        graph = self._ledger.world.current(command.process)
        if graph is None:
            return _no_process(command.process)
        node = graph.nodes.get(command.node)
        if node is None or not node.type.is_queue:
            return Refused(
                Refusal.NO_QUEUE, f"No queue logic in '{command.node}' of '{command.process}'"
            )
        while True:
            queued = self.queues.take((command.process, command.node, command.newest))
            if queued is None:
                return Refused(Refusal.EMPTY, "not_found_task")
            outcome = step.resume(self._ledger, queued, Fetched())
            if isinstance(outcome, LookAgain):
                self.queues.put_back(queued)
                raise NotYetKnown
            queued.task.state = TaskState.READY
            self._later("go_on", (queued, outcome))
            if isinstance(outcome, Go):  # else its queue's data can't be made: it fails by itself
                data = {**queued.task.data, **(outcome.changes or {})}
                return Taken(queued.task.task_id, queued.task.ref, data)

    def _reply(self, live: Live, command: SendReply) -> Done:
        memo = live.task.memo
        if memo.caller is not None and not memo.has_replied:
            memo.has_replied = True
            replied = Replied(command.data, command.is_exception, command.reason, command.tag)
            self._later("deliver_reply", (memo.caller.task_id, memo.caller.visit, replied))
        return Done()


_LONG_REF = ParameterFault("ref", f"is longer than {REF_LENGTH} characters")


def invalid_data(graph: Graph, faults: list[ParameterFault]) -> InvalidData:
    """Names every parameter that is wrong."""
    listed = "; ".join(f"'{fault.parameter}' {fault.message}" for fault in faults)
    return InvalidData(
        f"the data does not fit '{graph.process}': {listed}",
        faults=[{"parameter": fault.parameter, "message": fault.message} for fault in faults],
    )


def _memo_of_child(live: Live, command: CreateTask) -> Memo:
    task = live.task
    memo = Memo(origin=f"{task.task_id}/{task.node}", generation=task.memo.generation + 1)
    if command.wait_for_reply:
        depth = task.memo.caller.depth + 1 if task.memo.caller else 1
        memo.caller = Caller(task.task_id, task.visit, depth)
    return memo


def _same_copy_or_taken(there: Live, memo: Memo) -> Done | Refused:
    """Tells the repetition of a copy, which succeeds, from another task with the same ref."""
    if there.task.memo.origin == memo.origin:
        return Done(there.task.task_id)
    return Refused(Refusal.REF_TAKEN, "not unical reference")


def _no_process(process: str) -> Refused:
    return Refused(Refusal.UNKNOWN_PROCESS, f"called process '{process}' does not exist")


def _ref_taken(graph: Graph, ref: str) -> RefTaken:
    return RefTaken(
        f"an unfinished task of '{graph.process}' already has the ref '{ref}'",
        hint="use another ref, or wait until that task ends",
    )
