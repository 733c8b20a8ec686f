"""What happens to a message, chosen by the last two digits of a number `+155500000NN`.

All delays are here, in seconds at speed 1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.testing.twilio.messages import Status

QUEUED_AFTER_S = 0.05
SENT_AFTER_S = 0.1
REPORTED_AFTER_S = 0.2
LATE_REPORT_AFTER_S = 7200.0
LATE_ANSWER_AFTER_S = 70.0
REFUSALS = 2

_NUMBER = re.compile(r"(?:.*:)?\+155500000(\d\d)")


class AnswerKind(StrEnum):
    """How the request that creates the message is answered."""

    AT_ONCE = "at_once"
    AFTER_CALLBACKS = "after_callbacks"  # every callback has been made by then
    LATE = "late"  # most clients have given up by then
    CUT = "cut"  # accepted, and the connection is closed without an answer
    SERVER_ERROR = "server_error"  # a 500 that is not JSON; nothing is accepted
    TOO_MANY = "too_many"  # 429 some times, then accepted


@dataclass(frozen=True, slots=True)
class Step:
    """One event: a new status, a callback, or both; `after_s` counts from the step before.

    `times` is how often the callback is made. A forged callback comes before the right one and
    has a wrong signature.
    """

    after_s: float
    becomes: Status | None = None
    reports: Status | None = None
    error_code: int | None = None
    times: int = 1
    is_forged_first: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole course of a message after it was accepted."""

    steps: tuple[Step, ...]
    answer: AnswerKind = AnswerKind.AT_ONCE


QUEUED = Step(QUEUED_AFTER_S, Status.QUEUED, Status.QUEUED)
_SENT = Step(SENT_AFTER_S, Status.SENT, Status.SENT)
_DELIVERED = Step(REPORTED_AFTER_S, Status.DELIVERED, Status.DELIVERED)
_UNDELIVERED = Step(REPORTED_AFTER_S, Status.UNDELIVERED, Status.UNDELIVERED, 30003)
_FAILED = Step(SENT_AFTER_S, Status.FAILED, Status.FAILED, 30008)
_SILENTLY_SENT = Step(SENT_AFTER_S, Status.SENT)
_SILENTLY_DELIVERED = Step(REPORTED_AFTER_S, Status.DELIVERED)

NORMAL = Plan((_SENT, _DELIVERED))

PLANS: Mapping[str, Plan] = {
    "00": NORMAL,
    "01": Plan((_SENT, _UNDELIVERED)),
    "02": Plan((_FAILED,)),
    "03": Plan(NORMAL.steps, AnswerKind.AFTER_CALLBACKS),
    "04": Plan((_SILENTLY_SENT, _DELIVERED, Step(REPORTED_AFTER_S, reports=Status.SENT))),
    "05": Plan(
        (
            Step(SENT_AFTER_S, Status.SENT, Status.SENT, times=3),
            Step(REPORTED_AFTER_S, Status.DELIVERED, Status.DELIVERED, times=3),
        )
    ),
    "06": Plan((_SILENTLY_SENT,)),
    "07": Plan((_SILENTLY_SENT, _SILENTLY_DELIVERED)),
    "08": Plan(NORMAL.steps, AnswerKind.LATE),
    "09": Plan(NORMAL.steps, AnswerKind.CUT),
    "10": Plan((), AnswerKind.SERVER_ERROR),
    "11": Plan(NORMAL.steps, AnswerKind.TOO_MANY),
    "12": Plan(
        (
            Step(SENT_AFTER_S, Status.SENT, Status.SENT, is_forged_first=True),
            Step(REPORTED_AFTER_S, Status.DELIVERED, Status.DELIVERED, is_forged_first=True),
        )
    ),
    "13": Plan((_SENT, Step(LATE_REPORT_AFTER_S, Status.DELIVERED, Status.DELIVERED))),
}


def plan_for(number: str) -> Plan:
    """Gives the plan of a recipient; numbers that choose none are delivered."""
    match = _NUMBER.fullmatch(number)
    return PLANS.get(match[1], NORMAL) if match else NORMAL
