"""The small values of the core: durations, moments, patterns, paths, shapes."""

import pytest

from engine.core.batch import Batch, Step, Wants
from engine.core.duration import Duration, parse_duration
from engine.core.node import Constant, NodeType, NoSettings, Visit
from engine.core.outcome import Go
from engine.core.parameter import Parameter, ParameterType, check_data
from engine.core.value import (
    as_text,
    not_convertible,
    read_path,
    split_path,
    without_system_names,
)
from engine.core.view import iso_time, step_view, without_secrets

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("500ms", 500_000),
        ("30s", 30 * SECOND),
        ("1.5m", 90 * SECOND),
        ("2h", 7200 * SECOND),
        (" 7d ", 7 * 86_400 * SECOND),
        (0, 0),
        (2.5, 2_500_000),
    ],
)
def test_a_duration_is_read(written, microseconds):
    assert parse_duration(written) == microseconds


@pytest.mark.parametrize(
    "wrong", ["", "5", "5 s", "-1s", "1w", "٣s", None, True, -1, [], float("nan"), "9" * 30 + "d"]
)
def test_what_is_no_duration_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a duration: write 500ms, 30s"):
        parse_duration(wrong)


@pytest.mark.parametrize(
    ("microseconds", "written"),
    [
        (0, "0ms"),
        (1500, "1.5ms"),
        (90 * SECOND, "90s"),
        (7200 * SECOND, "2h"),
        (172_800 * SECOND, "2d"),
    ],
)
def test_a_duration_is_written_with_its_largest_unit(microseconds, written):
    assert str(Duration(microseconds)) == written


def test_a_duration_is_known_in_seconds():
    assert parse_duration("500ms").seconds == 0.5


class Around:
    """What a visit asks of its turn."""

    def name(self, visit, name):
        return {"conv_id": 7} if name == "root" else name

    def call(self, visit, function, args, kwargs):
        return (function, args, kwargs)


class Place:
    id = "here"
    title = "Here"
    next = "there"


class Standing:
    task_id = "a" * 24
    ref = "r"
    process = "p"


@pytest.fixture
def visit():
    return Visit({"a": 1}, 3, 100 * SECOND, 90 * SECOND, Place(), Standing(), Around())


@pytest.mark.parametrize(
    ("value", "is_relative", "moment"),
    [
        (Duration(5 * SECOND), False, 95),
        ("5s", False, 95),
        ("200", False, 200),
        (200, False, 200),
        (200.5, False, 200.5),
        (5, True, 95),
        ("5", True, 95),
    ],
)
def test_a_moment_is_a_duration_from_the_entry_or_a_time(visit, value, is_relative, moment):
    assert visit.moment(value, is_relative=is_relative) == moment * SECOND


@pytest.mark.parametrize("wrong", [True, None, [], "soon", "nan", "inf"])
def test_what_is_no_moment_is_refused(visit, wrong):
    with pytest.raises(ValueError, match=r"is (not|neither) a duration"):
        visit.moment(wrong)


def test_a_visit_tells_a_node_where_it_is(visit):
    assert (visit.key, visit.task_id, visit.ref, visit.process) == (
        f"{'a' * 24}-3",
        "a" * 24,
        "r",
        "p",
    )
    assert visit.origin == {"conv_id": 7, "node_id": "here", "ref_id": "r"}


def test_a_scope_with_names_of_its_own_knows_the_others_too(visit):
    scope = visit.with_names({"body": 1})

    assert (scope.data, scope.name("body"), scope.name("env")) == ({"a": 1}, 1, "env")
    assert scope.call("f", (1,), {"b": 2}) == ("f", (1,), {"b": 2})


class Plain(NodeType[NoSettings]):
    type = "plain"
    title = "Plain"

    def enter(self, settings, visit):
        return Go()


class Listening(Plain):
    def resume(self, settings, visit, answer):
        return Go()


def test_a_node_type_says_what_it_is_only_where_it_differs():
    node = Plain()

    assert (node.address(NoSettings(), {}), node.takes_callbacks()) == (None, False)
    assert (node.result_title(NoSettings()), list(node.problems(NoSettings()))) == ("", [])
    assert (node.writes(NoSettings()), Listening().writes(NoSettings())) == (frozenset(), None)


def test_a_node_type_that_waits_for_nothing_refuses_an_answer(visit):
    with pytest.raises(NotImplementedError, match="plain does not wait for"):
        Plain().resume(NoSettings(), visit, Constant(1))


def test_a_constant_is_a_template_of_one_value(visit):
    assert Constant(5).render(visit) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"), (None, ""), (2.0, "2"), (2.5, "2.5"), (1e300, "1e300"), (True, "true"),
        ([1, {"a": None}], '[1,{"a":null}]'),
    ],
)  # fmt: skip
def test_values_are_written_as_text(value, text):
    assert as_text(value) == text


def test_a_value_of_the_wrong_type_is_told_cut_short():
    assert not_convertible("a", "b" * 200, "object") == (
        f"Param: a, Value: {'b' * 100}, Try convert to: object"
    )


def test_system_names_are_not_copied():
    assert without_system_names({"__conveyor_x__": 1, "__rpc_y__": 2, "__z__": 3, "a": 4}) == {
        "__z__": 3, "a": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "steps"),
    [("a", ("a",)), ("a.b[0].c", ("a", "b", "0", "c")), (r"a\.b", ("a.b",)), ("[0]", ("0",))],
)
def test_a_path_is_split(text, steps):
    assert split_path(text) == steps


@pytest.mark.parametrize("wrong", ["", "a..b", "a[", "a.", "{{a}}"])
def test_what_is_no_path_is_refused(wrong):
    with pytest.raises(ValueError, match="is neither a name nor a path"):
        split_path(wrong)


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ((), {"a": [{"b": 1}]}),
        (("a", "0", "b"), 1),
        (("a", "1"), None),
        (("a", "x"), None),
        (("b",), None),
        (("a", "9" * 99), None),
    ],
)
def test_a_path_is_followed(steps, value):
    assert read_path({"a": [{"b": 1}]}, steps) == value


def test_what_is_no_json_is_of_no_type():
    parameters = {"a": Parameter("a", ParameterType.STRING)}

    (fault,) = check_data(parameters, {"a": object()})

    assert str(fault) == "Param: a, Error: must be of type string, is null"


def test_the_length_of_lists_is_bounded_too():
    parameters = {"a": Parameter("a", ParameterType.ARRAY, max_length=1)}

    assert [fault.message for fault in check_data(parameters, {"a": [1, 2]})] == [
        "is longer than 1"
    ]


def test_times_are_shown_in_utc():
    assert iso_time(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"
    assert iso_time(None) is None


def test_secrets_are_hidden():
    data = {"token": "x", "a": 1}

    assert without_secrets(data, ()) is data
    assert without_secrets(data, {"token"}) == {"token": "***", "a": 1}


def test_a_visit_is_shown_with_what_went_wrong():
    shown = step_view(Step(2, "ask", 0, 1000, "error", ("hardware", "tag", "text")))

    assert shown == {
        "visit": 2,
        "node": "ask",
        "entered": "1970-01-01T00:00:00.000Z",
        "left": "1970-01-01T00:00:00.001Z",
        "by": "error",
        "error": {"kind": "hardware", "tag": "tag", "description": "text"},
    }


def test_a_batch_knows_whether_there_is_anything_to_write():
    assert (Batch(0).has_rows, Batch(0, deleted=["a"]).has_rows) == (False, True)
    assert (bool(Wants()), bool(Wants(once={"a"}))) == (False, True)


def test_a_way_ends_where_the_task_stands():
    from engine.core.task import Memo, Task, TaskState
    from engine.core.view import history_view

    task = Task(
        "a",
        "r",
        "p",
        1,
        "wait",
        TaskState.WAITING,
        {},
        Memo(entered=1000),
        2,
        None,
        0,
        0,
        None,
        0,
        2,
    )
    steps = [Step(1, "start", 0, 1000, "next")]

    assert [(each["node"], each["left"]) for each in history_view(steps, task)] == [
        ("start", "1970-01-01T00:00:00.001Z"),
        ("wait", None),
    ]
    task.finished = 1000
    assert [each["node"] for each in history_view(steps, task)] == ["start"]
