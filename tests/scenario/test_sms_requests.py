"""What the SMS process asks of Twilio is what Twilio's own client library asks, byte for byte."""

from urllib.parse import urlsplit

import httpx
import pytest
import requests
from requests.adapters import BaseAdapter
from sms_stage import ACCOUNT, HOUR, SENDER, TOKEN
from sms_twilio import CUT, SID, created, fetched, header_of, listed, message
from twilio.rest import Client

from engine.testing.twilio import Simulator, SimulatorSettings

TO = "+15551234567"
TEXTS = [
    "Your order 1042 is on its way.",
    "Привіт, світ! 👋 ½ €",
    "a+b=c&d=e;f %20 ~*'()!$,/?#[]@:",
    "two\nlines\tand  spaces ",
    "007",
]


class Notebook(BaseAdapter):
    """Stands in for the network of Twilio's library and writes down what is sent."""

    def __init__(self):
        super().__init__()
        self.request = None

    def send(self, request, **options):
        self.request = request
        answer = requests.Response()
        answer.status_code = 201 if request.method == "POST" else 200
        is_list = urlsplit(request.url).query
        answer._content = b'{"messages": []}' if is_list else b'{"sid": "SM0"}'
        answer.request = request
        return answer

    def close(self):
        pass


@pytest.fixture
def vendor():
    """Twilio's client and the notebook."""
    client, notebook = Client(ACCOUNT, TOKEN), Notebook()
    client.http_client.session.mount("https://", notebook)
    yield client, notebook
    client.http_client.session.close()


def parts(url):
    split = urlsplit(url)
    return split.scheme, split.netloc, split.path, sorted(split.query.split("&"))


@pytest.mark.parametrize("text", TEXTS)
async def test_a_message_is_asked_for_as_by_twilios_library(stage, twilio, vendor, text):
    client, notebook = vendor
    url = stage.workspace.callback_url("getting-callback", "callback", "twilio")
    twilio.then(created())

    await stage.submit(text, TO)
    client.messages.create(to=TO, from_=SENDER, body=text, status_callback=url)

    (ours,), theirs = twilio.sent, notebook.request
    assert (ours.method, ours.url) == (theirs.method, theirs.url)
    assert sorted(ours.body.decode().split("&")) == sorted(theirs.body.split("&"))
    for name in ("authorization", "content-type"):
        assert header_of(ours, name) == theirs.headers[name]


async def test_the_list_is_asked_for_as_by_twilios_library(stage, twilio, vendor):
    client, notebook = vendor
    twilio.then(CUT, listed(message()))

    await stage.submit("Hello", TO)
    await stage.advance(10)
    client.messages.page(to=TO, from_=SENDER, page_size=1000)

    ours, theirs = twilio.calls[1], notebook.request
    assert (ours.method, parts(ours.url)) == (theirs.method, parts(theirs.url))
    assert header_of(ours, "authorization") == theirs.headers["authorization"]


async def test_a_message_is_looked_at_as_by_twilios_library(stage, twilio, vendor):
    client, notebook = vendor
    twilio.then(created(), fetched("delivered"))

    await stage.submit("Hello", TO)
    await stage.advance(HOUR)
    client.messages(SID).fetch()

    ours, theirs = twilio.calls[1], notebook.request
    assert (ours.method, parts(ours.url)) == (theirs.method, parts(theirs.url))
    assert header_of(ours, "authorization") == theirs.headers["authorization"]


@pytest.mark.parametrize("text", TEXTS)
async def test_the_simulator_takes_the_very_bytes_and_understands_them(stage, twilio, text):
    twilio.then(created())
    await stage.submit(text, TO)
    (ours,) = twilio.sent

    async with (
        Simulator(SimulatorSettings(port=0, auth_token=TOKEN)) as simulator,
        httpx.AsyncClient() as client,
    ):
        url = ours.url.replace("https://api.twilio.com", simulator.url)
        answer = await client.post(url, content=ours.body, headers=list(ours.headers))

    assert answer.status_code == 201
    assert [(sent["to"], sent["from"], sent["body"]) for sent in simulator.messages()] == [
        (TO, SENDER, text)
    ]
