"""Secrets are hidden by value, in every form in which they are usually written."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from engine.core.masking import Masker
from engine.core.message import Submit
from engine.core.view import task_view

SECRET = 'pa/ss"wörd&+=?\n~'
LONG = "0123456789abcdefghijklmnopqrstuvwxyz"


def masked(text, *values):
    return Masker().plus(values or [SECRET]).text(text)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps(SECRET)[1:-1].replace("\\u00f6", "\\u00F6"),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower().replace("%c3%b6", "%c3%b6"),
        b64encode(SECRET.encode()).decode(),
        b64encode(SECRET.encode()).decode().rstrip("="),
        urlsafe_b64encode(SECRET.encode()).decode(),
        urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        "pa/ss&quot;wörd&amp;+=?\n~",
    ],
)
def test_a_secret_is_hidden_in_every_form(form):
    assert masked(f"before {form} after") == "before *** after"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "abcd"])
@pytest.mark.parametrize("password", ["hush-hush", "hush-hush!", "hush-hush!!"])
def test_a_password_is_hidden_in_basic_credentials(user, password):
    header = b64encode(f"{user}:{password}".encode()).decode()

    told = masked(f"Authorization: Basic {header}", password)

    # At the ends at most the characters that hold bits of a neighbour are left.
    left = told.removeprefix("Authorization: Basic ")
    assert "***" in left
    assert len(left) <= len(b64encode(f"{user}:".encode())) + len("***") + 4


def test_a_value_of_three_characters_is_no_secret_by_value():
    assert masked("the pin is 123 of 1234", "123") == "the pin is 123 of 1234"
    assert masked("the pin is 1234", 1234) == "the pin is ***"


def test_what_is_inside_of_a_secret_object_is_secret():
    card = {"number": "4111111111111111", "holder": ["Ada Lovelace"], "is_new": True}

    assert masked("4111111111111111 of Ada Lovelace is True", card) == "*** of *** is True"


def test_a_longer_secret_is_hidden_before_one_that_it_holds():
    assert masked("it is hush-hush now", "hush", "hush-hush") == "it is *** now"


def test_a_secret_that_was_cut_off_is_hidden():
    assert masked(f"Value: {LONG[:20]}, Try convert", LONG) == "Value: ***, Try convert"
    assert masked(f"400 {LONG[:9]}", LONG) == "400 ***"
    assert masked(f"400 {LONG[:7]}", LONG) == "400 0123456"


def test_the_lines_of_a_longer_secret_are_secrets_too():
    pem = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"

    assert masked("unexpected MIIEvQIBADANBg", pem) == "unexpected ***"


def test_json_values_are_gone_through():
    masker = Masker().plus(["hush-hush", 123456])

    shown = masker.value({"a": ["x hush-hush", 1], "hush-hush": 123456, "b": True, "c": None})

    assert shown == {"a": ["x ***", 1], "***": "***", "b": True, "c": None}


def test_nothing_to_hide_costs_nothing():
    data = {"a": ["x"]}

    assert not Masker()
    assert Masker().value(data) is data


KEEPER = """
process: keeper
params:
  token: {type: string, secret: true}
  other: {}
nodes:
  start: {type: start, next: derive}
  derive:
    type: set_parameter
    set: {other: "Key {{ token }}", nested: {list: ["{{ token | base64_encode }}"]}}
    next: read
    error: failed
  read: {type: set_parameter, set: {number: "{{ ('x' ~ token) | number }}"}, next: done, error: failed}
  done: {type: end}
  failed: {type: end, result: error}
"""
ASKER = """
process: asker
params:
  token: {type: string, secret: true}
  api_key: {}
nodes:
  start: {type: start, next: ask}
  ask:
    type: api_call
    url: "https://api.example.com"
    auth: {bearer: "{{ api_key }}"}
    response: {token: "{{ body.token }}"}
    next: done
    error: failed
  done: {type: end}
  failed: {type: end, result: error}
"""
CALLER = """
process: caller
nodes:
  start: {type: start, next: ask}
  ask: {type: call_process, process: refuser, data: {token: "hush-hush"}, next: done, error: failed, timeout: {after: 1h, next: failed}}
  done: {type: end}
  failed: {type: end, result: error}
"""
REFUSER = """
process: refuser
params:
  token: {type: string, secret: true}
nodes:
  start: {type: start, next: refuse}
  refuse: {type: reply_to_process, exception: "no {{ token }} here", next: done}
  done: {type: end}
"""


async def test_values_made_of_a_secret_are_hidden_in_a_task(board):
    b = board(KEEPER)

    task = await b.submit("keeper", {"token": "hush-hush"})

    data = task_view(task, b.graphs["keeper"])["data"]
    assert data["token"] == "***"
    assert data["other"] == "Key ***"
    assert data["nested"] == {"list": ["***"]}
    assert task.data["other"] == "Key hush-hush"


async def test_a_failure_says_nothing_secret(board):
    b = board(KEEPER)

    task = await b.submit("keeper", {"token": "hush-hush"})

    (step,) = [each for each in await b.store.history(task.task_id) if each.error]
    assert "x***" in step.error[2]
    assert "x***" in task.memo.error.description
    assert "x***" in task.data["__conveyor_set_param_return_description__"]


async def test_what_an_answer_brings_as_a_secret_is_hidden_in_what_is_told_of_it(board):
    b = board(ASKER)
    task = await b.submit("asker", {"api_key": "key-of-mine"})

    await b.answer(task, 401, b'{"token": "brand-new", "you": "key-of-mine"}')

    ended = await b.task("asker", task.task_id)
    assert ended.memo.error.description == '401 {"token": "***", "you": "***"}'


async def test_a_parameter_that_credentials_read_is_secret(board):
    b = board(ASKER)

    task = await b.submit("asker", {"api_key": "key-of-mine"})

    assert b.graphs["asker"].secrets == {"token", "api_key"}
    assert task_view(task, b.graphs["asker"])["data"] == {"api_key": "***"}


async def test_a_call_has_what_the_log_must_not_say(board):
    b = board(ASKER)
    b.masker = Masker().plus(["of-all-processes"])

    batch = await b.turn(Submit("asker", "", {"api_key": "key-of-mine"}))

    assert batch.calls[0].masker.text("key-of-mine, of-all-processes") == "***, ***"


async def test_the_reason_of_an_exception_is_cleaned_where_its_secret_is_known(board):
    b = board(CALLER, REFUSER)

    task = await b.submit("caller", {})

    ended = await b.task("caller", task.task_id)
    assert ended.memo.error.description == "no *** here"


async def test_a_process_without_secrets_is_not_gone_through(board):
    b = board(CALLER, REFUSER)

    task = await b.submit("caller", {})

    assert not task.is_sealed
    assert task_view(task, b.graphs["caller"])["data"] is task.data


async def test_data_of_a_version_that_is_gone_is_not_shown(board):
    b = board(KEEPER)

    task = await b.submit("keeper", {"token": "hush-hush"})

    assert set(task_view(task, None)["data"].values()) == {"***"}


async def test_secrets_of_the_workspace_are_hidden_in_every_process(board):
    b = board(CALLER, REFUSER)
    b.masker = Masker().plus(["here"])

    task = await b.submit("caller", {})

    assert (await b.task("caller", task.task_id)).memo.error.description == "no *** ***"
