"""What the demo takes for the outcome of a message."""

import pytest

from engine.cli.demo_watch import Case, Outcome, Track
from engine.core.task import Memo, Task, TaskState

CASE = Case("+15550000000", Outcome.DELIVERED, "delivered")


EARLY = Case("+15550000003", Outcome.EARLY_CALLBACK, "callback before its task")


def track(data, *, case=CASE, early=False, over=True, state=TaskState.SUCCESS):
    task = Task(
        "t1", "t1", "sending-sms", 1, "sent", state, data, Memo(), 9, None, 0, 0, 0, 0, 0,
    )  # fmt: skip
    return Track(case, "order-1", task, is_over=over, has_early_callback=early)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"sid": "SM1", "status": "delivered", "code": ""}, Outcome.DELIVERED),
        ({"sid": "SM1", "status": "undelivered"}, Outcome.UNDELIVERED),
        ({"sid": "SM1", "status": "failed"}, Outcome.FAILED),
        ({"code": 21211, "status": 400}, Outcome.REFUSED),
        ({"sid": "SM1", "code": "status_unknown", "status": "sent"}, None),
        ({"sid": "SM1", "status": "sent"}, None),
    ],
)
def test_the_outcome_is_what_the_task_says(data, outcome):
    assert track(data).outcome is outcome


@pytest.mark.parametrize(
    ("case", "early", "status", "outcome"),
    [
        (EARLY, True, "delivered", Outcome.EARLY_CALLBACK),
        (EARLY, True, "undelivered", Outcome.UNDELIVERED),
        (EARLY, False, "delivered", Outcome.DELIVERED),
        (CASE, True, "delivered", Outcome.DELIVERED),
    ],
)
def test_an_early_callback_counts_only_where_it_was_meant(case, early, status, outcome):
    assert track({"sid": "SM1", "status": status}, case=case, early=early).outcome is outcome


def test_a_message_that_is_on_its_way_has_no_outcome():
    assert track({"sid": "SM1", "status": "delivered"}, over=False).outcome is None
    assert Track(CASE, "order-1").outcome is None


def test_a_message_that_ended_otherwise_than_meant_is_not_accounted_for():
    assert track({"sid": "SM1", "status": "delivered"}).is_as_expected
    assert not track({"sid": "SM1", "status": "failed"}).is_as_expected
