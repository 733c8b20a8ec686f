"""What an author may choose for calls in doubt: sent, and the answer is unknown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from engine.core.node import Link


class InDoubt(StrEnum):
    """What happens to a call that was sent and whose answer is unknown."""

    REPEAT = "repeat"  # with the same idempotency key, where there is one
    HOLD = "hold"  # a person decides
    FAIL = "fail"  # the `error` link, with a tag of its own


@dataclass(frozen=True, slots=True)
class InDoubtPath:
    """A way of its own for calls in doubt, to ask the other side what became of them."""

    next: Annotated[Link, "Where the task goes when a call's answer is unknown."]
