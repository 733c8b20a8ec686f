import pytest

from engine.errors import TemplateError
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
    TimeUp,
)
from nodes.copy_task import CopyTask, Settings

TARGET = Constant("archive")
TRACE = {"__copy_conv_id__": 1001, "__copy_node_id__": "here", "__copy_ref_id__": "order-1"}


def test_the_new_task_gets_the_listed_parameters_and_where_they_come_from(visit):
    settings = Settings(TARGET, Constant("r-1"), Constant({"a": 1}))

    outcome = CopyTask().enter(settings, visit({"b": 2}))

    assert outcome == Ask(CreateTask("archive", "r-1", {"a": 1, **TRACE}, {}, False))


def test_without_a_ref_one_is_generated(visit):
    outcome = CopyTask().enter(Settings(TARGET, data=Constant({"a": 1})), visit())

    assert outcome.command.ref == ""


@pytest.mark.parametrize(("ref", "text"), [(42, "42"), (None, ""), (True, "true")])
def test_process_and_ref_may_be_templates_of_any_type(visit, computed, ref, text):
    process = computed(lambda scope: scope.data["target"])
    settings = Settings(process, computed(lambda scope: ref), Constant({"a": 1}))

    outcome = CopyTask().enter(settings, visit({"target": "archive"}))

    assert (outcome.command.process, outcome.command.ref) == ("archive", text)


def test_all_parameters_are_copied_but_those_of_the_engine(visit):
    data = {
        "a": 1,
        "__conveyor_api_return_type_tag__": "x",
        "__rpc_corr_id__": "secret",
        "__callback_url": "u",
    }

    outcome = CopyTask().enter(Settings(TARGET, all_params=True), visit(data))

    assert outcome.command.inherited == {"a": 1, "__callback_url": "u"}
    assert outcome.command.data == TRACE


def test_listed_parameters_stand_beside_the_copied_ones(visit):
    settings = Settings(TARGET, data=Constant({"a": 2}), all_params=True)

    outcome = CopyTask().enter(settings, visit({"a": 1, "b": 1}))

    assert outcome.command.inherited == {"a": 1, "b": 1}
    assert outcome.command.data == {"a": 2, **TRACE}


@pytest.mark.parametrize(("value", "shown"), [("text", "text"), ([1], "[1]"), (None, "")])
def test_data_that_is_no_object_fails_the_node(visit, computed, value, shown):
    settings = Settings(TARGET, data=computed(lambda scope: value))

    assert CopyTask().enter(settings, visit()) == Fail(
        ErrorKind.SOFTWARE,
        "copy_task_wrong_convert_param",
        f"Param: data, Value: {shown}, Try convert to: object",
        {"__conveyor_copy_task_result__": "copy_task_wrong_convert_param"},
    )


def test_an_error_in_a_value_is_left_to_the_engine(visit, broken):
    with pytest.raises(TemplateError):
        CopyTask().enter(Settings(TARGET, data=broken), visit())


def test_the_task_goes_on_when_the_copy_is_made(visit):
    outcome = CopyTask().resume(Settings(TARGET), visit(), Done("1"))

    assert outcome == Go(changes={"__conveyor_copy_task_result__": "ok"})


@pytest.mark.parametrize(
    ("reason", "tag"),
    [
        (Refusal.UNKNOWN_PROCESS, "access_denied"),
        (Refusal.NOT_ACTIVE, "conveyor_is_not_active"),
        (Refusal.INVALID_DATA, "wrong_validate_params"),
        (Refusal.TOO_LARGE, "copy_task_size_overflow_limit"),
        (Refusal.REF_TAKEN, "not_unical_ref"),
        (Refusal.TOO_DEEP, "infinite_loop"),
    ],
)
def test_a_refusal_fails_the_node_with_its_tag(visit, reason, tag):
    outcome = CopyTask().resume(Settings(TARGET), visit(), Refused(reason, "why"))

    assert outcome == Fail(ErrorKind.SOFTWARE, tag, "why", {"__conveyor_copy_task_result__": tag})


@pytest.mark.parametrize("answer", [TimeUp(), Refused(Refusal.UNKNOWN_TASK, "why")])
def test_it_waits_for_nothing_else(visit, answer):
    with pytest.raises(NotImplementedError):
        CopyTask().resume(Settings(TARGET), visit(), answer)


@pytest.mark.parametrize("data", [None, Constant({})])
def test_copying_nothing_is_a_problem(data):
    assert [key for key, _ in CopyTask().problems(Settings(TARGET, data=data))] == ["data"]


def test_right_settings_have_no_problems():
    assert list(CopyTask().problems(Settings(TARGET, data=Constant({"a": 1})))) == []
    assert list(CopyTask().problems(Settings(TARGET, all_params=True))) == []


def test_it_writes_its_result_only():
    assert CopyTask().writes(Settings(TARGET)) == {"__conveyor_copy_task_result__"}
