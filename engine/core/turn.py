"""One turn: everything that is ready, each task taken to its next stop, one batch. HOT.

A turn is fed with messages, says what it must know (`run` gives `Wants`), is supplied with it,
and goes on until nothing is left to do. It awaits nothing and locks nothing: between `run` and
`supply` the caller may read the store, and after `close` it writes the batch.

A handler that lacks something raises `NotYetKnown` before it has changed anything; its message
then waits in `_blocked`, in order, so that a task's messages are taken as they came.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from engine.core import mailbox, step
from engine.core.batch import Answer, Batch, Delivery, Found, Key, Remembered, Wants
from engine.core.command import CallFailed, CallFailure, StoreCommand
from engine.core.exchange import Exchange
from engine.core.ledger import Ledger, Live, NotYetKnown
from engine.core.message import (
    Alarm,
    Arrived,
    Callback,
    Continue,
    Delete,
    Expire,
    Follow,
    KeptState,
    Message,
    Modify,
    Once,
    Redeliver,
    Replied,
    Rerun,
    Result,
    Submit,
    TimeUp,
    Unsent,
)
from engine.core.outcome import LookAgain, Outcome
from engine.core.request import Requests
from engine.core.task import Memo, TaskState, WaitKind, encode
from engine.core.view import task_view
from engine.core.world import World
from engine.errors import KeyReused

NO_REPLY = "rpc_no_reply"


class Turn:
    """Takes messages, moves tasks, gives a batch.

    Work is kept by the names of methods: bound ones would make a turn point at itself, and all
    that hangs from it would wait for the cycle collector.
    """

    def __init__(self, world: World, now: int) -> None:
        self.ledger = Ledger(world, now)
        self._work: deque[tuple[str, Any]] = deque()
        self._blocked: list[tuple[str, Any]] = []
        self._repeats: list[tuple[Answer, Answer]] = []  # asked in this turn already, once more
        self._asked_again: set[tuple[str, int]] = set()
        self._exchange = Exchange(self.ledger, self._work)

    def take(self, messages: Iterable[Message]) -> None:
        """Adds messages in the order in which they came."""
        self._work.extend((_HANDLERS[type(message)], message) for message in messages)

    def run(self) -> Wants:
        """Works until nothing is left or something must be loaded; an empty answer is the end."""
        work = self._work
        while work or self.ledger.signals:
            if not work:
                self._raise_signals()
            handler, item = work.popleft()
            try:
                getattr(self, handler)(item)
            except NotYetKnown:
                self._blocked.append((handler, item))
        return self.ledger.wants

    def supply(self, found: Found) -> None:
        """Takes what was wanted; `run` goes on from there."""
        wants = self.ledger.wants
        self.ledger.supply(found)
        if wants.queues:
            self._exchange.queues.supply(wants, found)
        if found.mail:
            # Two engines may have written at once a message and its task that waits for it: it
            # came before what is being taken now.
            lives = self.ledger.lives.values()
            self._work.extend(("offer_mail", live) for live in lives if live.mail)
        self._work.extend(self._blocked)
        self._blocked.clear()

    def close(self) -> Batch:
        """Gives what is to be written and done."""
        batch = self.ledger.close()
        for key, digest, answer in self.ledger.promised:
            answer.body = self._body(answer)
            expires = self.ledger.now + self.ledger.world.limits.once_us
            batch.remembered.append(Remembered(key, digest, answer.body, expires))
        for first, repeated in self._repeats:
            repeated.body = first.body
        return batch

    # Moving.

    def advance(self, live: Live, outcome: Outcome | None) -> None:
        """Moves a task on, carrying out what it asks of the store on the way."""
        ledger = self.ledger
        while (command := step.advance(ledger, live, outcome)) is not None:
            if isinstance(command, LookAgain):
                live.is_suspended = True
                self._blocked.append(("_look_again", (live, command)))
                return
            try:
                answer = self._exchange.carry_out(live, command)
            except NotYetKnown:
                live.is_suspended = True
                self._blocked.append(("_carry_on", (live, command)))
                return
            outcome = step.resume(ledger, live, answer)
        if live.task.is_finished:
            self.settle(live)

    def _look_again(self, item: tuple[Live, LookAgain]) -> None:
        """Enters or resumes a node once more, now that what its templates asked for is there."""
        live, again = item
        live.is_suspended = False
        answer: Any = again.answer
        enters = answer is None
        self.advance(
            live,
            step.enter(self.ledger, live) if enters else step.resume(self.ledger, live, answer),
        )

    def _carry_on(self, item: tuple[Live, StoreCommand]) -> None:
        live, command = item
        answer = self._exchange.carry_out(live, command)
        live.is_suspended = False
        self.advance(live, step.resume(self.ledger, live, answer))

    def settle(self, live: Live) -> None:
        """Does what is left to do for a task that has ended or was deleted."""
        mailbox.settle_leftovers(self.ledger, live)
        caller = live.task.memo.caller
        if caller is not None and not live.task.memo.has_replied:
            reason = f"the called task '{live.task.ref}' of '{live.task.process}' did not reply"
            replied = Replied({}, is_exception=True, reason=reason, tag=NO_REPLY)
            live.task.memo.has_replied = True
            self._work.append(("deliver_reply", (caller.task_id, caller.visit, replied)))

    # What the exchange asks to be done later.

    def start(self, live: Live) -> None:
        """Takes a new task on its way, if nobody deleted it meanwhile."""
        if not live.is_deleted:
            self.advance(live, step.enter(self.ledger, live))

    def go_on(self, item: tuple[Live, Outcome]) -> None:
        """Takes a task on that was taken out of its queue."""
        live, outcome = item
        if not live.is_deleted:
            self.advance(live, outcome)

    def offer_mail(self, live: Live) -> None:
        """Gives a task that waits for a callback the mail that was kept for it."""
        if not live.is_suspended and live.mail and mailbox.stands_for(live, ""):
            outcome = step.take_mail(self.ledger, live)
            if outcome is not None:
                self.advance(live, outcome)

    def deliver_reply(self, item: tuple[str, int, Replied]) -> None:
        task_id, visit, replied = item
        live = self._awake(task_id)
        if live is None or not self._is_same_visit(live, visit):
            return
        is_waiting = live.task.state is TaskState.WAITING
        if is_waiting and live.task.memo.wait == WaitKind.REPLY:
            self.advance(live, step.resume(self.ledger, live, replied))

    def _raise_signals(self) -> None:
        """Creates the signal tasks of alerts that went on or off."""
        signals, self.ledger.signals = self.ledger.signals, []
        for graph, node, alerting, is_on in signals:
            data = {"start": "true" if is_on else "false"}
            memo = Memo(previous=alerting)
            self._work.append(("start", self.ledger.create(graph, "", data, memo, node)))

    # Messages.

    def _submit(self, message: Submit) -> None:
        if message.once is not None:
            key = (message.process, message.ref) if message.ref else None
            if self._answered_before(message.once, message.ticket, key):
                return
        live = self._exchange.admit(message)
        if live is None:
            return
        if message.ticket is not None or message.once is not None:
            answer = self.ledger.answer(message.ticket, live)
            if message.once is not None:
                self.ledger.remember(message.once.key, message.once.digest, answer)
        self.advance(live, step.enter(self.ledger, live))

    def _callback(self, message: Callback) -> None:
        if message.task_id:
            live = self._awake(message.task_id)
        else:
            live = self.ledger.awake(self.ledger.by_key(message.process, message.ref))
        if live is not None and live.task.process != message.process:
            live = None
        message.node = self.ledger.world.named_now(message.process, message.node)
        delivery = mailbox.place(self.ledger, live, message)
        if delivery is Delivery.TAKEN and live is not None:
            step.note_event(self.ledger, live, message.event_key, message.rank)
            self.advance(live, step.resume(self.ledger, live, Arrived(message.data)))
        if message.ticket is not None:
            self.ledger.batch.answers.append(Answer(message.ticket, delivery=delivery))

    def _alarm(self, message: Alarm) -> None:
        live = self._awake(message.task_id)
        if live is None or not self._is_same_visit(live, message.visit):
            return
        due = live.task.due
        if due is None or due > self.ledger.now or live.task.is_finished:
            return
        live.task.due = None
        if live.task.memo.due_leaves:
            self.advance(live, step.leave_by_timer(self.ledger, live))
        else:
            self.advance(live, step.resume(self.ledger, live, TimeUp()))

    def _result(self, message: Result) -> None:
        live = self._awake(message.task_id)
        visit = (message.task_id, message.visit)
        batch = self.ledger.batch
        batch.heard.append(visit)
        if live is None or not self._is_same_visit(live, message.visit):
            return
        if visit in self._asked_again:
            batch.calls[:] = [call for call in batch.calls if (call.task_id, call.visit) != visit]
        if live.task.state is TaskState.CALLING:
            live.task.state = TaskState.READY
            self.advance(live, step.resume(self.ledger, live, message.result))

    def _continue(self, message: Continue) -> None:
        live = self._awake(message.task_id)
        if live is None or not self._is_same_visit(live, message.visit):
            return
        if live.task.state is TaskState.CALLING and message.call_was_out:
            failed = CallFailed(CallFailure.INTERRUPTED, "the engine stopped during the call")
            live.task.state = TaskState.READY
            self.advance(live, step.resume(self.ledger, live, failed))
        elif live.task.state in (TaskState.READY, TaskState.CALLING):
            # It may have been sent since this was said of it; then its answer may be next.
            self._asked_again.add((message.task_id, message.visit))
            self.advance(live, step.enter(self.ledger, live))

    def _follow(self, message: Follow) -> None:
        self._awake(message.task_id)

    def _unsent(self, message: Unsent) -> None:
        live = self._awake(message.task_id)
        if live is None or not self._is_same_visit(live, message.visit):
            return
        if live.task.state is TaskState.CALLING:
            live.task.state = TaskState.READY
            live.is_changed = True

    def _expire(self, message: Expire) -> None:
        kept = self.ledger.message(message.message_id)
        if kept is not None and kept.state is KeptState.KEPT:
            self.ledger.give_up(kept, "nobody took it while it was kept")

    def _modify(self, message: Modify) -> None:
        self._requests.modify(message)

    def _delete(self, message: Delete) -> None:
        self._requests.delete(message)

    def _rerun(self, message: Rerun) -> None:
        self._once(message, self._requests.rerun)

    def _redeliver(self, message: Redeliver) -> None:
        self._once(message, self._requests.redeliver)

    @property
    def _requests(self) -> Requests:
        return Requests(self.ledger, self.advance, self.settle)

    def _once(self, message: Any, handler: Callable[[Any], Answer | None]) -> None:
        """Carries out a request unless its idempotency key was answered before."""
        if message.once is not None and self._answered_before(message.once, message.ticket):
            return
        answer = handler(message)
        if answer is not None and message.once is not None:
            self.ledger.remember(message.once.key, message.once.digest, answer)

    def _answered_before(self, once: Once, ticket: object, task: Key | None = None) -> bool:
        """Answers a repeated request as before; says whether it was one."""
        earlier = self.ledger.asked_before(once.key)
        if earlier is not None:
            digest, first = earlier
            repeated = Answer(ticket, first.task, first.error, first.delivery)
            self._repeats.append((first, repeated))
        else:
            known = self.ledger.once(once.key, task)
            if known is None:
                return False
            digest, repeated = known.digest, Answer(ticket, body=known.body)
        if digest == once.digest:
            self.ledger.batch.answers.append(repeated)
        else:
            self.ledger.refuse(ticket, KeyReused())
        return True

    def _body(self, answer: Answer) -> bytes:
        if answer.task is None:
            return encode({"result": answer.delivery})
        graph = self.ledger.world.graph(answer.task.process, answer.task.version)
        return encode(task_view(answer.task, graph, self.ledger.world.masker))

    def _awake(self, task_id: str) -> Live | None:
        return self.ledger.awake(self.ledger.by_id(task_id))

    @staticmethod
    def _is_same_visit(live: Live, visit: int) -> bool:
        return live.task.visit == visit


_HANDLERS: dict[type, str] = {
    Submit: "_submit",
    Callback: "_callback",
    Alarm: "_alarm",
    Result: "_result",
    Continue: "_continue",
    Follow: "_follow",
    Unsent: "_unsent",
    Expire: "_expire",
    Modify: "_modify",
    Rerun: "_rerun",
    Delete: "_delete",
    Redeliver: "_redeliver",
}
