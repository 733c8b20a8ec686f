"""Modify Task: merges parameters into a task of another process."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    Answer,
    Ask,
    Done,
    ErrorKind,
    Fail,
    Go,
    ModifyTask,
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

RESULT = "__conveyor_copy_task_result__"
_TAGS = {
    Refusal.UNKNOWN_PROCESS: "access_denied",
    Refusal.NOT_ACTIVE: "conveyor_is_not_active",
    Refusal.INVALID_DATA: "wrong_validate_params",
    Refusal.TOO_LARGE: "copy_task_size_overflow_limit",
    Refusal.UNKNOWN_TASK: "not_found_task",
    Refusal.NOT_WAITING: "no_api_callback_in_node_with_task",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a modify node."""

    process: Annotated[Text, RefersTo("process"), "The process of the task to change."]
    ref: Annotated[Text | None, "The ref of the task to change."] = None
    task_id: Annotated[Text | None, "The id of the task to change, instead of its ref."] = None
    data: Annotated[
        Template | None, "The parameters to merge; they win over copied ones of the same name."
    ] = None
    all_params: Annotated[bool, "Whether all parameters of this task are merged too."] = False
    strict: Annotated[
        bool, "Whether it fails when the task does not stand in a callback node now."
    ] = False


class Modify(NodeType[Settings]):
    """Changes the other task in the same transaction in which this one moves on.

    A task that waits for a callback is released by it, even if nothing is merged.
    """

    type = "modify_task"
    title = "Modify Task"
    prefixes = ("copy_task", "modify_task")

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        listed = settings.data.render(visit) if settings.data is not None else {}
        if not isinstance(listed, dict):
            return _failed(
                "copy_task_wrong_convert_param",
                not_convertible("data", listed, "object"),
            )
        ref, task_id = _rendered(settings.ref, visit), _rendered(settings.task_id, visit)
        if not ref and not task_id:
            return _failed("not_found_task", "not found task: the ref or id given is empty")
        copied = without_system_names(visit.data) if settings.all_params else {}
        trace = {f"__modify_{name}__": value for name, value in visit.origin.items()}
        process = as_text(settings.process.render(visit))
        data = {**copied, **listed, **trace}
        return Ask(ModifyTask(process, ref, task_id, data, settings.strict))

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
        if (settings.ref is None) == (settings.task_id is None):
            yield "ref", "the task to change is named either by 'ref' or by 'task_id'"


def _rendered(text: Text | None, visit: Visit) -> str:
    return "" if text is None else as_text(text.render(visit))


def _failed(tag: str, description: str) -> Fail:
    return Fail(ErrorKind.SOFTWARE, tag, description, {RESULT: tag})
