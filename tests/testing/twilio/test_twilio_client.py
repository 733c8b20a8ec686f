"""Twilio's own Python client against the running simulator."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio_world import ACCOUNT, TOKEN

from engine.testing.twilio import Simulator, SimulatorSettings

SERVICE = "MG" + "a" * 32


class LocalHttpClient(TwilioHttpClient):
    """Twilio's HTTP client, but for the address: the way its documentation describes."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self._url = url

    def request(self, method, url, *args, **kwargs):
        url = url.replace("https://api.twilio.com", self._url)
        return super().request(method, url, *args, **kwargs)


@pytest.fixture
async def simulator():
    async with Simulator(SimulatorSettings(port=0, speed=20)) as running:
        yield running


@pytest.fixture
def client(simulator):
    http = LocalHttpClient(simulator.url)
    yield Client(ACCOUNT, TOKEN, http_client=http)
    http.session.close()


def send(client, **options):
    options = {"to": "+15550000000", "from_": "+15005550006", "body": "Hello"} | options
    return client.messages.create(**options)


async def test_the_client_creates_and_fetches_a_message(client):
    created = await asyncio.to_thread(send, client, body="Привіт")

    fetched = await asyncio.to_thread(client.messages(created.sid).fetch)

    assert created.status == "queued"
    assert (fetched.sid, fetched.body, fetched.to) == (created.sid, "Привіт", "+15550000000")
    assert fetched.num_segments == "1"
    assert fetched.error_code is None
    assert abs(fetched.date_created - datetime.now(UTC)) < timedelta(hours=1)


async def test_the_client_lists_all_pages(client):
    for number in range(5):
        await asyncio.to_thread(send, client, body=str(number))

    messages = await asyncio.to_thread(client.messages.list, page_size=2)

    assert [message.body for message in messages] == ["4", "3", "2", "1", "0"]


async def test_the_client_goes_to_the_previous_page(client):
    for number in range(4):
        await asyncio.to_thread(send, client, body=str(number))

    def there_and_back():
        first = client.messages.page(page_size=2)
        return first.next_page().previous_page()

    page = await asyncio.to_thread(there_and_back)

    assert [message.body for message in page] == ["3", "2"]


async def test_the_client_asks_whether_a_message_was_sent(client):
    await asyncio.to_thread(send, client, body="lost")
    since = datetime.now(UTC) - timedelta(minutes=1)

    found = await asyncio.to_thread(
        client.messages.list, to="+15550000000", from_="+15005550006", date_sent_after=since
    )
    later = await asyncio.to_thread(
        client.messages.list, date_sent_after=since + timedelta(minutes=10)
    )

    assert [message.body for message in found] == ["lost"]
    assert later == []


async def test_the_client_schedules_and_cancels_a_message(client):
    scheduled = await asyncio.to_thread(
        send,
        client,
        messaging_service_sid=SERVICE,
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(hours=1),
    )

    canceled = await asyncio.to_thread(scheduled.update, status="canceled")

    assert (scheduled.status, canceled.status) == ("scheduled", "canceled")


async def test_the_client_redacts_and_deletes_a_message(client, simulator):
    message = await asyncio.to_thread(send, client)

    redacted = await asyncio.to_thread(message.update, body="")
    is_deleted = await asyncio.to_thread(message.delete)

    assert redacted.body == ""
    assert is_deleted
    assert simulator.messages() == []


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"to": "+15005550001"}, 400, 21211),
        ({"body": ""}, 400, 21602),
        ({"status_callback": "https://my_host/"}, 400, 21609),
        ({"to": "+15550000011"}, 429, 20429),
    ],
)
async def test_the_client_understands_an_error(client, options, status, code):
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(send, client, **options)

    assert (caught.value.status, caught.value.code) == (status, code)


async def test_the_client_understands_a_wrong_token():
    settings = SimulatorSettings(port=0, auth_token="right")
    async with Simulator(settings) as simulator:
        http = LocalHttpClient(simulator.url)
        client = Client(ACCOUNT, "wrong", http_client=http)

        with pytest.raises(TwilioRestException) as caught:
            await asyncio.to_thread(send, client)
        http.session.close()

    assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_the_client_sees_a_message_that_is_not_there(client):
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(client.messages("SM" + "0" * 32).fetch)

    assert (caught.value.status, caught.value.code) == (404, 20404)
