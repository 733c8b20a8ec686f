"""The simulator in virtual time with a receiver that writes down what it gets."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qsl

import httpx

from engine.testing.twilio.api import MessagesApi
from engine.testing.twilio.app import TwilioApp
from engine.testing.twilio.callback_url import Failure
from engine.testing.twilio.courier import Courier, Unanswered
from engine.testing.twilio.delivery import Delivery
from engine.testing.twilio.log import MessageLog, RequestLog, message_entries
from engine.testing.twilio.scheduler import VirtualScheduler

ACCOUNT = "AC00112233445566778899aabbccddeeff"
TOKEN = "0123456789abcdef0123456789abcdef"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
START = 1_700_000_000.0


@dataclass
class Call:
    """One callback as the receiver saw it."""

    at: float
    url: str
    headers: Mapping[str, str]
    form: dict[str, str]

    @property
    def status(self) -> str:
        return self.form["MessageStatus"]


@dataclass
class Receiver:
    """Takes the place of the network: answers 204, or what it was told to answer next."""

    scheduler: VirtualScheduler
    calls: list[Call] = field(default_factory=list)
    answers: list[int | Failure] = field(default_factory=list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        self.calls.append(Call(round(self.scheduler.now() - START, 6), url, headers, form))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Failure):
            raise Unanswered(answer, f"scripted {answer}")
        return answer

    @property
    def statuses(self) -> list[str]:
        return [call.status for call in self.calls]


class World(SimpleNamespace):
    """Everything of the simulator but its server."""

    def __init__(self, auth_token: str | None = None, max_messages: int = 1000) -> None:
        scheduler = VirtualScheduler(START)
        receiver = Receiver(scheduler)
        chance = random.Random(1)
        messages, requests = MessageLog(max_messages), RequestLog(max_messages)
        delivery = Delivery(scheduler, Courier(receiver, scheduler, chance))
        api = MessagesApi(messages, delivery, scheduler, chance)
        app = TwilioApp(api, messages, requests, scheduler, auth_token)
        super().__init__(
            scheduler=scheduler,
            receiver=receiver,
            messages=messages,
            api=api,
            app=app,
            delivery=delivery,
        )

    async def request(
        self,
        method: str,
        path: str = MESSAGES,
        form: Mapping[str, str | list[str]] | None = None,
        *,
        user: str = ACCOUNT,
        token: str = TOKEN,
        **options: object,
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://twilio") as client:
            options.setdefault("auth", (user, token))
            return await client.request(method, path, data=form, **options)

    async def send(self, **fields: str | list[str]) -> httpx.Response:
        """Asks for a message; what the fields don't say is as good as it gets."""
        form = {
            "To": "+15550000000",
            "From": "+15005550006",
            "Body": "Hello",
            "StatusCallback": "https://engine.example/callback?task=1",
        }
        return await self.request("POST", form=form | fields)

    async def fetch(self, sid: str) -> dict[str, object]:
        return (await self.request("GET", MESSAGES.replace(".json", f"/{sid}.json"))).json()

    @property
    def entries(self) -> list[dict[str, object]]:
        return message_entries(self.messages)
