"""Parameters are checked on every way in, and every wrong one is named at once."""

import pytest

from engine.core.view import task_view

SIGNUP = r"""
process: signup
params:
  phone: {required: true, regex: '^\+[0-9]{7,15}$', regex_error: give the number with its country}
  password: {regex: '^(?=.*[0-9])(?=.*[a-z]).{8,}$', auto_clear: true}
  code: {type: number, regex: '^[1-9][0-9]{3}$'}
  tags: {type: array, max_length: 2}
  card: {type: object, min_length: 1}
  agreed: {type: boolean, required: true}
  plan: {default: free}
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: done}, next: done}
  done: {type: end}
"""
COPIER = """
process: copier
nodes:
  start: {type: start, next: copy}
  copy: {type: copy_task, process: signup, data: "{{ root.data.given }}", next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
CALLER = """
process: caller
nodes:
  start: {type: start, next: call}
  call:
    type: call_process
    process: signup
    data: "{{ root.data.given }}"
    timeout: {after: 1d, next: bad}
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
"""
RIGHT = {"phone": "+380501234567", "agreed": True}
WRONG = {
    "phone": "0501234567",
    "password": "12345678",
    "code": 99,
    "tags": [1, 2, 3],
    "card": {},
    "plan": 5,
}
FAULTS = [
    ("phone", "give the number with its country"),
    ("password", "does not match the pattern of this parameter"),
    ("code", "does not match the pattern of this parameter"),
    ("tags", "is longer than 2"),
    ("card", "is shorter than 1"),
    ("agreed", "is required and missing"),
    ("plan", "must be of type string, is number"),
]


async def test_a_submit_is_told_of_every_wrong_parameter(board):
    b = board(SIGNUP)

    refused = await b.submit("signup", WRONG)

    assert [(fault["parameter"], fault["message"]) for fault in refused.faults] == FAULTS
    assert all(f"'{name}' {message}" in str(refused) for name, message in FAULTS)


@pytest.mark.parametrize(
    ("process", "text", "prefix"), [("copier", COPIER, "copy_task"), ("caller", CALLER, "rpc")]
)
async def test_a_copy_and_a_call_fail_with_every_wrong_parameter(board, process, text, prefix):
    """Source: Corezoid, Copy Task (`wrong_validate_params`, `Param: .., Error: ..`)."""
    b = board(SIGNUP, text)

    task = await b.submit(process, {"given": WRONG})

    assert task.node == "bad"
    assert task.data[f"__conveyor_{prefix}_return_type_tag__"] == "wrong_validate_params"
    assert task.data[f"__conveyor_{prefix}_return_description__"] == "; ".join(
        f"Param: {name}, Error: {message}" for name, message in FAULTS
    )


async def test_what_fits_is_let_in_with_its_defaults(board):
    b = board(SIGNUP)

    task = await b.submit("signup", {**RIGHT, "password": "abcdefg1", "code": 1234})

    assert task.data == {**RIGHT, "password": "abcdefg1", "code": 1234, "plan": "free"}


async def test_a_number_is_searched_as_it_is_written(board):
    b = board(SIGNUP)

    refused = await b.submit("signup", {**RIGHT, "code": 12345})
    task = await b.submit("signup", {**RIGHT, "code": 1234.0})

    assert [fault["parameter"] for fault in refused.faults] == ["code"]
    assert task.data["code"] == 1234.0


async def test_a_text_too_long_for_its_pattern_is_refused(board):
    b = board(SIGNUP)

    refused = await b.submit("signup", {**RIGHT, "password": "a1" * 5000})

    (fault,) = refused.faults
    assert fault["message"] == (
        "can't be checked: a pattern with look-around searches at most 4096 characters,"
        " this text has 10000"
    )


async def test_a_change_of_a_task_checks_nothing(board):
    b = board(SIGNUP)
    await b.submit("signup", RIGHT, "r")

    assert await b.callback("signup", "wait", "r", {"id": "r", "phone": 5}) is not None
    assert (await b.task("signup", "r")).data["phone"] == 5


async def test_a_parameter_to_clear_is_hidden_once_the_task_has_ended(board):
    """Source: Corezoid, Task parameters (flag auto-clear)."""
    b = board(SIGNUP)
    waiting = await b.submit("signup", {**RIGHT, "password": "abcdefg1"}, "r")
    before = task_view(waiting, b.graphs["signup"])["data"]["password"]
    await b.callback("signup", "wait", "r", {"id": "r"})

    ended = task_view(await b.task("signup", "r"), b.graphs["signup"])

    assert (before, ended["data"]["password"]) == ("abcdefg1", "***")
    assert ended["data"]["phone"] == "+380501234567"
