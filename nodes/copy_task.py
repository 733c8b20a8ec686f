"""Copy Task: creates a task in another process and goes on at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    Answer,
    Ask,
    Constant,
    CreateTask,
    Done,
    ErrorKind,
    Fail,
    Go,
    NodeType,
    Outcome,
    RefersTo,
    Refusal,
    Refused,
    Template,
    Text,
    Visit,
    as_text,
    not_convertible,
    without_system_names,
)

GENERATED = Constant("")
RESULT = "__conveyor_copy_task_result__"
_TAGS = {
    Refusal.UNKNOWN_PROCESS: "access_denied",
    Refusal.NOT_ACTIVE: "conveyor_is_not_active",
    Refusal.INVALID_DATA: "wrong_validate_params",
    Refusal.TOO_LARGE: "copy_task_size_overflow_limit",
    Refusal.REF_TAKEN: "not_unical_ref",
    Refusal.TOO_DEEP: "infinite_loop",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a copy node."""

    process: Annotated[
        Text,
        RefersTo("process", gets_task=True),
        "The process in which the task is created.",
    ]
    ref: Annotated[Text, "The new task's ref; empty for a generated one."] = GENERATED
    data: Annotated[
        Template | None, "The new task's parameters; they win over copied ones of the same name."
    ] = None
    all_params: Annotated[bool, "Whether all parameters of this task are copied."] = False


class CopyTask(NodeType[Settings]):
    """Creates the new task in the same transaction in which this one moves on."""

    type = "copy_task"
    title = "Copy Task"
    prefixes = ("copy_task",)

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        listed = settings.data.render(visit) if settings.data is not None else {}
        if not isinstance(listed, dict):
            return _failed(
                "copy_task_wrong_convert_param",
                not_convertible("data", listed, "object"),
            )
        inherited = without_system_names(visit.data) if settings.all_params else {}
        trace = {f"__copy_{name}__": value for name, value in visit.origin.items()}
        return Ask(
            CreateTask(
                as_text(settings.process.render(visit)),
                as_text(settings.ref.render(visit)),
                {**listed, **trace},
                inherited,
            )
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Done():
                return Go(changes={RESULT: "ok"})
            case Refused(reason, description) if reason in _TAGS:
                return _failed(_TAGS[reason], description)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 -- whatever they are
        return frozenset({RESULT})

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if settings.data in (None, Constant({})) and not settings.all_params:
            yield "data", "nothing is copied: list parameters in 'data' or set 'all_params: true'"


def _failed(tag: str, description: str) -> Fail:
    return Fail(ErrorKind.SOFTWARE, tag, description, {RESULT: tag})
