"""Waiting for Callback: the task stands until a callback or a modification reaches it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from engine.node import (
    PROCESS,
    Address,
    Answer,
    Arrived,
    Duration,
    Go,
    Match,
    NodeType,
    Outcome,
    Visit,
    Wait,
    WaitKind,
    addressed,
    match_problems,
    parse_duration,
)

ONE_DAY = parse_duration("1d")


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a callback node."""

    match: Annotated[
        Match | None, "Where in a callback's body its task is named, by id or by ref."
    ] = None
    sync: Annotated[
        bool, "Whether a callback for a task that waits in another node is refused."
    ] = True
    keep_early: Annotated[
        Duration, "How long a callback that comes before its task is kept for it."
    ] = ONE_DAY


class WaitingForCallback(NodeType[Settings]):
    """Waits; what arrives is merged into the task's data, which then goes on."""

    type = "waiting_for_callback"
    title = "Waiting for Callback"
    stands_in = PROCESS
    prefixes = ("callback",)
    can_fail = False
    waits = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:  # noqa: ARG002 -- it only waits
        return Wait(WaitKind.CALLBACK)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Arrived(data):
                return Go(changes=data)
            case _:
                return super().resume(settings, visit, answer)

    def address(self, settings: Settings, body: Mapping[str, Any]) -> Address:
        return addressed(settings.match, body, sync=settings.sync, keep=settings.keep_early)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        yield from match_problems(settings.match)
