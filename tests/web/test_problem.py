"""Errors as problems."""

import pytest

from engine import errors
from engine.web.problem import headers_of, problem_of, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RequestError, 400),
        (errors.NotAllowed, 403),
        (errors.UnknownProcess, 404),
        (errors.UnknownTask, 404),
        (errors.UnknownNode, 404),
        (errors.RefTaken, 409),
        (errors.KeyReused, 409),
        (errors.NotActive, 409),
        (errors.NotPossible, 409),
        (errors.TooLarge, 413),
        (errors.InvalidData, 422),
        (errors.Busy, 429),
        (errors.StoreUnavailable, 503),
        (errors.StoreError, 503),
        (errors.TemplateError, 500),
    ],
)
def test_the_status_says_whose_fault_an_error_is(error, status):
    assert status_of(error()) == status


def test_a_problem_says_what_happened_where_and_what_to_do():
    error = errors.InvalidData(
        "two are wrong",
        hint="mend them",
        faults=[{"parameter": "a", "message": "is missing"}],
    )

    assert problem_of(error) == {
        "type": "urn:conveyor:invalid-data",
        "title": "The task's data does not fit the parameters of the process.",
        "status": 422,
        "detail": "two are wrong",
        "kind": "invalid_data",
        "hint": "mend them",
        "faults": [{"parameter": "a", "message": "is missing"}],
    }


def test_a_problem_leaves_out_what_there_is_not():
    assert problem_of(errors.UnknownTask()).keys() == {"type", "title", "status", "detail", "kind"}


@pytest.mark.parametrize("error", [errors.Busy(), errors.StoreUnavailable()])
def test_what_may_work_in_a_moment_says_when(error):
    assert headers_of(error) == [(b"retry-after", b"1")]


def test_what_would_fail_again_does_not_say_when():
    assert headers_of(errors.UnknownTask()) == []
