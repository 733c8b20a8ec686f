"""A message: what Twilio knows of it, and the statuses that it may pass through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from engine.testing.twilio.callback_url import CallbackUrl
from engine.testing.twilio.segments import count_segments

PRICE_OF_SEGMENT = 0.0079


class Status(StrEnum):
    """Where a message is on its way. Statuses of incoming messages are left out."""

    ACCEPTED = "accepted"  # a messaging service has it and will choose the sender
    SCHEDULED = "scheduled"  # waits for its SendAt
    QUEUED = "queued"  # has a sender and waits for its turn
    SENT = "sent"  # the carrier has it
    DELIVERED = "delivered"  # the carrier says that it arrived
    UNDELIVERED = "undelivered"  # the carrier says that it did not arrive
    FAILED = "failed"  # never got to the carrier
    CANCELED = "canceled"  # called off while it was scheduled


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.ACCEPTED: frozenset({Status.QUEUED}),
    Status.SCHEDULED: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.QUEUED: frozenset({Status.SENT, Status.FAILED}),
    Status.SENT: frozenset({Status.DELIVERED, Status.UNDELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.UNDELIVERED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}

_WITHOUT_CHARGE = frozenset(
    {Status.ACCEPTED, Status.SCHEDULED, Status.QUEUED, Status.FAILED, Status.CANCELED}
)


class Change(NamedTuple):
    """A status and the Unix time from which the message has it."""

    status: Status
    at: float


class Attempt(NamedTuple):
    """One callback that was posted; `answer` is the HTTP status, `failure` why there is none."""

    status: Status
    at: float
    answer: int | None
    failure: str | None
    is_forged: bool


# Mutable: statuses and callbacks are added to it all its life, and it is found by its sid.
@dataclass(slots=True)
class Message:
    """A message that was accepted; `serial` counts them."""

    sid: str
    serial: int
    account_sid: str
    auth_token: str = field(repr=False)
    to: str
    sender: str | None
    service_sid: str | None
    body: str
    media_count: int
    callback: CallbackUrl | None
    status: Status
    created: float
    updated: float
    sent: float | None = None
    error_code: int | None = None
    is_gone: bool = False
    history: list[Change] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def segments(self) -> int:
        """Gives the number of segments, 0 until a service has chosen the sender."""
        return 0 if self.sender is None else count_segments(self.body)

    @property
    def price(self) -> str | None:
        """Gives what the message cost, a negative amount."""
        if self.status in _WITHOUT_CHARGE:
            return None
        return f"-{PRICE_OF_SEGMENT * self.segments:.5f}"

    @property
    def is_stopped(self) -> bool:
        """Says whether nothing may happen to the message any more."""
        return self.is_gone or self.status is Status.CANCELED

    def move(self, status: Status, at: float, error_code: int | None = None) -> None:
        """Gives the message its next status.

        Raises:
            ValueError: the status can't follow the one that the message has.
        """
        if status not in TRANSITIONS[self.status]:
            raise ValueError(f"'{status}' can't follow '{self.status}'.")
        self.status = status
        self.updated = at
        self.error_code = error_code
        if status is Status.SENT:
            self.sent = at
        self.history.append(Change(status, at))
