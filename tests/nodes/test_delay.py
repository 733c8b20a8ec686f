import pytest

from engine.node import (
    Constant,
    Duration,
    ErrorKind,
    Fail,
    Go,
    Replied,
    TimeUp,
    Wait,
    WaitKind,
    parse_duration,
)
from nodes.delay import Delay, Settings

ENTERED = 1_700_000_000_000_000


def for_(value):
    return Settings(for_=Constant(value))


def until(value):
    return Settings(until=Constant(value))


@pytest.mark.parametrize(
    ("value", "due"),
    [
        (parse_duration("30s"), ENTERED + 30_000_000),
        (30, ENTERED + 30_000_000),
        (0.5, ENTERED + 500_000),
        ("30", ENTERED + 30_000_000),
        ("5m", ENTERED + 300_000_000),
    ],
)
def test_a_relative_time_counts_from_the_entry(visit, value, due):
    assert Delay().enter(for_(value), visit()) == Wait(WaitKind.TIME, due)


@pytest.mark.parametrize("value", [1_700_000_060, "1700000060", 1_700_000_060.0])
def test_an_absolute_time_is_a_unix_time_in_seconds(visit, value):
    assert Delay().enter(until(value), visit()) == Wait(WaitKind.TIME, 1_700_000_060_000_000)


@pytest.mark.parametrize("value", [3, -5, 1_699_999_999, "0"])
def test_a_moment_that_is_past_does_not_hold_the_task(visit, value):
    assert Delay().enter(until(value), visit()) == Go()


def test_a_delay_of_no_time_does_not_hold_the_task(visit):
    assert Delay().enter(for_(Duration(0)), visit()) == Go()


@pytest.mark.parametrize("value", ["", "soon", None, True, [1], -1, "-1", "5 weeks", 1e300])
def test_a_relative_time_that_is_none_fails_the_node(visit, value):
    outcome = Delay().enter(for_(value), visit())

    assert isinstance(outcome, Fail)
    assert (outcome.kind, outcome.tag) == (ErrorKind.SOFTWARE, "timer_wrong_value")


@pytest.mark.parametrize(
    "value", ["", "30s", None, True, {}, "nan", "inf", 1e300, 1_700_000_000_000]
)
def test_an_absolute_time_that_is_none_fails_the_node(visit, value):
    outcome = Delay().enter(until(value), visit())

    assert isinstance(outcome, Fail)
    assert (outcome.kind, outcome.tag) == (ErrorKind.SOFTWARE, "timer_wrong_value")
    assert outcome.description == f"{value!r} is not a Unix time in seconds"


def test_a_task_goes_on_when_its_time_has_come(visit):
    assert Delay().resume(for_("30s"), visit(), TimeUp()) == Go()


def test_a_delay_waits_for_its_timer_only(visit):
    with pytest.raises(NotImplementedError):
        Delay().resume(for_("30s"), visit(), Replied({}))


@pytest.mark.parametrize("settings", [Settings(), Settings(Constant("1s"), Constant("1"))])
def test_a_delay_has_one_time_only(settings):
    assert list(Delay().problems(settings)) == [("for", "a delay has either 'for' or 'until'")]


def test_a_delay_with_one_time_has_no_problems():
    assert list(Delay().problems(for_("1s"))) == []
    assert list(Delay().problems(until("1"))) == []


def test_a_delay_without_a_time_fails_should_it_ever_run(visit):
    outcome = Delay().enter(Settings(), visit())

    assert isinstance(outcome, Fail)
    assert outcome.tag == "timer_wrong_value"


def test_a_delay_needs_no_timeout_and_sets_no_parameters():
    assert not Delay.waits
    assert Delay().writes(Settings()) == frozenset()
