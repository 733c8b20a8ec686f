"""What an expression may cost: lengths, sizes and steps, so that none can stop the engine.

Every operation whose cost grows with its operands spends steps before it does the work; the
steps of a render are filled up when it begins. A step is about a tenth of a microsecond, so the
limit ends a render within some 100 ms.
"""

import math
import threading
from typing import Any

from engine.errors import TemplateError

LONGEST_TEMPLATE = 64 * 1024  # characters of one text that has expressions in it
LONGEST_EXPRESSION = 4 * 1024  # characters; Jinja's parser takes some 10 us for each
LONGEST_EXPRESSIONS = 8 * 1024  # characters of all expressions of one text
MOST_EXPRESSIONS = 500  # in one text
DEEPEST_BRACKETS = 25  # Jinja's parser takes 13 frames of Python's stack for each
DEEPEST_TREE = 100  # operations inside operations
DEEPEST_VALUE = 200  # arrays and objects inside each other

LONGEST_TEXT = 1024 * 1024  # characters of a result
LARGEST_INTEGER = 4096  # bits of a result
MOST_STEPS = 500_000

CHARACTERS_A_STEP = 32
_SHORT = 1024  # so many characters are gone through faster than counted


class _Meter(threading.local):
    left = MOST_STEPS


_meter = _Meter()


def refill() -> None:
    """Gives the render that begins its steps."""
    _meter.left = MOST_STEPS


def spend(steps: int) -> None:
    """Takes steps from the render under way.

    Raises:
        TemplateError: there are not so many left.
    """
    left = _meter.left - steps
    if left < 0:
        raise TemplateError("the template does too much work: its values are too large for it")
    _meter.left = left


def spend_on_text(length: int) -> None:
    """Takes the steps for going once through a text of this length; a short one is free."""
    if length > _SHORT:
        spend(length // CHARACTERS_A_STEP)


def weigh(value: Any) -> tuple[int, int]:
    """Takes the steps for going through a whole JSON value once.

    Gives how many these were, and how many characters its texts have together.
    """
    left = _meter.left
    steps = depth = letters = 0
    level: list[Any] = [value]
    while level:
        depth += 1
        if depth > DEEPEST_VALUE:
            raise TemplateError(f"more than {DEEPEST_VALUE} arrays and objects in each other")
        inner: list[Any] = []
        for item in level:
            steps += _size(item)
            if steps > left:
                spend(steps)
            if isinstance(item, str):
                letters += len(item)
            elif isinstance(item, list):
                inner.extend(item)
            elif isinstance(item, dict):
                inner.extend(item.values())
        level = inner
    spend(steps)
    return steps, letters


def _size(item: Any) -> int:
    if isinstance(item, str):
        return 1 + len(item) // CHARACTERS_A_STEP
    return 1 + len(item) if isinstance(item, list | dict) else 1


def short_enough(text: str) -> str:
    """Gives the text back.

    Raises:
        TemplateError: it is longer than a result may be.
    """
    if len(text) > LONGEST_TEXT:
        raise too_long(len(text))
    return text


def too_long(length: int) -> TemplateError:
    """Makes the error for a text that is, or would become, too long."""
    return TemplateError(
        f"the text would have {length} characters; a template makes at most {LONGEST_TEXT}"
    )


def small_enough(number: Any) -> Any:
    """Gives the number back.

    Raises:
        TemplateError: it is not finite, or an integer of more digits than a result may have.
    """
    if isinstance(number, float):
        if not math.isfinite(number):
            raise TemplateError("the result is too large for a number")
    elif number.bit_length() > LARGEST_INTEGER:
        raise TemplateError(f"the result has more than {LARGEST_INTEGER} bits")
    return number
