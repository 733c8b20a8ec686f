"""Queue: the task stands until another takes it, or its time is over."""

from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    Answer,
    ErrorKind,
    Fail,
    Fetched,
    Go,
    NodeType,
    Outcome,
    Template,
    Visit,
    Wait,
    WaitKind,
    not_convertible,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a queue."""

    data: Annotated[
        Template | None,
        "Parameters that are added when the task is taken, for itself and for who takes it.",
    ] = None


class Queue(NodeType[Settings]):
    """Holds tasks in the order in which they came; a Get from Queue node takes them."""

    type = "queue"
    title = "Queue"
    prefixes = ("queue",)
    can_fail = False
    is_queue = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:  # noqa: ARG002 -- it only stands
        return Wait(WaitKind.QUEUE)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        if not isinstance(answer, Fetched):
            return super().resume(settings, visit, answer)
        added = settings.data.render(visit) if settings.data is not None else {}
        if not isinstance(added, dict):
            return Fail(
                ErrorKind.SOFTWARE,
                "queue_wrong_convert_param",
                not_convertible("data", added, "object"),
            )
        return Go(changes=added)
