from types import SimpleNamespace

import pytest

from engine.core.tags import fatal_tag
from engine.node import (
    Ask,
    Constant,
    CreateTask,
    Done,
    ErrorKind,
    Fail,
    Go,
    Refusal,
    Refused,
    Replied,
    TimeUp,
    Wait,
    WaitKind,
)
from nodes.call_process import CallProcess, Settings, Stub

TARGET = Constant("price")
CALLER = {
    "__rpc_conv_id__": 1001,
    "__rpc_ref_id__": "order-1",
    "__rpc_corr_id__": "65f0a1b2c3d4e5f601020304-3",
}


def test_the_called_task_gets_the_listed_parameters_and_who_called(visit):
    outcome = CallProcess().enter(Settings(TARGET, Constant({"a": 1})), visit({"b": 2}))

    assert outcome == Ask(CreateTask("price", "", {"a": 1, **CALLER}, {}, wait_for_reply=True))


def test_all_parameters_are_sent_but_those_of_the_engine(visit):
    data = {"a": 1, "b": 1, "__conveyor_x__": 1, "__rpc_corr_id__": "of another call"}
    settings = Settings(TARGET, Constant({"a": 2}), all_params=True)

    outcome = CallProcess().enter(settings, visit(data))

    assert outcome.command.inherited == {"a": 1, "b": 1}
    assert outcome.command.data == {"a": 2, **CALLER}


def test_all_parameters_alone_are_enough(visit):
    outcome = CallProcess().enter(Settings(TARGET, all_params=True), visit({"a": 1}))

    assert outcome.command.inherited == {"a": 1}
    assert outcome.command.data == CALLER


@pytest.mark.parametrize(("value", "shown"), [("text", "text"), (None, ""), (7, "7")])
def test_data_that_is_no_object_fails_the_node(visit, value, shown):
    outcome = CallProcess().enter(Settings(TARGET, Constant(value)), visit())

    assert outcome == Fail(
        ErrorKind.SOFTWARE,
        "rpc_task_wrong_convert_param",
        f"Param: data, Value: {shown}, Try convert to: object",
        {"__conveyor_copy_task_result__": "rpc_task_wrong_convert_param"},
    )


def test_the_caller_waits_for_the_reply(visit):
    assert CallProcess().resume(Settings(TARGET), visit(), Done("1")) == Wait(WaitKind.REPLY)
    assert CallProcess.waits


@pytest.mark.parametrize(
    ("reason", "tag"),
    [
        (Refusal.UNKNOWN_PROCESS, "access_denied"),
        (Refusal.NOT_ACTIVE, "conveyor_is_not_active"),
        (Refusal.INVALID_DATA, "wrong_validate_params"),
        (Refusal.TOO_LARGE, "rpc_task_size_overflow"),
        (Refusal.TOO_DEEP, "rpc_depth_limit"),
    ],
)
def test_a_refusal_fails_the_node_with_its_tag(visit, reason, tag):
    outcome = CallProcess().resume(Settings(TARGET), visit(), Refused(reason, "why"))

    assert outcome == Fail(ErrorKind.SOFTWARE, tag, "why", {"__conveyor_copy_task_result__": tag})


def test_a_reply_is_merged_and_the_caller_goes_on(visit):
    outcome = CallProcess().resume(Settings(TARGET), visit({"a": 1}), Replied({"price": 5}))

    assert outcome == Go(changes={"price": 5})


def test_an_exception_is_merged_too_and_fails_the_node(visit):
    reply = Replied({"code": 21211}, is_exception=True, reason="no such number")

    assert CallProcess().resume(Settings(TARGET), visit(), reply) == Fail(
        ErrorKind.SOFTWARE,
        "rpc_reply_exception",
        "no such number",
        {
            "code": 21211,
            "__conveyor_rpc_reply_return_type_error__": "software",
            "__conveyor_rpc_reply_return_type_tag__": "rpc_reply_exception",
            "__conveyor_rpc_reply_return_description__": "no such number",
        },
    )


def test_an_exception_may_carry_a_tag_of_its_own(visit):
    reply = Replied({}, is_exception=True, reason="ended without a reply", tag="rpc_no_reply")

    outcome = CallProcess().resume(Settings(TARGET), visit(), reply)

    assert outcome.tag == "rpc_no_reply"
    assert outcome.changes["__conveyor_rpc_reply_return_type_tag__"] == "rpc_no_reply"


def test_a_reply_clears_what_an_earlier_exception_left(visit):
    data = {"__conveyor_rpc_reply_return_type_tag__": "rpc_reply_exception"}

    outcome = CallProcess().resume(Settings(TARGET), visit(data), Replied({"price": 5}))

    assert outcome.removed == (
        "__conveyor_rpc_reply_return_type_error__",
        "__conveyor_rpc_reply_return_type_tag__",
        "__conveyor_rpc_reply_return_description__",
    )


@pytest.mark.parametrize("answer", [TimeUp(), Refused(Refusal.REF_TAKEN, "why")])
def test_it_waits_for_nothing_else(visit, answer):
    with pytest.raises(NotImplementedError):
        CallProcess().resume(Settings(TARGET), visit(), answer)


@pytest.mark.parametrize("data", [None, Constant({})])
def test_sending_nothing_is_a_problem(data):
    assert [key for key, _ in CallProcess().problems(Settings(TARGET, data))] == ["data"]


def test_right_settings_have_no_problems():
    assert list(CallProcess().problems(Settings(TARGET, Constant({"a": 1})))) == []
    assert list(CallProcess().problems(Settings(TARGET, all_params=True))) == []


def test_a_reply_may_set_any_parameter():
    assert CallProcess().writes(Settings(TARGET)) is None


# Stubs.


def over(limit):
    class Over:
        def render(self, scope):
            return scope.data.get("amount", 0) > limit

    return Over()


STUBS = (
    Stub(when=over(100), exception=Constant("too much"), reply=Constant({"limit": 100})),
    Stub(reply=Constant({"price": 7})),
)


def test_a_stub_answers_in_place_of_the_process(visit):
    settings = Settings(TARGET, Constant({"amount": 3}), stub=STUBS)

    outcome = CallProcess().enter(settings, visit({"amount": 500}))

    assert outcome == Go(changes={"price": 7, "__logic_stub_mode__": True})


def test_a_stub_fails_the_call_as_an_exception_would(visit):
    settings = Settings(TARGET, all_params=True, stub=STUBS)

    outcome = CallProcess().enter(settings, visit({"amount": 101}))

    assert (outcome.tag, outcome.description) == ("rpc_reply_exception", "too much")
    assert (outcome.changes["limit"], outcome.changes["__logic_stub_mode__"]) == (100, True)


def test_a_call_that_no_stub_fits_fails(visit):
    settings = Settings(TARGET, Constant({"amount": 1}), stub=STUBS[:1])

    outcome = CallProcess().enter(settings, visit())

    assert (outcome.kind, outcome.tag) == (ErrorKind.SOFTWARE, "rpc_stub_no_match")


def test_a_stub_whose_reply_is_no_object_fails_the_call(visit):
    settings = Settings(TARGET, Constant({}), stub=(Stub(reply=Constant("text")),))

    assert CallProcess().enter(settings, visit()).tag == "rpc_task_wrong_convert_param"


def test_stubs_that_can_not_be_meant_are_problems():
    settings = Settings(TARGET, all_params=True, stub=(Stub(reply=Constant({})), Stub()))

    assert list(CallProcess().problems(settings)) == [
        ("stub", "no stub after number 1 is ever used: it has no 'when'"),
        ("stub", "stub 2 has neither 'reply' nor 'exception'"),
    ]


def test_a_fault_of_the_engine_has_corezoids_tag():
    node = SimpleNamespace(type=CallProcess())

    assert fatal_tag(node) == "rpc_task_fatal_error"
