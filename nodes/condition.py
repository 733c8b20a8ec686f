"""Condition: the first case that holds decides where the task goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    Case,
    Go,
    Link,
    NodeType,
    Outcome,
    Visit,
    case_problems,
    first_that_holds,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a condition."""

    cases: Annotated[tuple[Case, ...], "Tried from the top; the first that holds wins."]
    else_: Annotated[Link, "Where the task goes if no case holds."]


class Condition(NodeType[Settings]):
    """Chooses a way by the task's data, which stays as it is."""

    type = "condition"
    title = "Condition"
    can_fail = False
    has_next = False

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        case = first_that_holds(settings.cases, visit)
        return Go(settings.else_ if case is None else case.next)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not settings.cases:
            yield "cases", "a condition has at least one case"
        yield from case_problems(settings.cases)
