"""What a callback holds, when it is repeated, and how the logs show it."""

import pytest
from twilio_world import ACCOUNT, MESSAGES

from engine.testing.twilio.callback_url import Failure, read_callback_url


async def test_a_callback_holds_the_fields_that_twilio_sends(world):
    sid = (await world.send(To="+15550000001")).json()["sid"]

    await world.scheduler.advance(1)

    common = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": "+15005550006",
        "MessageSid": sid,
        "SmsSid": sid,
        "To": "+15550000001",
    }
    assert [call.form for call in world.receiver.calls] == [
        common | {"MessageStatus": "sent", "SmsStatus": "sent"},
        common
        | {
            "ErrorCode": "30003",
            "MessageStatus": "undelivered",
            "RawDlrDoneDate": "2311142213",
            "SmsStatus": "undelivered",
        },
    ]


async def test_a_fragment_is_neither_called_nor_signed(world):
    url = "https://engine.example/callback?task=1"
    await world.send(StatusCallback=url)
    await world.send(StatusCallback=f"{url}#rc=3")
    await world.scheduler.advance(1)

    assert {call.url for call in world.receiver.calls} == {url}
    assert read_callback_url(f"{url}#rc=3").signed == url


async def test_a_user_in_the_url_is_told_only_when_asked_for(world):
    world.receiver.answers = [401, 204, 204]

    await world.send(StatusCallback="https://me:p%40ss@engine.example/callback")
    await world.scheduler.advance(1)

    told = [call.headers.get("Authorization") for call in world.receiver.calls]
    assert told == [None, "Basic bWU6cEBzcw==", None]
    assert {call.url for call in world.receiver.calls} == {"https://engine.example/callback"}


CONNECT, READ = Failure.CONNECT, Failure.READ


@pytest.mark.parametrize(
    ("fragment", "answers", "times"),
    [
        ("", [204], [0.1]),
        ("", [CONNECT, 204], [0.1, 0.6]),
        ("", [CONNECT, CONNECT, 204], [0.1, 0.6]),
        ("", [READ, 204], [0.1]),
        ("", [500, 204], [0.1]),
        ("", [404, 204], [0.1]),
        ("", [302, 204], [0.1]),
        ("#rc=0", [CONNECT, 204], [0.1]),
        ("#rc=3&rp=5xx,ct,rt", [500, CONNECT, READ, 204], [0.1, 0.6, 1.1, 1.6]),
        ("#rc=3&rp=5xx,ct,rt", [500, 404], [0.1, 0.6]),
        ("#rc=5&rp=all", [404, 500, READ, CONNECT, 404, 404, 204], [0.1, 0.6, 1.1, 1.6, 2.1, 2.6]),
        ("#rc=6", [CONNECT, CONNECT, 204], [0.1, 0.6]),
        ("#rc=x&rp=nonsense", [CONNECT, CONNECT, 204], [0.1, 0.6]),
    ],
)
async def test_a_callback_is_repeated_as_its_fragment_says(world, fragment, answers, times):
    world.receiver.answers = answers
    await world.send(To="+15550000002", StatusCallback=f"https://engine.example/c{fragment}")

    await world.scheduler.advance(10)

    calls = world.receiver.calls
    assert [call.at for call in calls] == times
    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in calls}) == 1


async def test_a_failed_callback_goes_to_the_log(world, caplog):
    world.receiver.answers = [403, Failure.READ]
    sid = (await world.send(StatusCallback="https://engine.example/secret")).json()["sid"]

    await world.scheduler.advance(1)

    callbacks = world.entries[0]["callbacks"]
    assert [(call["status"], call["answer"], call["failure"]) for call in callbacks] == [
        ("sent", 403, "it was answered with 403"),
        ("delivered", None, "scripted rt"),
    ]
    assert f"11200: callback 'sent' of {sid} to engine.example: it was answered" in caplog.text
    assert "secret" not in caplog.text


async def test_the_messages_log_counts_the_messages_with_a_body(world):
    for body in ("once", "twice", "twice"):
        await world.send(Body=body)

    once = (await world.request("GET", "/_messages?body=once")).json()
    twice = (await world.request("GET", "/_messages?body=twice")).json()
    none = (await world.request("GET", "/_messages?to=%2B1")).json()

    assert (once["count"], twice["count"], none["count"]) == (1, 2, 0)
    assert set(once["messages"][0]) == {
        "sid", "to", "from", "body", "status", "error_code", "history", "callbacks",
    }  # fmt: skip


async def test_the_requests_log_holds_no_secrets(world):
    await world.send(StatusCallback="https://me:password@engine.example/c", Body="Hi")
    await world.request("GET", f"{MESSAGES}?To=%2B1", token="")

    answer = await world.request("GET", "/_requests")

    created, refused = answer.json()["requests"]
    assert (created["method"], created["path"], created["status"]) == ("POST", MESSAGES, 201)
    assert created["user"] == ACCOUNT
    assert created["form"]["Body"] == "Hi"
    assert created["form"]["StatusCallback"] == "https://me:***@engine.example/c"
    assert (refused["query"], refused["status"]) == ({"To": "+1"}, 401)
    assert "password" not in answer.text
    assert "0123456789abcdef" not in answer.text


async def test_a_request_that_is_cut_has_no_status_in_the_log(world):
    with pytest.raises(ConnectionAbortedError):
        await world.send(To="+15550000009")

    answer = await world.request("GET", "/_requests")

    assert answer.json()["requests"][0]["status"] is None


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/_log"), ("POST", "/_reset")])
async def test_the_logs_can_be_emptied_and_nothing_comes_after(world, method, path):
    await world.send()

    answer = await world.request(method, path)
    await world.scheduler.advance(1)

    assert answer.status_code == 204
    assert (await world.request("GET", "/_messages")).json() == {"count": 0, "messages": []}
    assert (await world.request("GET", "/_requests")).json() == {"count": 0, "requests": []}
    assert world.receiver.calls == []


async def test_another_page_of_the_simulators_own_is_not_found(world):
    assert (await world.request("GET", "/_secrets")).status_code == 404
