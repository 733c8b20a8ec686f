import pytest

from engine.node import Address, Arrived, Go, TimeUp, Wait, WaitKind, parse_duration
from nodes.waiting_for_callback import Match, Settings, WaitingForCallback

DAY = parse_duration("24h")


def test_a_task_waits_for_a_callback(visit):
    assert WaitingForCallback().enter(Settings(), visit()) == Wait(WaitKind.CALLBACK)
    assert WaitingForCallback.waits


def test_what_arrives_is_merged_and_the_task_goes_on(visit):
    outcome = WaitingForCallback().resume(Settings(), visit(), Arrived({"paid": True}))

    assert outcome == Go(changes={"paid": True})


def test_a_callback_without_data_releases_the_task_too(visit):
    assert WaitingForCallback().resume(Settings(), visit(), Arrived({})) == Go(changes={})


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        WaitingForCallback().resume(Settings(), visit(), TimeUp())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("id", {"id": "abc"}),
        ("meta.task", {"meta": {"task": "abc"}}),
        ("data.items[0].id", {"data": {"items": [{"id": "abc"}]}}),
        ("items.1", {"items": ["x", "abc"]}),
        ("rows[0][1]", {"rows": [["x", "abc"]]}),
    ],
)
def test_the_task_id_is_found_by_its_path(path, body):
    settings = Settings(Match(task_id=path))

    assert WaitingForCallback().address(settings, body) == Address("abc", "", True, DAY)


def test_the_ref_is_found_by_its_path_and_may_be_a_number():
    settings = Settings(Match(ref="order"), sync=False, keep_early=parse_duration("5m"))

    found = WaitingForCallback().address(settings, {"order": 42})

    assert found == Address("", "42", False, parse_duration("5m"))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"a": 1},
        {"a": {"b": None}},
        {"a": {"b": ""}},
        {"a": {"b": True}},
        {"a": {"b": {"c": 1}}},
        {"a": ["b"]},
    ],
)
def test_a_body_that_names_nobody_is_refused(body):
    with pytest.raises(ValueError, match=r"^the body has no task_id at 'a\.b'$"):
        WaitingForCallback().address(Settings(Match(task_id="a.b")), body)


def test_an_index_outside_of_the_list_names_nobody():
    with pytest.raises(ValueError, match="the body has no ref"):
        WaitingForCallback().address(Settings(Match(ref="a[2]")), {"a": ["x"]})


def test_without_a_match_plain_callbacks_are_refused():
    with pytest.raises(ValueError, match=r"^the node has no 'match'"):
        WaitingForCallback().address(Settings(), {"id": "abc"})


@pytest.mark.parametrize("match", [Match(), Match("a", "b")])
def test_a_match_is_by_id_or_by_ref(match):
    assert list(WaitingForCallback().problems(Settings(match))) == [
        ("match", "a callback is matched either by 'task_id' or by 'ref'")
    ]


@pytest.mark.parametrize("path", ["", "a..b", "{{ a }}", "a.", "[", "a]b"])
def test_a_path_that_is_none_is_a_problem(path):
    (found,) = WaitingForCallback().problems(Settings(Match(task_id=path)))

    assert found[0] == "match"
    assert "is neither a name nor a path" in found[1]


def test_right_settings_have_no_problems():
    assert list(WaitingForCallback().problems(Settings())) == []
    assert list(WaitingForCallback().problems(Settings(Match(ref="data.items[0].id")))) == []
