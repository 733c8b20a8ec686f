"""Reply to Process: answers the task that called this one, and goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from engine.errors import TemplateError
from engine.node import (
    PROCESS,
    Answer,
    Ask,
    Done,
    Go,
    NodeType,
    Outcome,
    SendReply,
    Template,
    Text,
    Visit,
    as_text,
    not_convertible,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a reply node."""

    data: Annotated[Template | None, "The parameters of the reply."] = None
    keys: Annotated[
        tuple[str, ...],
        "Names of parameters to reply with, instead of 'data'; a missing one is ''.",
    ] = ()
    exception: Annotated[
        Text | None, "The reason, if the caller is to leave by its 'error' link."
    ] = None


class ReplyToProcess(NodeType[Settings]):
    """Sends a reply; without a caller, or after a first reply, it does nothing.

    A reply that can't be made becomes an exception, so that no caller waits for ever.
    """

    type = "reply_to_process"
    title = "Reply to Process"
    stands_in = PROCESS
    prefixes = ("rpc_reply",)
    can_fail = False
    sends_reply = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        try:
            return Ask(_reply(settings, visit))
        except TemplateError as error:
            return Ask(_broken(str(error)))

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Done():
                return Go()
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 -- whatever they are
        return frozenset()

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if settings.data is not None and settings.keys:
            yield "keys", "a reply has either 'data' or 'keys'"
        if settings.data is None and not settings.keys and settings.exception is None:
            yield "data", "the reply is empty: give 'data', 'keys' or 'exception'"


def _reply(settings: Settings, visit: Visit) -> SendReply:
    data: Any = {name: visit.data.get(name, "") for name in settings.keys}
    if settings.data is not None:
        data = settings.data.render(visit)
    if not isinstance(data, dict):
        return _broken(not_convertible("data", data, "object"))
    if settings.exception is None:
        return SendReply(data)
    return SendReply(data, is_exception=True, reason=as_text(settings.exception.render(visit)))


def _broken(reason: str) -> SendReply:
    return SendReply({}, is_exception=True, reason=reason, tag="rpc_reply_wrong_convert_param")
