import pytest

from engine.node import (
    Ask,
    Constant,
    Done,
    ErrorKind,
    Fail,
    Go,
    ModifyTask,
    Refusal,
    Refused,
    TimeUp,
)
from nodes.modify_task import Modify, Settings

TARGET = Constant("orders")
REF = Constant("r-1")
TRACE = {"__modify_conv_id__": 1001, "__modify_node_id__": "here", "__modify_ref_id__": "order-1"}


def test_the_task_with_this_ref_gets_the_listed_parameters_and_who_sent_them(visit):
    outcome = Modify().enter(Settings(TARGET, ref=REF, data=Constant({"a": 1})), visit())

    assert outcome == Ask(ModifyTask("orders", "r-1", "", {"a": 1, **TRACE}, strict=False))


def test_a_task_can_be_named_by_its_id(visit):
    settings = Settings(TARGET, task_id=Constant("65f0"), data=Constant({"a": 1}), strict=True)

    outcome = Modify().enter(settings, visit())

    assert outcome == Ask(ModifyTask("orders", "", "65f0", {"a": 1, **TRACE}, strict=True))


def test_without_data_it_only_wakes_the_task(visit):
    outcome = Modify().enter(Settings(TARGET, ref=REF), visit({"b": 2}))

    assert outcome.command.data == TRACE


def test_listed_parameters_win_over_copied_ones(visit):
    settings = Settings(TARGET, ref=REF, data=Constant({"a": 2}), all_params=True)

    outcome = Modify().enter(settings, visit({"a": 1, "b": 1, "__rpc_ref_id__": 1}))

    assert outcome.command.data == {"a": 2, "b": 1, **TRACE}


def test_a_ref_may_be_a_number(visit):
    outcome = Modify().enter(Settings(TARGET, ref=Constant(42)), visit())

    assert outcome.command.ref == "42"


@pytest.mark.parametrize("ref", ["", None])
def test_an_empty_ref_names_no_task(visit, ref):
    assert Modify().enter(Settings(TARGET, ref=Constant(ref)), visit()) == Fail(
        ErrorKind.SOFTWARE,
        "not_found_task",
        "not found task: the ref or id given is empty",
        {"__conveyor_copy_task_result__": "not_found_task"},
    )


def test_data_that_is_no_object_fails_the_node(visit):
    outcome = Modify().enter(Settings(TARGET, ref=REF, data=Constant("text")), visit())

    assert outcome == Fail(
        ErrorKind.SOFTWARE,
        "copy_task_wrong_convert_param",
        "Param: data, Value: text, Try convert to: object",
        {"__conveyor_copy_task_result__": "copy_task_wrong_convert_param"},
    )


def test_the_task_goes_on_when_the_other_is_changed(visit):
    outcome = Modify().resume(Settings(TARGET, ref=REF), visit(), Done())

    assert outcome == Go(changes={"__conveyor_copy_task_result__": "ok"})


@pytest.mark.parametrize(
    ("reason", "tag"),
    [
        (Refusal.UNKNOWN_PROCESS, "access_denied"),
        (Refusal.NOT_ACTIVE, "conveyor_is_not_active"),
        (Refusal.INVALID_DATA, "wrong_validate_params"),
        (Refusal.TOO_LARGE, "copy_task_size_overflow_limit"),
        (Refusal.UNKNOWN_TASK, "not_found_task"),
        (Refusal.NOT_WAITING, "no_api_callback_in_node_with_task"),
    ],
)
def test_a_refusal_fails_the_node_with_its_tag(visit, reason, tag):
    outcome = Modify().resume(Settings(TARGET, ref=REF), visit(), Refused(reason, "why"))

    assert outcome == Fail(ErrorKind.SOFTWARE, tag, "why", {"__conveyor_copy_task_result__": tag})


@pytest.mark.parametrize("answer", [TimeUp(), Refused(Refusal.TOO_DEEP, "why")])
def test_it_waits_for_nothing_else(visit, answer):
    with pytest.raises(NotImplementedError):
        Modify().resume(Settings(TARGET, ref=REF), visit(), answer)


@pytest.mark.parametrize("settings", [Settings(TARGET), Settings(TARGET, ref=REF, task_id=REF)])
def test_a_task_is_named_in_one_way(settings):
    assert [key for key, _ in Modify().problems(settings)] == ["ref"]


def test_right_settings_have_no_problems():
    assert list(Modify().problems(Settings(TARGET, ref=REF))) == []
    assert list(Modify().problems(Settings(TARGET, task_id=REF))) == []


def test_it_sets_the_parameters_of_both_families():
    assert Modify.prefixes == ("copy_task", "modify_task")
    assert Modify().writes(Settings(TARGET)) == {"__conveyor_copy_task_result__"}
