"""The two jobs, as data: what is the same for everybody.

A pure task is given a number, works out a kind and a label, checks the kind, and ends. An SMS flow
posts a message to the provider, waits for its callbacks `sent` and `delivered`, and ends.

Programs that run in a peer's environment import this: it needs the standard library only.
"""

import base64
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

ACCOUNT = "AC" + "0" * 32
TOKEN = "nothing-is-sent-by-a-benchmark"
SENDER, SENDERS = "+15017122661", "+1501712{:04}"
NORMAL, LATE = "+155586700{:02}", "+15550000013"
"""Recipients: the second is delivered after two hours of the simulator's time."""

_BODY = re.compile(r"hello (\d+)\b")


class Job(StrEnum):
    """What a peer is asked to do."""

    PURE = "pure"
    SMS = "sms"


def recipient(number: int, *, is_late: bool) -> str:
    """Gives whom the message of this number goes to."""
    return LATE if is_late else NORMAL.format(number % 100)


def sms(number: int, *, is_late: bool = False) -> dict[str, Any]:
    """Gives what is submitted for an SMS flow.

    Each has a sender of its own, since all late ones share a recipient: who asks the provider what
    it was sent between two numbers finds one message.
    """
    return {
        "number": number,
        "to": recipient(number, is_late=is_late),
        "from": SENDERS.format(number % 10_000),
        "body": f"hello {number}",
    }


def numbers_in(text: str) -> set[int]:
    """Finds the numbers of flows by the texts of their messages."""
    return {int(found) for found in _BODY.findall(text)}


def message_path() -> str:
    """Gives where the provider takes messages."""
    return f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def authorization() -> str:
    """Gives the header of that name for the provider."""
    return "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()


def message_form(task: Mapping[str, Any], callback: str) -> dict[str, str]:
    """Gives the form that the provider is sent."""
    return {
        "To": task["to"],
        "From": task["from"],
        "Body": task["body"],
        "StatusCallback": callback,
    }


def work_out(number: int) -> dict[str, Any]:
    """Sets the parameters of a pure task."""
    return {
        "number": number,
        "kind": "even" if number % 2 == 0 else "odd",
        "label": f"number {number}",
    }


def is_good(task: Mapping[str, Any]) -> bool:
    """Decides the condition of a pure task."""
    return task["kind"] in ("even", "odd")
