"""Circuits: when a host is let be, for how long, and how it comes back."""

import pytest

from engine.core.circuit import Circuits, Pause
from engine.core.command import CallFailed, CallFailure, HttpAnswer

HOST = "https://api.example.com"
OK = HttpAnswer(200, (), b"{}")
DEAD = CallFailed(CallFailure.UNREACHABLE, "GET https://api.example.com can't be reached: refused")
S = 1_000_000


class Time:
    """What a clock says."""

    def __init__(self):
        self.now = 1_700_000_000 * S

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def circuits(time):
    return Circuits(3, time)


def answer(status, **headers):
    return HttpAnswer(status, tuple((k.replace("_", "-"), v) for k, v in headers.items()), b"")


def fail(circuits, times, result=DEAD):
    for _ in range(times):
        circuits.heard(HOST, result)


@pytest.mark.parametrize(
    "result",
    [
        DEAD,
        CallFailed(CallFailure.TIMEOUT, "no answer"),
        CallFailed(CallFailure.BROKEN, "cut off"),
        answer(502),
        answer(503),
        answer(504),
    ],
)
def test_a_host_that_fails_so_often_in_a_row_is_let_be(circuits, result):
    fail(circuits, 2, result)
    before = circuits.pause(HOST)
    fail(circuits, 1, result)

    assert (before, circuits.pause(HOST).length) == (None, 1 * S)
    assert circuits.pause("https://other.example.com") is None


@pytest.mark.parametrize(
    "result",
    [
        answer(500),
        answer(404),
        answer(429),
        CallFailed(CallFailure.INVALID, ""),
        CallFailed(CallFailure.NOT_ALLOWED, ""),
        CallFailed(CallFailure.TOO_LARGE, ""),
        CallFailed(CallFailure.INTERRUPTED, ""),
    ],
)
def test_what_is_no_fault_of_the_host_opens_nothing(circuits, result):
    fail(circuits, 50, result)

    assert circuits.pause(HOST) is None


def test_an_answer_between_failures_counts_them_anew(circuits):
    for _ in range(20):
        fail(circuits, 2)
        circuits.heard(HOST, OK)

    assert circuits.pause(HOST) is None


def test_one_call_tries_the_host_when_its_time_is_over(circuits, time):
    fail(circuits, 3)

    time.now += 1 * S
    first, second = circuits.pause(HOST), circuits.pause(HOST)

    assert first is None
    assert second is not None


def test_a_try_that_is_answered_closes_the_circuit(circuits, time):
    fail(circuits, 3)
    time.now += 1 * S
    circuits.pause(HOST)

    circuits.heard(HOST, OK)
    fail(circuits, 2)

    assert circuits.pause(HOST) is None


def test_each_try_that_fails_doubles_the_pause_up_to_a_minute(circuits, time):
    fail(circuits, 3)

    lengths = []
    for _ in range(8):
        lengths.append(circuits.pause(HOST).length // S)
        time.now = circuits.pause(HOST).until
        circuits.pause(HOST)
        fail(circuits, 1)

    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_try_of_which_nobody_hears_is_followed_by_another(circuits, time):
    fail(circuits, 3)
    time.now += 1 * S
    circuits.pause(HOST)

    time.now += 60 * S

    assert circuits.pause(HOST) is None


def test_late_results_of_calls_from_before_change_nothing(circuits):
    fail(circuits, 3)
    opened = circuits.pause(HOST)

    fail(circuits, 5)
    circuits.heard(HOST, OK)

    assert circuits.pause(HOST) == opened


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("30", 30),
        ("Tue, 14 Nov 2023 22:15:20 GMT", 120),
        ("999999999999", 3600),
        ("Tue, 14 Nov 2033 22:15:20 GMT", 3600),
    ],
)
def test_a_host_that_asks_for_a_rest_gets_it_at_once(circuits, time, status, asked, seconds):
    circuits.heard(HOST, answer(status, retry_after=asked))

    assert circuits.pause(HOST).until - time.now == seconds * S


@pytest.mark.parametrize("asked", ["", "soon", "-5", "1.5", "٣", "Tue, 99 Nov 2023 22:15:20 GMT"])
def test_a_rest_that_nobody_understands_is_none(circuits, asked):
    circuits.heard(HOST, answer(429, retry_after=asked))

    assert circuits.pause(HOST) is None


def test_without_circuits_no_host_is_let_be(time):
    circuits = Circuits(0, time)

    fail(circuits, 100)
    circuits.heard(HOST, answer(429, retry_after="30"))

    assert circuits.pause(HOST) is None


def test_why_a_host_is_let_be_is_said(circuits):
    circuits.heard(HOST, answer(429, retry_after="30"))

    said = circuits.why(circuits.pause(HOST))

    assert said == "its circuit is open for 30 s more: it answered 429 with Retry-After"


def test_engines_learn_of_each_others_pauses(circuits, time):
    other = Circuits(3, time)
    fail(circuits, 3)

    changes = circuits.changes()
    other.learn(changes.values())
    opened = other.pause(HOST)
    other.learn([])

    assert opened == changes[HOST] == Pause(HOST, time.now + 1 * S, 1 * S, DEAD.description)
    assert other.pause(HOST) is None


def test_what_was_not_told_yet_is_not_overwritten(circuits, time):
    fail(circuits, 3)
    changes = circuits.changes()
    circuits.give_back(changes)

    circuits.learn([])

    assert circuits.pause(HOST) is not None
    assert circuits.changes() == changes
    assert time.now
