"""Set State: the task stays in a state until a modification makes one of its cases hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from engine.node import (
    STATE,
    Address,
    Answer,
    Arrived,
    Case,
    Duration,
    Go,
    Link,
    Match,
    NodeType,
    Outcome,
    Stay,
    Visit,
    Wait,
    WaitKind,
    addressed,
    case_problems,
    first_that_holds,
    match_problems,
    parse_duration,
)

ONE_DAY = parse_duration("1d")


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a state."""

    cases: Annotated[
        tuple[Case, ...], "Tried from the top after each modification; the first that holds wins."
    ] = ()
    else_: Annotated[
        Link | None, "Where the task goes if no case holds; left out, it stays in this state."
    ] = None
    match: Annotated[
        Match | None, "Where in a callback's body its task is named, by id or by ref."
    ] = None
    sync: Annotated[
        bool, "Whether a callback for a task that waits in another node is refused."
    ] = True
    keep_early: Annotated[
        Duration, "How long a callback that comes before its task is kept for it."
    ] = ONE_DAY


class SetState(NodeType[Settings]):
    """Waits for modifications. Entering moves nothing, even if a case holds already."""

    type = "set_state"
    title = "Set State"
    prefixes = ("callback",)
    stands_in = STATE
    can_fail = False
    has_next = False
    reads_what_arrives = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:  # noqa: ARG002 -- it only waits
        return Wait(WaitKind.CALLBACK)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Arrived(data):
                case = first_that_holds(settings.cases, visit.with_data({**visit.data, **data}))
                to = settings.else_ if case is None else case.next
                return Stay(data) if to is None else Go(to, changes=data)
            case _:
                return super().resume(settings, visit, answer)

    def address(self, settings: Settings, body: Mapping[str, Any]) -> Address:
        return addressed(settings.match, body, sync=settings.sync, keep=settings.keep_early)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        yield from case_problems(settings.cases)
        yield from match_problems(settings.match)
