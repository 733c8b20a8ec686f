"""Call Process: creates a task in another process and waits for its reply."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from engine.node import (
    PROCESS,
    Answer,
    Ask,
    Constant,
    CreateTask,
    Done,
    ErrorKind,
    Expression,
    Fail,
    Go,
    NodeType,
    Outcome,
    RefersTo,
    Refusal,
    Refused,
    Replied,
    Template,
    Text,
    Visit,
    Wait,
    WaitKind,
    as_text,
    not_convertible,
    without_system_names,
)

STUBBED = "__logic_stub_mode__"
RESULT = "__conveyor_copy_task_result__"
REPLY_TYPE = "__conveyor_rpc_reply_return_type_error__"
REPLY_TAG = "__conveyor_rpc_reply_return_type_tag__"
REPLY_DESCRIPTION = "__conveyor_rpc_reply_return_description__"
_TAGS = {
    Refusal.UNKNOWN_PROCESS: "access_denied",
    Refusal.NOT_ACTIVE: "conveyor_is_not_active",
    Refusal.INVALID_DATA: "wrong_validate_params",
    Refusal.TOO_LARGE: "rpc_task_size_overflow",
    Refusal.TOO_DEEP: "rpc_depth_limit",
}


@dataclass(frozen=True, slots=True)
class Stub:
    """One answer in place of the called process; its templates see what would be sent."""

    when: Annotated[
        Expression | None, "When it is given, such as amount > 100; left out, always."
    ] = None
    reply: Annotated[Template | None, "The parameters that come back."] = None
    exception: Annotated[Text | None, "The reason with which the call fails."] = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a call node."""

    process: Annotated[
        Text, RefersTo("process", gets_task=True, replies=True), "The process that is called."
    ]
    data: Annotated[
        Template | None, "The parameters to send; they win over copied ones of the same name."
    ] = None
    all_params: Annotated[bool, "Whether all parameters of this task are sent."] = False
    stub: Annotated[
        tuple[Stub, ...], "Answers in place of the process, which is not called then."
    ] = ()


class CallProcess(NodeType[Settings]):
    """Waits until the called process replies; the reply is merged into the task's data."""

    type = "call_process"
    title = "Call Process"
    stands_in = PROCESS
    prefixes = ("rpc",)
    size_tag = "rpc_task_size_overflow"
    conversion_tag = "rpc_task_wrong_convert_param"
    fatal_tag = "rpc_task_fatal_error"
    waits = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        listed = settings.data.render(visit) if settings.data is not None else {}
        if not isinstance(listed, dict):
            return _refused(
                "rpc_task_wrong_convert_param",
                not_convertible("data", listed, "object"),
            )
        inherited = without_system_names(visit.data) if settings.all_params else {}
        if settings.stub:
            return _stubbed(settings.stub, visit, {**inherited, **listed})
        caller = {
            "__rpc_conv_id__": visit.origin["conv_id"],
            "__rpc_ref_id__": visit.ref,
            "__rpc_corr_id__": visit.key,
        }
        process = as_text(settings.process.render(visit))
        return Ask(
            CreateTask(process, "", {**listed, **caller}, inherited, wait_for_reply=True),
        )

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Done():
                return Wait(WaitKind.REPLY)
            case Refused(reason, description) if reason in _TAGS:
                return _refused(_TAGS[reason], description)
            case Replied():
                return _answered(visit, answer)
            case _:
                return super().resume(settings, visit, answer)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if settings.data in (None, Constant({})) and not settings.all_params:
            yield "data", "nothing is sent: list parameters in 'data' or set 'all_params: true'"
        for number, stub in enumerate(settings.stub, 1):
            if stub.reply is None and stub.exception is None:
                yield "stub", f"stub {number} has neither 'reply' nor 'exception'"
            if stub.when is None and number < len(settings.stub):
                yield "stub", f"no stub after number {number} is ever used: it has no 'when'"


def _refused(tag: str, description: str) -> Fail:
    return Fail(ErrorKind.SOFTWARE, tag, description, {RESULT: tag})


def _stubbed(stubs: tuple[Stub, ...], visit: Visit, sent: dict[str, Any]) -> Outcome:
    """Answers as the called process would, and marks the task."""
    scope = visit.with_data(sent)
    for stub in stubs:
        if stub.when is not None and not stub.when.render(scope):
            continue
        reply = stub.reply.render(scope) if stub.reply is not None else {}
        if not isinstance(reply, dict):
            return _refused(
                "rpc_task_wrong_convert_param", not_convertible("reply", reply, "object")
            )
        is_exception = stub.exception is not None
        reason = as_text(stub.exception.render(scope)) if stub.exception is not None else ""
        return _answered(visit, Replied({**reply, STUBBED: True}, is_exception, reason))
    return Fail(
        ErrorKind.SOFTWARE, "rpc_stub_no_match", "no stub fits what would be sent", {STUBBED: True}
    )


def _answered(visit: Visit, reply: Replied) -> Outcome:
    if reply.is_exception:
        return _exception(reply)
    return Go(changes=reply.data, removed=_stale(visit))


def _exception(reply: Replied) -> Fail:
    """Merges what an exception carries, and says what it is under both families of names."""
    tag = reply.tag or "rpc_reply_exception"
    noted = {
        REPLY_TYPE: ErrorKind.SOFTWARE.value,
        REPLY_TAG: tag,
        REPLY_DESCRIPTION: reply.reason,
    }
    return Fail(ErrorKind.SOFTWARE, tag, reply.reason, {**reply.data, **noted})


def _stale(visit: Visit) -> tuple[str, ...]:
    """Names what an earlier exception left: a call that worked must not look failed."""
    if REPLY_TAG not in visit.data:
        return ()
    return (REPLY_TYPE, REPLY_TAG, REPLY_DESCRIPTION)
