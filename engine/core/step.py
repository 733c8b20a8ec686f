"""How a task moves: from one outcome to the next until it stands. HOT.

`advance` is the only way a task changes its node or its state. The allowed changes of state:

    READY    → any, when its node is entered
    CALLING  → any, by the call's result or the node's timer
    WAITING  → any, by a message or a timer
    QUEUED   → any, by a task that takes it or a timer
    HELD     → any, by a person or the node's timer
    PARKED   → READY, by a person
    SUCCESS  → nothing
    ERROR    → READY, by a person
"""

from collections.abc import Mapping
from typing import Any

from engine.core import mailbox
from engine.core.batch import Call, Incident, Step
from engine.core.command import OutsideCommand, RunScript, StoreCommand
from engine.core.graph import GraphNode
from engine.core.ledger import Ledger, Live, NotYetKnown
from engine.core.message import Arrived, TimeUp
from engine.core.node import Alert, Answer, Timeout
from engine.core.outcome import Ask, Fail, Finish, Go, Hold, LookAgain, Outcome, Stay, Wait
from engine.core.tags import conversion_tag, fatal_tag, size_tag, size_text
from engine.core.task import ErrorKind, ErrorNote, TaskState, WaitKind, encode
from engine.errors import ConversionError, TemplateError

DESCRIPTION_LENGTH = 1000


def enter(ledger: Ledger, live: Live) -> Outcome | None:
    """Enters the node the task stands before; None if it may not be entered now."""
    task, node = live.task, live.node
    limits = ledger.limits
    ledger.moves += 1
    if (
        live.moves >= limits.moves_a_task
        or ledger.moves > ledger.most_moves
        or not live.graph.is_active
    ):
        _rest(ledger, live)
        return None
    laps = task.memo.laps.get(node.id, 0)
    loops = live.graph.loop_limit
    if laps > (loops.short if node.is_in_short_cycle else loops.any):
        return Fail(
            ErrorKind.SOFTWARE,
            "infinite_loop",
            f"the task came to '{node.id}' {laps} times without a stop",
        )
    if node.timeout is not None:
        try:
            task.due = live.visit.moment(node.timeout.after.render(live.visit))
        except NotYetKnown:
            return LookAgain(None)
        except (TemplateError, ValueError) as error:
            return Fail(ErrorKind.SOFTWARE, "timer_wrong_value", str(error))
        task.memo.due_leaves = True
    try:
        outcome = node.enter(node.settings, live.visit)
    except NotYetKnown:
        return LookAgain(None)
    except Exception as error:  # noqa: BLE001 -- a node's exception is its own task's failure
        return _raised(ledger, live, error)
    return outcome or _wrong(ledger, live, None)  # type: ignore[truthy-bool] # a forgotten return


def resume(ledger: Ledger, live: Live, answer: Answer) -> Outcome:
    """Gives the node what it waited for or asked for."""
    node = live.node
    try:
        outcome = node.type.resume(node.settings, live.visit, answer)
    except NotYetKnown:
        return LookAgain(answer)
    except Exception as error:  # noqa: BLE001 -- as in `enter`
        return _raised(ledger, live, error)
    return outcome or _wrong(ledger, live, None)  # type: ignore[truthy-bool] # as in `enter`


def advance(ledger: Ledger, live: Live, outcome: Outcome | None) -> StoreCommand | LookAgain | None:
    """Moves the task until it stands, or until it asks for a command on the store or a look-up.

    The caller carries that out and comes back with the node's outcome.
    """
    live.is_changed = True
    while outcome is not None:
        kind = type(outcome)
        if kind is Go:
            outcome = _go(ledger, live, outcome)  # type: ignore[arg-type] # its kind was looked at
        elif kind is Fail:
            outcome = _fail(ledger, live, outcome)  # type: ignore[arg-type] # as above
        elif isinstance(outcome, Ask):
            if not isinstance(outcome.command, OutsideCommand):
                return outcome.command
            _call(ledger, live, outcome.command)
            outcome = None
        elif isinstance(outcome, LookAgain):
            return outcome
        elif isinstance(outcome, Wait):
            outcome = _wait(ledger, live, outcome)
        elif isinstance(outcome, Stay):
            outcome = _stay(ledger, live, outcome)
        elif isinstance(outcome, Hold):
            _hold(ledger, live, outcome)
            outcome = None
        elif isinstance(outcome, Finish):
            _finish(ledger, live, outcome)
            outcome = None
        else:
            outcome = _wrong(ledger, live, outcome)
    return None


def leave_by_timer(ledger: Ledger, live: Live) -> Outcome | None:
    """Takes the task out of its node by the node's time semaphore."""
    timeout: Timeout | None = live.node.timeout
    if timeout is None:  # the version in force no longer has it
        return resume(ledger, live, TimeUp())
    return move(ledger, live, timeout.next, "timeout")


def move(ledger: Ledger, live: Live, to: str, by: str) -> Outcome | None:
    """Takes the task to another node and enters it."""
    task, memo, visit = live.task, live.task.memo, live.visit
    now, node = ledger.now, live.node
    if task.state is TaskState.CALLING:
        ledger.batch.cancelled.append((task.task_id, task.visit))
    blame = _blame(live) if by == "error" else None
    live.steps.append(Step(task.visit, node.id, memo.entered, now, by, blame))
    ledger.count(task.process, node.id)[1] += 1
    if node.alert is not None:
        _signal(ledger, live, node.alert, is_on=False)
    memo.previous = node.id
    node = live.graph.nodes[to]
    if node.limit is not None:
        node = _within_limit(ledger, live, node)
    memo.entered = now
    memo.wait = ""
    memo.due_leaves = False
    live.node = visit.node = node
    task.node = to = node.id
    task.visit = visit.number = task.visit + 1
    task.due = None
    task.state = TaskState.READY
    task.changed = visit.entered = now
    live.moves += 1
    memo.laps[to] = memo.laps.get(to, 0) + 1
    ledger.count(task.process, to)[0] += 1
    if node.alert is not None:
        _signal(ledger, live, node.alert, is_on=True)
    return enter(ledger, live)


def _go(ledger: Ledger, live: Live, go: Go) -> Outcome | None:
    task, node = live.task, live.node
    to = go.to or node.next
    if to not in live.graph.nodes:
        return _wrong(ledger, live, go)
    if go.changes or go.removed:
        too_large = merge(ledger, live, go.changes or {}, go.removed)
        if too_large is not None:
            return too_large
    if node.id in task.memo.attempts:
        _forgive(live, node)
    return move(ledger, live, to, _WAYS.get(task.memo.wait, "next"))


_WAYS: dict[str, str] = {WaitKind.CALLBACK: "callback", WaitKind.REPLY: "reply"}


def _fail(ledger: Ledger, live: Live, fail: Fail) -> Outcome | None:
    """Writes down what went wrong and takes the `error` link; without one the task is parked."""
    task, node = live.task, live.node
    description = _masked(ledger, live, fail.description, fail.changes)
    attempt = task.memo.failed(node.id, fail.doubt)
    task.memo.error = ErrorNote(fail.kind, fail.tag, description, node.id, attempt)
    task.memo.failed_in = node.id
    if fail.changes:
        merge(ledger, live, fail.changes)
    noted: dict[str, Any] = {}
    for prefix in node.type.prefixes:
        noted[f"__conveyor_{prefix}_return_type_error__"] = str(fail.kind)
        noted[f"__conveyor_{prefix}_return_type_tag__"] = fail.tag
        noted[f"__conveyor_{prefix}_return_description__"] = description
    merge(ledger, live, noted, is_forced=True)
    if node.error:
        return move(ledger, live, node.error, "error")
    _stand(ledger, live, TaskState.PARKED)
    task.due = None
    ledger.batch.stopped.append(task)
    return None


def _call(ledger: Ledger, live: Live, command: OutsideCommand) -> None:
    task = live.task
    if not isinstance(command, RunScript):  # a round of a loop, by Corezoid's rules
        _pause(live)
    if not ledger.world.makes_calls:
        _stand(ledger, live, TaskState.READY)
        return
    _stand(ledger, live, TaskState.CALLING)
    masker = ledger.masker(live)
    call = Call(task.task_id, task.visit, task.process, task.node, command, masker)
    ledger.batch.calls.append(call)


def _wait(ledger: Ledger, live: Live, wait: Wait) -> Outcome | None:
    """Lets the task stand, unless what it waits for is there already."""
    task, memo = live.task, live.task.memo
    if wait.until is not None:
        if wait.until <= ledger.now:
            return resume(ledger, live, TimeUp())
        if task.due is None or wait.until < task.due:
            task.due = wait.until
            memo.due_leaves = False
    if wait.kind is WaitKind.QUEUE:
        _stand(ledger, live, TaskState.QUEUED)
        ledger.queued.append(live)
    else:
        _stand(ledger, live, TaskState.WAITING)
    memo.wait = wait.kind
    _pause(live)
    if wait.kind is not WaitKind.CALLBACK:
        return None
    outcome = take_mail(ledger, live) if live.mail else None
    if outcome is None and memo.due_leaves and task.due is not None and task.due <= ledger.now:
        # Left in this turn: what comes in the next one must not be taken in time's place.
        return leave_by_timer(ledger, live)
    return outcome


def _stay(ledger: Ledger, live: Live, stay: Stay) -> Outcome | None:
    """Lets the task wait on, with what was changed; what came after that is taken next."""
    too_large = merge(ledger, live, stay.changes)
    if too_large is not None:
        return too_large
    live.task.changed = ledger.now
    return take_mail(ledger, live) if live.mail else None


def take_mail(ledger: Ledger, live: Live) -> Outcome | None:
    """Gives a task that waits for a callback the first kept message that its node takes."""
    node, rank = live.task.node, live.task.memo.rank
    for message in list(live.mail):
        if message.node and message.node != node:
            continue
        live.mail.remove(message)
        if mailbox.was_seen(live, message):
            ledger.drop(message)
            continue
        ledger.take(message)
        if message.rank and message.rank < rank:
            continue
        note_event(ledger, live, message.event_key, message.rank)
        return resume(ledger, live, Arrived(message.data))
    return None


def note_event(ledger: Ledger, live: Live, event_key: str, rank: int) -> None:
    """Remembers a callback, so that its repetition or one it overtook can be told."""
    memo = live.task.memo
    live.is_changed = True
    if event_key:
        memo.seen.append(event_key)
        del memo.seen[: -ledger.world.limits.seen_keys]
    memo.rank = max(memo.rank, rank)


def _masked(ledger: Ledger, live: Live, text: str, changes: Mapping[str, Any] | None = None) -> str:
    """Takes what is secret out of a description, and what will be once it is merged."""
    return ledger.masker(live, changes).text(text)[:DESCRIPTION_LENGTH]


def _hold(ledger: Ledger, live: Live, hold: Hold) -> None:
    task = live.task
    description = _masked(ledger, live, hold.description)
    task.memo.error = ErrorNote(ErrorKind.HARDWARE, hold.tag, description, task.node)
    task.memo.failed_in = task.node
    _stand(ledger, live, TaskState.HELD)


def _finish(ledger: Ledger, live: Live, finish: Finish) -> None:
    task, memo = live.task, live.task.memo
    _stand(ledger, live, TaskState.SUCCESS if finish.is_success else TaskState.ERROR)
    task.due = None
    task.finished = ledger.now
    memo.laps.clear()
    live.steps.append(Step(task.visit, task.node, memo.entered, ledger.now, ""))
    ledger.batch.stopped.append(task)
    if not finish.is_kept:
        live.is_deleted = True
        if not live.is_new:
            ledger.batch.deleted.append(task.task_id)


def _stand(ledger: Ledger, live: Live, state: TaskState) -> None:
    live.task.state = state
    live.task.changed = ledger.now


def _pause(live: Live) -> None:
    """A task that stands still is no endless loop, however often it comes by."""
    live.task.memo.laps.clear()
    live.task.memo.generation = 0


def _rest(ledger: Ledger, live: Live) -> None:
    """Sends the task to the end of the line, or lets it stand while its process is paused."""
    _stand(ledger, live, TaskState.READY)
    live.is_changed = True
    if live.graph.is_active:
        ledger.batch.resumed.append((live.task.task_id, live.task.visit))


def merge(
    ledger: Ledger,
    live: Live,
    changes: Mapping[str, Any],
    removed: tuple[str, ...] = (),
    *,
    is_forced: bool = False,
) -> Fail | None:
    """Changes the task's data, or leaves it as it is and says that it would grow too large.

    The size is kept as an upper bound, so that data is encoded whole only when the bound is hit.
    """
    task, limit = live.task, ledger.world.limits.task_bytes
    try:
        size = task.size + (len(encode(changes)) if changes else 0)
    except (TypeError, ValueError, RecursionError) as error:  # no JSON: nothing could write it
        return _raised(ledger, live, error)
    if size > limit and not is_forced:
        kept = {name: value for name, value in task.data.items() if name not in removed}
        merged = {**kept, **changes}
        size = len(encode(merged))
        if size > limit:
            return Fail(ErrorKind.SOFTWARE, size_tag(live.node), size_text(size, limit))
    task.data.update(changes)
    for name in removed:
        task.data.pop(name, None)
    task.size = size
    return None


def _forgive(live: Live, node: GraphNode) -> None:
    """Clears what an earlier failure of a node left, now that it succeeded."""
    live.task.memo.succeeded(node.id)
    for prefix in node.type.prefixes:
        for ending in ("return_type_error", "return_type_tag", "return_description"):
            live.task.data.pop(f"__conveyor_{prefix}_{ending}__", None)


def _blame(live: Live) -> tuple[str, str, str] | None:
    error = live.task.memo.error
    return None if error is None else (error.kind, error.tag, error.description)


def _within_limit(ledger: Ledger, live: Live, node: GraphNode) -> GraphNode:
    """Leads past nodes whose `limit` is reached; a ring of full nodes ends where it began."""
    tried = {node.id}
    while (limit := node.limit) is not None:
        if ledger.standing(live.task.process, node.id) < limit.tasks or limit.next in tried:
            break
        node = live.graph.nodes[limit.next]
        tried.add(node.id)
    return node


def _signal(ledger: Ledger, live: Live, alert: Alert, *, is_on: bool) -> None:
    """Tells that the count of a node crossed its alert, once each way."""
    standing = ledger.standing(live.task.process, live.task.node)
    if standing == (alert.tasks if is_on else alert.tasks - 1):
        ledger.alert(live, alert, is_on=is_on, standing=standing)


def _wrong(ledger: Ledger, live: Live, outcome: object) -> Fail:
    """Fails a task whose node returns what nobody can follow; else it would stand for ever."""
    return _raised(ledger, live, TypeError(f"'{live.node.type.type}' returned {outcome!r}"))


def _raised(ledger: Ledger, live: Live, error: Exception) -> Fail:
    """Turns an exception into the failure of the task that met it."""
    if isinstance(error, ConversionError):
        return Fail(ErrorKind.SOFTWARE, conversion_tag(live.node), str(error))
    if isinstance(error, TemplateError):
        return Fail(ErrorKind.SOFTWARE, "template_error", str(error))
    node = live.node
    incident_id = ledger.world.next_id()
    ledger.batch.incidents.append(
        Incident(incident_id, live.task.process, node.id, error, ledger.masker(live))
    )
    return Fail(
        ErrorKind.HARDWARE,
        fatal_tag(node),
        f"a fault of the engine in '{node.id}', incident {incident_id}; the log has the details",
    )
