"""The operations of the Messages resource."""

import asyncio
import random
from collections import Counter
from typing import assert_never

from engine.testing.twilio.creation import Draft, Form, read_draft
from engine.testing.twilio.delivery import Delivery
from engine.testing.twilio.errors import Refusal
from engine.testing.twilio.listing import Fields, list_messages
from engine.testing.twilio.log import MessageLog
from engine.testing.twilio.messages import Change, Message, Status
from engine.testing.twilio.plans import (
    LATE_ANSWER_AFTER_S,
    QUEUED,
    REFUSALS,
    AnswerKind,
    Plan,
    Step,
    plan_for,
)
from engine.testing.twilio.representation import Facts, describe
from engine.testing.twilio.scheduler import Scheduler, pause

_MAX_REFUSED = 10_000


class ConnectionCut(Exception):
    """The connection is to be closed without an answer."""


class BareServerError(Exception):
    """The request is to be answered with a 500 that is not in Twilio's form."""


class MessagesApi:
    """Messages are made, shown, changed and deleted here."""

    def __init__(
        self, messages: MessageLog, delivery: Delivery, scheduler: Scheduler, chance: random.Random
    ) -> None:
        self._messages = messages
        self._delivery = delivery
        self._scheduler = scheduler
        self._chance = chance
        self._serial = 0
        self._held: set[asyncio.Future[None]] = set()
        self._refused: Counter[tuple[str, ...]] = Counter()

    async def create(self, account_sid: str, auth_token: str, form: Form) -> Facts:
        """Accepts a message, or treats the request as the recipient's number wants it.

        Raises:
            Refusal: Twilio would not accept it.
            ConnectionCut: it was accepted and there is no answer.
            BareServerError: it was not accepted.
        """
        draft = read_draft(form, self._scheduler.now())
        plan = plan_for(draft.to)
        if plan.answer is AnswerKind.SERVER_ERROR:
            raise BareServerError
        if plan.answer is AnswerKind.TOO_MANY:
            self._refuse_first(account_sid, draft)
        message = self._accept(account_sid, auth_token, draft)
        # The answer tells the status at creation, whatever has happened until it is on its way.
        facts = describe(message)
        await self._run(message, plan, _steps(plan, draft, message))
        return facts

    def _refuse_first(self, account_sid: str, draft: Draft) -> None:
        """Refuses the first requests for the same text to the same number, then lets one pass."""
        key = (account_sid, draft.to, draft.sender or "", draft.body)
        if self._refused[key] < REFUSALS:
            if len(self._refused) > _MAX_REFUSED:
                self._refused.clear()
            self._refused[key] += 1
            raise Refusal(20429)
        del self._refused[key]

    def _accept(self, account_sid: str, auth_token: str, draft: Draft) -> Message:
        now = self._scheduler.now()
        kind = "MM" if draft.media_count else "SM"
        status = _first_status(draft)
        self._serial += 1
        message = Message(
            sid=f"{kind}{self._chance.getrandbits(128):032x}",
            serial=self._serial,
            account_sid=account_sid,
            auth_token=auth_token,
            to=draft.to,
            sender=draft.sender,
            service_sid=draft.service_sid,
            body=draft.body,
            media_count=draft.media_count,
            callback=draft.callback,
            status=status,
            created=now,
            updated=now,
            history=[Change(status, now)],
        )
        self._messages.add(message)
        return message

    async def _run(self, message: Message, plan: Plan, steps: tuple[Step, ...]) -> None:
        if plan.answer is AnswerKind.AFTER_CALLBACKS and message.status is not Status.SCHEDULED:
            await self._delivery.run(message, steps)
            return
        self._delivery.start(message, steps)
        match plan.answer:
            case AnswerKind.CUT:
                raise ConnectionCut
            case AnswerKind.LATE:
                await self._hold()
            case (
                AnswerKind.AT_ONCE
                | AnswerKind.AFTER_CALLBACKS
                | AnswerKind.TOO_MANY
                | AnswerKind.SERVER_ERROR
            ):
                pass
            case _:
                assert_never(plan.answer)

    async def _hold(self) -> None:
        held = asyncio.ensure_future(pause(self._scheduler, LATE_ANSWER_AFTER_S))
        self._held.add(held)
        try:
            await asyncio.wait({held})
        finally:
            self._held.discard(held)

    def release(self) -> None:
        """Lets the late answers go at once."""
        for held in self._held:
            held.cancel()

    def fetch(self, account_sid: str, sid: str, path: str) -> Facts:
        """Gives the message."""
        return describe(self._find(account_sid, sid, path))

    def list(self, account_sid: str, path: str, query: Fields) -> Facts:
        """Gives a page of the account's messages."""
        newest_first = self._messages.newest_first()
        own = (message for message in newest_first if message.account_sid == account_sid)
        return list_messages(own, path, query)

    def update(self, account_sid: str, sid: str, path: str, form: Form) -> Facts:
        """Calls a scheduled message off, or empties the body of any."""
        message = self._find(account_sid, sid, path)
        fields = dict(form)
        status = fields.get("Status")
        if status is not None:
            self._cancel(message, status)
        if "Body" in fields:
            self._redact(message, fields["Body"])
        return describe(message)

    def _cancel(self, message: Message, status: str) -> None:
        if status != Status.CANCELED.value:
            raise Refusal(20001, "Status")
        if message.status is not Status.SCHEDULED:
            raise Refusal(30409, message.status.value)
        message.move(Status.CANCELED, self._scheduler.now())
        self._delivery.announce(message, Status.CANCELED)

    def _redact(self, message: Message, body: str) -> None:
        if body:
            raise Refusal(20001, "Body")
        message.body = ""
        message.updated = self._scheduler.now()

    def delete(self, account_sid: str, sid: str, path: str) -> None:
        """Forgets the message; its callbacks end."""
        self._messages.remove(self._find(account_sid, sid, path))

    def reset(self) -> None:
        """Forgets all messages and how often a request was refused."""
        self._messages.clear()
        self._refused.clear()

    def _find(self, account_sid: str, sid: str, path: str) -> Message:
        message = self._messages.find(account_sid, sid)
        if message is None:
            raise Refusal(20404, path)
        return message


def _first_status(draft: Draft) -> Status:
    if draft.send_at is not None:
        return Status.SCHEDULED
    return Status.ACCEPTED if draft.service_sid else Status.QUEUED


def _steps(plan: Plan, draft: Draft, message: Message) -> tuple[Step, ...]:
    if draft.send_at is not None:
        delay_s = draft.send_at - message.created
        return (Step(delay_s, Status.QUEUED, Status.QUEUED), *plan.steps)
    return (QUEUED, *plan.steps) if draft.service_sid else plan.steps
