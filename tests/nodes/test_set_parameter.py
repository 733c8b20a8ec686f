import pytest

from engine.errors import TemplateError
from engine.node import Constant, ErrorKind, Fail, Go
from nodes.set_parameter import SetParameter, Settings


def setting(**values):
    return Settings({Constant(name): Constant(value) for name, value in values.items()})


def paths(values):
    return Settings({Constant(name): Constant(value) for name, value in values.items()})


def test_values_are_written_with_their_types(visit):
    outcome = SetParameter().enter(setting(a=1, b="007", c=[1], d=None), visit())

    assert outcome == Go(changes={"a": 1, "b": "007", "c": [1], "d": None})


def test_names_and_values_are_taken_from_the_data_as_on_entry(visit, computed):
    settings = Settings(
        {
            Constant("a"): computed(lambda scope: scope.data["b"]),
            Constant("b"): computed(lambda scope: scope.data["a"]),
            computed(lambda scope: f"status_{scope.data['a']}"): Constant("ok"),
        }
    )

    outcome = SetParameter().enter(settings, visit({"a": 1, "b": 2}))

    assert outcome == Go(changes={"a": 2, "b": 1, "status_1": "ok"})


@pytest.mark.parametrize(
    ("data", "path", "changes"),
    [
        ({}, "order.price", {"order": {"price": 5}}),
        ({"order": {"id": 1}}, "order.price", {"order": {"id": 1, "price": 5}}),
        ({"order": None}, "order.price", {"order": {"price": 5}}),
        ({}, "items[2]", {"items": [None, None, 5]}),
        ({"items": [{"a": 1}]}, "items[0].b", {"items": [{"a": 1, "b": 5}]}),
        ({"items": [1]}, "items[1].b", {"items": [1, {"b": 5}]}),
        ({}, "m[0][1]", {"m": [[None, 5]]}),
        ({"user": {"x": 1}}, "user[name]", {"user": {"x": 1, "name": 5}}),
        ({"user": {"1": 0}}, "user[1]", {"user": {"1": 5}}),
        ({}, r"a\.b", {"a.b": 5}),
        ({}, r"doc.SUPP\.CODE", {"doc": {"SUPP.CODE": 5}}),
        ({}, r"phone\[0\]", {"phone[0]": 5}),
    ],
)
def test_a_path_writes_into_an_object_or_a_list(visit, data, path, changes):
    assert SetParameter().enter(paths({path: 5}), visit(data)) == Go(changes=changes)


def test_two_paths_into_one_object_both_count(visit):
    settings = paths({"o.a": 1, "o.b": 2, "o.c[0]": 3})

    assert SetParameter().enter(settings, visit({"o": {"a": 0, "z": 9}})) == Go(
        changes={"o": {"a": 1, "z": 9, "b": 2, "c": [3]}}
    )


def test_the_data_itself_is_never_changed(visit):
    data = {"o": {"list": [{"a": 1}]}}

    SetParameter().enter(paths({"o.list[0].a": 2}), visit(data))

    assert data == {"o": {"list": [{"a": 1}]}}


def test_the_greatest_index_is_a_hundred(visit):
    outcome = SetParameter().enter(paths({"a[100]": 5}), visit())

    assert isinstance(outcome, Go)
    assert len(outcome.changes["a"]) == 101


@pytest.mark.parametrize(
    ("data", "path", "description"),
    [
        ({}, "a[101]", "Param: a[101], Error: '101' is not an index from 0 to 100"),
        ({"a": []}, "a[x]", "Param: a[x], Error: 'x' is not an index from 0 to 100"),
        ({"a": []}, "a[-1]", "Param: a[-1], Error: '-1' is not an index from 0 to 100"),
        ({}, f"a[{'9' * 5000}]", None),
        ({"a": "text"}, "a.b", "Param: a.b, Value: text, Try convert to: object"),
        ({"a": 5}, "a[0]", "Param: a[0], Value: 5, Try convert to: object"),
        ({"a": {"b": ""}}, "a.b.c", "Param: a.b.c, Value: , Try convert to: object"),
        ({}, "a..b", None),
        ({}, "a[", None),
        ({}, "", None),
        ({}, ".", None),
    ],
)
def test_a_path_that_leads_nowhere_fails_and_nothing_is_written(visit, data, path, description):
    outcome = SetParameter().enter(paths({"good": 1, path: 5}), visit(data))

    assert isinstance(outcome, Fail)
    assert (outcome.kind, outcome.tag) == (ErrorKind.SOFTWARE, "set_param_wrong_convert_param")
    assert outcome.changes is None
    if description is not None:
        assert outcome.description == description


def test_names_that_are_not_text_become_text(visit):
    settings = Settings({Constant(7): Constant("x")})

    assert SetParameter().enter(settings, visit()) == Go(changes={"7": "x"})


def test_a_missing_name_is_no_name(visit):
    outcome = SetParameter().enter(Settings({Constant(None): Constant("x")}), visit())

    assert isinstance(outcome, Fail)


def test_unset_takes_parameters_out(visit):
    assert SetParameter().enter(Settings(unset=("a", "b.c")), visit()) == Go(
        changes={}, removed=("a", "b.c")
    )


def test_an_error_in_a_value_is_left_to_the_engine(visit, broken):
    with pytest.raises(TemplateError):
        SetParameter().enter(Settings({Constant("a"): broken}), visit())


def test_a_node_that_changes_nothing_is_a_problem():
    (found,) = SetParameter().problems(Settings())

    assert found[0] == "set"


def test_an_empty_name_to_unset_is_a_problem():
    assert [key for key, _ in SetParameter().problems(Settings(unset=("",)))] == ["unset"]


def test_right_settings_have_no_problems():
    assert list(SetParameter().problems(setting(a=1))) == []
    assert list(SetParameter().problems(Settings(unset=("a",)))) == []
