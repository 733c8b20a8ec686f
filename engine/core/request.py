"""What people and clients ask about one task: change it, run it again, delete it."""

from collections.abc import Callable

from engine.core import mailbox, step
from engine.core.batch import Answer, Delivery
from engine.core.ledger import Ledger, Live
from engine.core.message import Arrived, Delete, KeptState, Modify, Redeliver, Rerun
from engine.core.outcome import Outcome
from engine.core.task import TaskState
from engine.errors import NotPossible, RefTaken, TooLarge, UnknownNode, UnknownTask

RERUNNABLE = frozenset({TaskState.PARKED, TaskState.HELD, TaskState.ERROR})


class Requests:
    """Carries out requests; `advance` and `settle` are the turn's."""

    def __init__(
        self,
        ledger: Ledger,
        advance: Callable[[Live, Outcome | None], None],
        settle: Callable[[Live], None],
    ) -> None:
        self._ledger = ledger
        self._advance = advance
        self._settle = settle

    def modify(self, message: Modify) -> None:
        """Merges data; a task that waits for a callback goes on with it."""
        live = self._find(message.process, message.ref, message.ticket)
        if live is None:
            return
        ledger = self._ledger
        if live.task.is_finished:
            ledger.refuse(message.ticket, NotPossible(f"the task '{message.ref}' has ended"))
            return
        if mailbox.stands_for(live, ""):
            self._advance(live, step.resume(ledger, live, Arrived(message.data)))
        else:
            too_large = step.merge(ledger, live, message.data)
            if too_large is not None:
                ledger.refuse(message.ticket, TooLarge(too_large.description))
                return
            if live.task.state is not TaskState.QUEUED:  # there it says who came first
                live.task.changed = ledger.now
            live.is_changed = True
        ledger.answer(message.ticket, live)

    def delete(self, message: Delete) -> None:
        """Removes a task; whoever waits for its reply is told that none will come."""
        live = self._find(message.process, message.ref, message.ticket)
        if live is None:
            return
        if live.task.state is TaskState.CALLING:
            self._ledger.batch.cancelled.append((live.task.task_id, live.task.visit))
        self._ledger.remove(live)
        self._settle(live)
        self._ledger.answer(message.ticket, live)

    def rerun(self, message: Rerun) -> Answer | None:
        """Puts a task that failed back into the node it failed in, or into another."""
        live = self._find(message.process, message.ref, message.ticket)
        if live is None:
            return None
        ledger, task = self._ledger, live.task
        node = message.node or task.memo.failed_in
        if task.state not in RERUNNABLE:
            self._refuse_rerun(message, f"the task '{task.ref}' has not failed")
            return None
        if not node:
            self._refuse_rerun(message, f"no node of '{task.ref}' failed; name one")
            return None
        if node not in live.graph.nodes:
            ledger.refuse(message.ticket, UnknownNode(f"'{task.process}' has no node '{node}'"))
            return None
        if task.is_finished and task.is_ref_exclusive:
            other = ledger.by_key(task.process, task.ref)
            if other is not None and other is not live and not other.task.is_finished:
                ledger.refuse(message.ticket, RefTaken(f"another task now has '{task.ref}'"))
                return None
        task.finished = None
        task.memo.laps.clear()
        ledger.reopen(live)
        self._advance(live, step.move(ledger, live, node, "rerun"))
        return ledger.answer(message.ticket, live)

    def redeliver(self, message: Redeliver) -> Answer | None:
        """Offers an undelivered message to its task once more."""
        ledger = self._ledger
        kept = ledger.message(message.message_id)
        if kept is None:
            ledger.refuse(message.ticket, UnknownTask(f"no message '{message.message_id}'"))
            return None
        live = ledger.by_id(kept.task_id) if kept.task_id else ledger.by_key(kept.process, kept.ref)
        live = ledger.awake(live)
        if ledger.was_taken(kept):  # as soon as its task was looked up
            return self._delivered(message, Delivery.TAKEN)
        if live is not None and mailbox.was_seen(live, kept):
            if kept in live.mail:
                live.mail.remove(kept)
            ledger.drop(kept)
            return self._delivered(message, Delivery.DUPLICATE)
        if live is None or live.task.is_finished:
            if live is not None and kept.state is KeptState.KEPT:
                # Two engines wrote it and the end of its task at once.
                ledger.give_up(kept, "its task ended before it could be taken")
            ledger.refuse(
                message.ticket, NotPossible(f"no unfinished task '{kept.ref}' in '{kept.process}'")
            )
            return None
        delivery = Delivery.KEPT
        if mailbox.stands_for(live, kept.node):
            if kept in live.mail:
                live.mail.remove(kept)
            ledger.take(kept)
            step.note_event(ledger, live, kept.event_key, kept.rank)
            self._advance(live, step.resume(ledger, live, Arrived(kept.data)))
            delivery = Delivery.TAKEN
        elif kept.state is KeptState.UNDELIVERED:
            ledger.keep_again(kept, live)
        return self._delivered(message, delivery)

    def _delivered(self, message: Redeliver, delivery: Delivery) -> Answer:
        answer = Answer(message.ticket, delivery=delivery)
        self._ledger.batch.answers.append(answer)
        return answer

    def _refuse_rerun(self, message: Rerun, reason: str) -> None:
        self._ledger.refuse(message.ticket, NotPossible(reason))

    def _find(self, process: str, ref: str, ticket: object) -> Live | None:
        """Finds the task, or answers that there is none."""
        live = self._ledger.awake(self._ledger.by_key(process, ref))
        if live is None:
            self._ledger.refuse(ticket, UnknownTask(f"'{process}' has no task '{ref}'"))
        return live
