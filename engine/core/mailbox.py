"""Which task takes which message: consumed now, kept for later, or without effect.

| the target | a callback by ref, or one that is not sync | a sync callback by task id |
|---|---|---|
| waits in this node | taken | taken |
| is on its way | kept | kept |
| waits for a callback in another node | kept | elsewhere: nothing changes |
| has ended | late: noted with the task | no task |
| does not exist | kept (by ref) or no task (by id) | no task |
"""

from engine.core.batch import Delivery, Step
from engine.core.ledger import Ledger, Live
from engine.core.message import Callback, Kept, KeptKind, KeptState
from engine.core.stranded import Stranded
from engine.core.task import TaskState, WaitKind

LATE = "late"
MODIFY_KEEP_US = 24 * 3_600_000_000


def stands_for(live: Live, node: str) -> bool:
    """Whether the task waits for a callback, in this node or, if none is named, in any.

    While its process is paused it takes one too, and rests before the next node: kept mail would
    lie there when the process goes on, since nothing reads it for a task that waits already.
    A node that is missing takes nothing.
    """
    task = live.task
    return (
        task.state is TaskState.WAITING
        and task.memo.wait == WaitKind.CALLBACK
        and (not node or task.node == node)
        and not isinstance(live.node.type, Stranded)
    )


def place(ledger: Ledger, live: Live | None, callback: Callback) -> Delivery:
    """Decides what becomes of a callback. `TAKEN` means that the task is to go on with it."""
    if live is None:
        return _place_without_task(ledger, callback)
    memo = live.task.memo
    if callback.event_key and (
        callback.event_key in memo.seen or _is_kept(live.mail, callback.event_key)
    ):
        return Delivery.DUPLICATE
    if live.task.is_finished:
        return _place_late(ledger, live, callback)
    if callback.rank and callback.rank < memo.rank:
        return Delivery.OVERTAKEN
    if stands_for(live, callback.node):
        return Delivery.TAKEN
    if callback.is_sync and not callback.ref and stands_for(live, ""):
        return Delivery.ELSEWHERE
    ledger.keep(kept_callback(ledger, callback, live))
    return Delivery.KEPT


def _place_without_task(ledger: Ledger, callback: Callback) -> Delivery:
    if not callback.ref:
        return Delivery.NO_TASK
    mail = ledger.mail_for((callback.process, callback.ref))
    if callback.event_key and _is_kept(mail, callback.event_key):
        return Delivery.DUPLICATE
    ledger.keep(kept_callback(ledger, callback, None))
    return Delivery.KEPT


def _place_late(ledger: Ledger, live: Live, callback: Callback) -> Delivery:
    """Notes a callback for a task that has ended, in the task's own history."""
    if callback.is_sync and not callback.ref:
        return Delivery.NO_TASK
    task, now = live.task, ledger.now
    live.is_changed = True
    if callback.event_key:
        task.memo.seen.append(callback.event_key)
        del task.memo.seen[: -ledger.world.limits.seen_keys]
    live.steps.append(Step(task.visit, task.node, now, now, LATE))
    return Delivery.LATE


def was_seen(live: Live, message: Kept) -> bool:
    """Whether a kept message is the repetition of one that its task had already.

    Two engines may each have kept a callback that came to both, or one may have kept it while
    another gave it to the task.
    """
    return bool(message.event_key) and message.event_key in live.task.memo.seen


def settle_leftovers(ledger: Ledger, live: Live) -> None:
    """Deals with the mail of a task that has ended: nobody will take it any more."""
    for message in live.mail:
        if was_seen(live, message):
            ledger.drop(message)
        elif message.event_key and not live.is_deleted:
            ledger.take(message)
            live.task.memo.seen.append(message.event_key)
            live.steps.append(
                Step(live.task.visit, live.task.node, message.arrived, ledger.now, LATE)
            )
        else:
            ledger.give_up(message, "its task ended before it could be taken")
    live.mail = []


def kept_callback(ledger: Ledger, callback: Callback, live: Live | None) -> Kept:
    """Makes the mailbox's record of a callback."""
    graph = live.graph if live else ledger.world.current(callback.process)
    return Kept(
        ledger.world.next_id(),
        KeptKind.CALLBACK,
        KeptState.KEPT,
        callback.process,
        live.task.ref if live else callback.ref,
        callback.task_id,
        callback.node,
        callback.data,
        callback.event_key,
        callback.rank,
        ledger.now,
        ledger.now + callback.keep_us,
        is_sealed=graph is not None and graph.is_sealed,
    )


def kept_change(ledger: Ledger, live: Live, data: dict[str, object]) -> Kept:
    """Makes the mailbox's record of a modification by another task."""
    task = live.task
    return Kept(
        ledger.world.next_id(),
        KeptKind.MODIFY,
        KeptState.KEPT,
        task.process,
        task.ref,
        task.task_id,
        "",
        data,
        "",
        0,
        ledger.now,
        ledger.now + MODIFY_KEEP_US,
        is_sealed=live.graph.is_sealed,
    )


def _is_kept(mail: list[Kept], event_key: str) -> bool:
    return any(message.event_key == event_key for message in mail)
