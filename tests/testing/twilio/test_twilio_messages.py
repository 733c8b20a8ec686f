"""The Message resource, its list, and its form in XML."""

from xml.etree import ElementTree as ET

import pytest
from twilio_world import ACCOUNT, MESSAGES, World

from engine.testing.twilio.messages import TRANSITIONS, Status


async def test_a_new_message_has_all_the_facts_of_the_resource(world):
    answer = await world.send(Body="Hello, Świat", To="+15550000000")

    message = answer.json()
    sid = message["sid"]
    uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}"
    assert answer.status_code == 201
    assert (sid[:2], len(sid)) == ("SM", 34)
    assert message == {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "Hello, Świat",
        "date_created": "Tue, 14 Nov 2023 22:13:20 +0000",
        "date_sent": None,
        "date_updated": "Tue, 14 Nov 2023 22:13:20 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+15005550006",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": "+15550000000",
        "uri": f"{uri}.json",
    }


async def test_a_message_with_media_has_another_kind_of_sid(world):
    answer = await world.send(MediaUrl=["https://engine.example/1.png"] * 2)

    message = answer.json()
    assert (message["sid"][:2], message["num_media"]) == ("MM", "2")


async def test_a_message_on_its_way_gets_dates_a_price_and_its_error(world):
    sid = (await world.send(To="+15550000001", Body="я" * 71)).json()["sid"]

    await world.scheduler.advance(90)

    message = await world.fetch(sid)
    assert message["date_sent"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert (message["num_segments"], message["price"]) == ("2", "-0.01580")
    assert message["error_message"] == "Unreachable destination handset"


async def test_an_empty_body_takes_the_text_away(world):
    sid = (await world.send(Body="secret")).json()["sid"]

    answer = await world.request("POST", MESSAGES.replace(".json", f"/{sid}.json"), {"Body": ""})

    assert (answer.status_code, answer.json()["body"]) == (200, "")


async def test_a_message_is_xml_where_the_path_does_not_ask_for_json(world):
    path = MESSAGES.removesuffix(".json")
    form = {"To": "+15550000000", "From": "+15005550006", "Body": "1 < 2 & \x01 3"}

    answer = await world.request("POST", path, form)
    listed = await world.request("GET", path)

    message = ET.fromstring(answer.text).find("Message")
    assert message.findtext("Status") == "queued"
    assert message.findtext("Body") == "1 < 2 &  3"
    assert message.find("DateSent").text is None
    sids = [sid.text for sid in ET.fromstring(listed.text).iter("Sid")]
    assert sids == [message.findtext("Sid")]


async def listed(world, query=""):
    answer = await world.request("GET", f"{MESSAGES}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def bodies(page):
    return [message["body"] for message in page["messages"]]


async def test_the_list_shows_the_newest_first(world):
    for body in ("a", "b", "c"):
        await world.send(Body=body)

    page = await listed(world)

    assert bodies(page) == ["c", "b", "a"]
    assert page["next_page_uri"] is page["previous_page_uri"] is None
    assert (page["start"], page["end"], page["page"], page["page_size"]) == (0, 2, 0, 50)


async def test_the_list_is_filtered_by_recipient_and_sender(world):
    await world.send(Body="a", To="+15550000001")
    await world.send(Body="b", From="12345")
    await world.send(Body="c")

    assert bodies(await listed(world, "?To=%2B15550000001")) == ["a"]
    assert bodies(await listed(world, "?From=12345")) == ["b"]
    assert bodies(await listed(world, "?From=12345&To=%2B15550000001")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("DateSent=2023-11-14", ["early"]),
        ("DateSent=2023-11-15", ["late"]),
        ("DateSent=2023-11-15T12:00:00Z", ["late"]),
        ("DateSent>=2023-11-14", ["late", "early"]),
        ("DateSent%3E=2023-11-15", ["late"]),
        ("DateSent<=2023-11-14", ["early"]),
        ("DateSent%3C=2023-11-15", ["late", "early"]),
        ("DateSent>=2023-11-14T22:13:21Z", ["late"]),
        ("DateSent>=2023-11-14T22:13:20Z", ["late", "early"]),
        ("DateSent<=2023-11-14T22:13:20Z", ["early"]),
        ("DateSent>=2023-11-14&DateSent<=2023-11-14", ["early"]),
    ],
)
async def test_the_list_is_filtered_by_date(world, query, found):
    await world.send(Body="early")
    await world.scheduler.advance(86_400)
    await world.send(Body="late")
    await world.scheduler.advance(1)

    assert bodies(await listed(world, f"?{query}")) == found


async def test_a_message_that_was_not_sent_yet_is_found_by_its_creation(world):
    await world.send(Body="fresh")

    assert bodies(await listed(world, "?DateSent>=2023-11-14T22:13:20Z")) == ["fresh"]


async def test_pages_follow_each_other_while_new_messages_come_in(world):
    for body in "abcde":
        await world.send(Body=body)

    first = await listed(world, "?PageSize=2&To=%2B15550000000")
    await world.send(Body="new")
    second = (await world.request("GET", first["next_page_uri"])).json()
    third = (await world.request("GET", second["next_page_uri"])).json()
    back = (await world.request("GET", second["previous_page_uri"])).json()

    assert [bodies(page) for page in (first, second, third)] == [["e", "d"], ["c", "b"], ["a"]]
    assert third["next_page_uri"] is None
    assert (second["start"], second["end"], second["page"]) == (2, 3, 1)
    assert bodies(back) == ["e", "d"]
    assert first["first_page_uri"] == f"{MESSAGES}?To=%2B15550000000&PageSize=2&Page=0"


@pytest.mark.parametrize(
    "query",
    ["Page=x", "PageSize=-1", "PageToken=x", "PageToken=PAx", "DateSent=soon", "Page=%C2%B2"],
)
async def test_a_query_that_says_nothing_is_refused(world, query):
    answer = await world.request("GET", f"{MESSAGES}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


async def test_a_page_is_never_larger_than_a_thousand(world):
    assert (await listed(world, "?PageSize=5000"))["page_size"] == 1000
    assert (await listed(world, "?PageSize=0"))["page_size"] == 1


async def test_another_account_sees_its_own_messages_only(world):
    await world.send()
    other = "AC" + "b" * 32

    answer = await world.request("GET", f"/2010-04-01/Accounts/{other}/Messages.json", user=other)

    assert answer.json()["messages"] == []


async def test_the_oldest_messages_are_forgotten_when_there_are_too_many():
    world = World(max_messages=2)

    for body in "abc":
        await world.send(Body=body)

    assert bodies(await listed(world)) == ["c", "b"]


def test_every_status_has_a_way_from_the_first_ones():
    reached = {Status.ACCEPTED, Status.SCHEDULED}
    for _ in Status:
        reached |= {target for status in reached for target in TRANSITIONS[status]}

    assert reached == set(Status)


async def test_a_status_that_can_not_follow_is_refused(world):
    await world.send()
    (message,) = world.messages

    with pytest.raises(ValueError, match="'delivered' can't follow 'queued'"):
        message.move(Status.DELIVERED, 0.0)
