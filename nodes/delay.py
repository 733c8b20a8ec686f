"""Delay: the task stands for a time, or until a moment, and goes on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    Answer,
    ErrorKind,
    Fail,
    Go,
    Moment,
    NodeType,
    Outcome,
    Text,
    TimeUp,
    Visit,
    Wait,
    WaitKind,
)

LATEST_S = 253_402_300_799
"""The end of the year 9999. What is later was meant as milliseconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a delay."""

    for_: Annotated[
        Moment | None,
        "How long the task stands: 30s, 5m, or a template that gives such a text or seconds.",
    ] = None
    until: Annotated[
        Text | None, "The moment until which it stands: an absolute Unix time in seconds."
    ] = None


class Delay(NodeType[Settings]):
    """Holds a task back. Its own timer ends the wait, so it needs no `timeout`."""

    type = "delay"
    title = "Delay"
    prefixes = ("delay",)
    can_fail = False

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        try:
            due = _due(settings, visit)
        except ValueError as error:
            return Fail(ErrorKind.SOFTWARE, "timer_wrong_value", str(error))
        return Go() if due <= visit.now else Wait(WaitKind.TIME, due)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case TimeUp():
                return Go()
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 -- whatever they are
        return frozenset()

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if (settings.for_ is None) == (settings.until is None):
            yield "for", "a delay has either 'for' or 'until'"


def _due(settings: Settings, visit: Visit) -> int:
    if settings.for_ is not None:
        return visit.moment(settings.for_.render(visit), is_relative=True)
    if settings.until is not None:
        return visit.moment(_unix_time(settings.until.render(visit)))
    raise ValueError("a delay has either 'for' or 'until'")


def _unix_time(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, str) else value
    except ValueError:
        seconds = None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        seconds = math.nan
    if not seconds <= LATEST_S:
        raise ValueError(f"{value!r} is not a Unix time in seconds")
    # What lies before 1970 is past all the same.
    return max(seconds, 0)
