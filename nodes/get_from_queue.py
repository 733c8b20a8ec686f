"""Get from Queue: takes one task out of a queue, which no other taker gets then."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from engine.node import (
    Answer,
    Ask,
    ErrorKind,
    Fail,
    Go,
    NodeType,
    Outcome,
    RefersTo,
    Refusal,
    Refused,
    TakeFromQueue,
    Taken,
    Text,
    Visit,
    as_text,
)

FOUND = ("__queue_task_id__", "__queue_task_ref__", "__queue_task_data__")
_TAGS = {
    Refusal.UNKNOWN_PROCESS: "access_denied",
    Refusal.NO_QUEUE: "queue_wrong_logic",
    Refusal.EMPTY: "get_task_executing_error",
}


class Order(StrEnum):
    """Who is taken."""

    ASC = "asc"  # who came first
    DESC = "desc"  # who came last


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a taker."""

    process: Annotated[Text, RefersTo("process"), "The process that has the queue."]
    node: Annotated[str, "The queue, by its node's id."]
    order: Annotated[Order, "Who is taken: who came first, or last."] = Order.ASC


class GetFromQueue(NodeType[Settings]):
    """Takes the task in the same transaction in which it goes on itself."""

    type = "get_from_queue"
    title = "Get from Queue"
    prefixes = ("get_task", "queue")

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        process = as_text(settings.process.render(visit))
        return Ask(TakeFromQueue(process, settings.node, newest=settings.order is Order.DESC))

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Taken(task_id, ref, data):
                return Go(changes=dict(zip(FOUND, (task_id, ref, data), strict=True)))
            case Refused(reason, description) if reason in _TAGS:
                # What an earlier one has taken must not look as if it were there again.
                cleared = {name: "" for name in FOUND if name in visit.data}
                return Fail(ErrorKind.SOFTWARE, _TAGS[reason], description, cleared)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 -- whatever they are
        return frozenset(FOUND)
