"""Each number of the table, in virtual time: which callbacks come, when and in which order."""

import asyncio

import pytest
from twilio.request_validator import RequestValidator
from twilio_world import MESSAGES, START, TOKEN, World

URL = "https://engine.example/callback?task=1"


def is_signed_right(call):
    signature = call.headers["X-Twilio-Signature"]
    return RequestValidator(TOKEN).validate(URL, call.form, signature)


@pytest.mark.parametrize(
    ("number", "calls", "status", "error_code"),
    [
        ("+15550000000", [(0.1, "sent"), (0.3, "delivered")], "delivered", None),
        ("+15550000001", [(0.1, "sent"), (0.3, "undelivered")], "undelivered", 30003),
        ("+15550000002", [(0.1, "failed")], "failed", 30008),
        ("+15550000004", [(0.3, "delivered"), (0.5, "sent")], "delivered", None),
        ("+15550000005", [(0.1, "sent")] * 3 + [(0.3, "delivered")] * 3, "delivered", None),
        ("+15550000006", [], "sent", None),
        ("+15550000007", [], "delivered", None),
        ("+15550000013", [(0.1, "sent"), (7200.1, "delivered")], "delivered", None),
        ("+15550000014", [(0.1, "sent"), (0.3, "delivered")], "delivered", None),
        ("+380501234567", [(0.1, "sent"), (0.3, "delivered")], "delivered", None),
        ("whatsapp:+15550000002", [(0.1, "failed")], "failed", 30008),
    ],
)
async def test_a_number_chooses_the_callbacks_and_the_end(world, number, calls, status, error_code):
    sid = (await world.send(To=number)).json()["sid"]

    await world.scheduler.advance(10_000)

    assert [(call.at, call.status) for call in world.receiver.calls] == calls
    message = await world.fetch(sid)
    assert (message["status"], message["error_code"]) == (status, error_code)
    assert all(is_signed_right(call) for call in world.receiver.calls)


async def test_03_makes_all_callbacks_before_the_answer(world):
    answer = await world.send(To="+15550000003")

    assert world.receiver.statuses == ["sent", "delivered"]
    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    assert (await world.fetch(answer.json()["sid"]))["status"] == "delivered"


async def test_05_repeats_a_callback_with_the_same_idempotency_token(world):
    await world.send(To="+15550000005")

    await world.scheduler.advance(1)

    tokens = [call.headers["I-Twilio-Idempotency-Token"] for call in world.receiver.calls]
    assert len(set(tokens[:3])) == len(set(tokens[3:])) == 1
    assert tokens[0] != tokens[3]


async def test_08_is_answered_after_70_seconds_and_called_back_before(world):
    request = asyncio.create_task(world.send(To="+15550000008"))

    await world.scheduler.advance(69)

    assert not request.done()
    assert world.receiver.statuses == ["sent", "delivered"]
    await world.scheduler.advance(1)
    assert (await request).status_code == 201


async def test_08_is_answered_at_once_when_the_simulator_stops(world):
    request = asyncio.create_task(world.send(To="+15550000008"))
    await world.scheduler.advance(1)

    world.api.release()

    assert (await request).status_code == 201


async def test_09_is_accepted_and_not_answered(world):
    with pytest.raises(ConnectionAbortedError):
        await world.send(To="+15550000009", Body="lost")

    await world.scheduler.advance(1)

    assert [entry["body"] for entry in world.entries] == ["lost"]
    assert world.receiver.statuses == ["sent", "delivered"]


async def test_10_is_answered_with_a_500_that_is_not_json_and_accepts_nothing(world):
    answer = await world.send(To="+15550000010")

    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html")
    assert world.entries == []


async def test_11_is_refused_twice_then_accepted(world):
    answers = [await world.send(To="+15550000011") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [429, 429, 201, 429]
    assert answers[0].json()["code"] == 20429
    assert len(world.entries) == 1


async def test_11_counts_each_text_for_itself(world):
    first = await world.send(To="+15550000011", Body="one")
    other = await world.send(To="+15550000011", Body="two")

    assert (first.status_code, other.status_code) == (429, 429)


async def test_12_makes_a_forged_callback_before_each_right_one(world):
    world.receiver.answers = [403, 204, 403, 204]
    await world.send(To="+15550000012")

    await world.scheduler.advance(1)

    assert world.receiver.statuses == ["sent", "sent", "delivered", "delivered"]
    assert [is_signed_right(call) for call in world.receiver.calls] == [False, True, False, True]
    assert [call["forged"] for call in world.entries[0]["callbacks"]] == [True, False, True, False]


async def test_a_message_of_a_service_is_accepted_then_queued(world):
    service = "MG" + "a" * 32

    answer = await world.send(From="", MessagingServiceSid=service)
    await world.scheduler.advance(1)

    created = answer.json()
    assert (created["status"], created["num_segments"], created["from"]) == ("accepted", "0", None)
    assert created["messaging_service_sid"] == service
    assert world.receiver.statuses == ["queued", "sent", "delivered"]
    assert {call.form["MessagingServiceSid"] for call in world.receiver.calls} == {service}
    message = await world.fetch(created["sid"])
    assert (message["num_segments"], message["from"]) == ("1", "+15005550006")


async def test_a_scheduled_message_waits_for_its_time(world):
    answer = await world.send(
        MessagingServiceSid="MG" + "a" * 32,
        ScheduleType="fixed",
        SendAt="2023-11-14T23:13:20Z",  # an hour after the start
    )

    await world.scheduler.advance(3599)
    assert (answer.json()["status"], world.receiver.statuses) == ("scheduled", [])
    await world.scheduler.advance(2)

    assert world.receiver.statuses == ["queued", "sent", "delivered"]


async def test_a_scheduled_message_can_be_canceled(world):
    scheduled = await world.send(
        MessagingServiceSid="MG" + "a" * 32, ScheduleType="fixed", SendAt="2023-11-14T23:13:20Z"
    )
    path = MESSAGES.replace(".json", f"/{scheduled.json()['sid']}.json")

    answer = await world.request("POST", path, {"Status": "canceled"})
    await world.scheduler.advance(7200)

    assert answer.json()["status"] == "canceled"
    assert world.receiver.statuses == ["canceled"]


async def test_a_deleted_message_makes_no_more_callbacks(world):
    sid = (await world.send()).json()["sid"]
    await world.scheduler.advance(0.2)

    answer = await world.request("DELETE", MESSAGES.replace(".json", f"/{sid}.json"))
    await world.scheduler.advance(1)

    assert (answer.status_code, answer.content) == (204, b"")
    assert world.receiver.statuses == ["sent"]


async def test_a_message_without_a_callback_url_goes_its_way_silently(world):
    sid = (await world.send(StatusCallback="")).json()["sid"]

    await world.scheduler.advance(1)

    assert world.receiver.calls == []
    assert (await world.fetch(sid))["status"] == "delivered"


async def test_the_log_holds_every_status_with_its_time(world):
    await world.send()

    await world.scheduler.advance(1)

    history = [(c["status"], round(c["at"] - START, 6)) for c in world.entries[0]["history"]]
    assert history == [("queued", 0.0), ("sent", 0.1), ("delivered", 0.3)]


async def test_a_closed_simulator_makes_no_callbacks():
    world = World()
    await world.send()
    await world.delivery.close()

    await world.scheduler.advance(1)

    assert world.receiver.calls == []
