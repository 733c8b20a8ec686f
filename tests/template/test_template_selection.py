"""Filters that pick items, and times read from texts."""

import pytest

from engine.errors import TemplateError
from engine.template import compile_expression


class Data:
    def __init__(self, **data):
        self.data = data

    def name(self, name):
        return {}

    def call(self, function, args, kwargs):
        raise AssertionError(function)


def value_of(text, **data):
    return compile_expression(text).render(Data(**data))


MESSAGES = [{"body": "a", "sid": 1}, {"body": "b", "sid": 2}, {"sid": 3}]


def test_items_whose_attribute_passes_a_test_are_kept():
    assert value_of("m | selectattr('body', 'equalto', 'b') | first", m=MESSAGES) == MESSAGES[1]


def test_without_a_test_items_that_have_the_attribute_are_kept():
    assert value_of("m | selectattr('body') | length", m=MESSAGES) == 2


def test_rejectattr_drops_what_selectattr_keeps():
    assert value_of("m | rejectattr('body')", m=MESSAGES) == [MESSAGES[2]]


def test_a_test_with_too_many_arguments_is_an_error():
    with pytest.raises(TemplateError, match="does not take these"):
        value_of("m | selectattr('body', 'string', 1, 2)", m=MESSAGES)


def test_nothing_that_fits_is_missing_not_an_error():
    assert (
        value_of("(m | selectattr('body', 'equalto', 'x') | first) is mapping", m=MESSAGES) is False
    )


def test_a_test_that_does_not_exist_is_an_error():
    with pytest.raises(TemplateError, match="no test 'nosuch'"):
        value_of("m | selectattr('body', 'nosuch')", m=MESSAGES)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 24 Aug 2023 05:01:45 +0000", 1692853305),
        ("2023-08-24T05:01:45Z", 1692853305),
        ("2023-08-24T07:01:45+02:00", 1692853305),
        ("2023-08-24", 1692835200),
    ],
)
def test_times_of_both_forms_become_unix_seconds(text, seconds):
    assert value_of("t | timestamp", t=text) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "9" * 100, None, 5])
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(TemplateError):
        value_of("t | timestamp", t=text)
