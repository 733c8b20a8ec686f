"""The SMS scenario end to end: a real server, a real simulator, a real database, over loopback.

Where the processes wait for half a minute or an hour the engine's clock is a virtual one; the
requests and the callbacks are real all the same.
"""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from sms_stage import ACCOUNT, HOUR, SENDER, SMS, TOKEN

from engine.addresses import LOOPBACK
from engine.settings import Settings
from engine.store.interface import TaskQuery
from engine.testing.twilio import Simulator, SimulatorSettings
from engine.testing.twilio.signature import sign
from engine.testing.world import VirtualClock
from engine.web.server import serve
from engine.workspace import Workspace

PATIENCE_S = 60


@dataclass
class Site:
    """An engine that listens, the Twilio it calls, and who asks both."""

    workspace: Workspace
    url: str
    twilio: Simulator
    client: httpx.AsyncClient
    clock: VirtualClock | None
    nodes: dict[str, str] = field(default_factory=dict)  # where each task stands, by its id
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        self.workspace.listen(self._follow)

    def _follow(self, batch):
        for task in (*batch.created, *batch.changed):
            self.nodes[task.task_id] = f"{task.process}/{task.node}"
        self.changed.set()

    async def ship(self, phone, order):
        """Has a customer told that an order is on its way; gives the finished task."""
        answer = await self.client.post(
            f"{self.url}/v1/processes/order-shipped/tasks",
            params={"wait": PATIENCE_S},
            json={"ref": order, "data": {"phone": phone, "order": order}},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sent(self, order):
        """The messages with the text of this order that Twilio has accepted."""
        text = f"Your order {order} is on its way."
        answer = await self.client.get(f"{self.twilio.url}/_messages", params={"body": text})
        return answer.json()["messages"]

    async def twilio_reaches(self, status):
        """Asks until the only message has this status."""
        async with asyncio.timeout(PATIENCE_S):
            while [message["status"] for message in self.twilio.messages()] != [status]:
                await self.client.get(f"{self.twilio.url}/_messages")

    async def stands(self, node):
        """Waits until a task stands in this node."""
        async with asyncio.timeout(PATIENCE_S):
            while node not in self.nodes.values():
                self.changed.clear()
                await self.changed.wait()

    async def nothing_is_left(self):
        assert await self.workspace.undelivered() == []
        for process in ("order-shipped", "sending-sms"):
            tasks = await self.workspace.tasks(TaskQuery(process))
            assert [task.node for task in tasks if not task.is_finished] == []


@asynccontextmanager
async def site(folder, *, speed=100.0, clock=None):
    chosen = SimulatorSettings(port=0, speed=speed, auth_token=TOKEN)
    async with Simulator(chosen) as twilio, httpx.AsyncClient(timeout=PATIENCE_S) as client:
        settings = Settings(
            database=f"sqlite:///{folder}/engine.db",
            port=0,
            twilio_auth_token=TOKEN,
            allow_hosts=LOOPBACK,
            stop_grace_seconds=1,
            variables={
                "TWILIO_URL": twilio.url,
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_AUTH_TOKEN": TOKEN,
                "TWILIO_NUMBER": SENDER,
            },
        )
        workspace = await Workspace.open(settings, clock=clock)
        await workspace.deploy_folder([SMS])
        await workspace.start()
        url = asyncio.get_running_loop().create_future()
        server = asyncio.ensure_future(serve(workspace, settings, ready=url.set_result))
        workspace.set_public_url(await url)
        try:
            yield Site(workspace, url.result(), twilio, client, clock)
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server
            await workspace.stop()


@pytest.fixture
async def here(tmp_path):
    async with site(tmp_path) as opened:
        yield opened


@pytest.fixture
async def in_virtual_time(tmp_path):
    async with site(tmp_path, clock=VirtualClock()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("number", "end", "status", "error_code"),
    [
        ("+15550000000", "told", "delivered", ""),
        ("+15550000001", "not_told", "undelivered", "30003"),
        ("+15550000002", "not_told", "failed", "30008"),
        ("+15550000003", "told", "delivered", ""),  # all callbacks before the answer
        ("+15550000004", "told", "delivered", ""),  # delivered before sent
        ("+15550000005", "told", "delivered", ""),  # every callback three times
        ("+15550000008", "told", "delivered", ""),  # a late answer
        ("+15550000012", "told", "delivered", ""),  # each callback forged, then right
    ],
)
async def test_a_message_ends_as_twilio_says(here, number, end, status, error_code):
    task = await here.ship(number, "1042")

    assert (task["node"], task["data"]["status"]) == (end, status)
    assert task["data"]["error_code"] == error_code
    (message,) = await here.sent("1042")
    assert message["sid"] == task["data"]["sid"]
    await here.nothing_is_left()


async def test_many_messages_at_once_are_all_accounted_for(here):
    orders = {f"0{number % 6}-{number}": f"+1555000000{number % 6}" for number in range(60)}

    tasks = await asyncio.gather(*(here.ship(phone, order) for order, phone in orders.items()))

    for order, task in zip(orders, tasks, strict=True):
        wanted = {"01": "undelivered", "02": "failed"}.get(order[:2], "delivered")
        assert (task["ref"], task["data"]["status"]) == (order, wanted)
        assert len(await here.sent(order)) == 1
    await here.nothing_is_left()


async def test_forged_callbacks_are_refused_and_store_nothing(here):
    await here.ship("+15550000012", "1042")

    (message,) = await here.sent("1042")
    answers = {callback["forged"]: callback["answer"] for callback in message["callbacks"]}
    assert answers[True] == 403
    listener = await here.workspace.task("getting-callback", message["sid"])
    assert listener.memo.seen == [f"{message['sid']}:sent", f"{message['sid']}:delivered"]


@pytest.mark.parametrize("token", [TOKEN, "f" * 32])
async def test_only_the_right_token_signs_a_callback(here, token):
    url = here.workspace.callback_url("getting-callback", "callback", "twilio")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = sign(token, url, sorted(form.items()))

    answer = await here.client.post(url, data=form, headers={"X-Twilio-Signature": signature})

    kept = here.workspace.meter.get("messages_kept", 0)
    assert (answer.status_code, kept) == ((204, 1) if token == TOKEN else (403, 0))


async def test_a_refused_number_is_told_with_twilios_code(here):
    task = await here.ship("+15005550001", "1042")

    assert (task["node"], task["data"]["code"]) == ("not_told", 21211)
    assert task["data"]["url_more_info"] == "https://www.twilio.com/docs/errors/21211"
    assert await here.sent("1042") == []


async def test_a_wrong_token_is_told_with_twilios_code(here):
    data = {
        "AccountSid": ACCOUNT, "AuthToken": "wrong", "body": "Hello",
        "number_from": SENDER, "number_to": "+15550000000",
    }  # fmt: skip

    answer = await here.client.post(
        f"{here.url}/v1/processes/sending-sms/tasks",
        params={"wait": PATIENCE_S},
        json={"data": data},
    )

    task = answer.json()
    assert task["node_title"] == "Exit. Error from Twilio calling API SMS"
    assert (task["data"]["code"], task["data"]["AuthToken"]) == (20003, "***")
    assert "wrong" not in answer.text


async def test_two_hours_of_twilios_time_are_waited_for(tmp_path):
    async with site(tmp_path, speed=100_000) as here:
        task = await here.ship("+15550000013", "1042")

    assert (task["node"], task["data"]["status"]) == ("told", "delivered")


# In virtual time: the engine's half minutes and hours pass at once.


async def test_a_message_whose_answer_was_cut_off_is_found_and_not_sent_twice(in_virtual_time):
    here = in_virtual_time
    shipping = asyncio.ensure_future(here.ship("+15550000009", "1042"))
    await here.stands("sending-sms/let_it_settle")

    here.clock.advance(10)
    task = await shipping

    assert (task["node"], task["data"]["status"]) == ("told", "delivered")
    assert len(await here.sent("1042")) == 1
    await here.nothing_is_left()


async def test_too_many_requests_twice_and_then_sent_once(in_virtual_time):
    here = in_virtual_time
    shipping = asyncio.ensure_future(here.ship("+15550000011", "1042"))
    for _ in range(2):
        await here.stands("sending-sms/call_later")
        here.nodes.clear()
        here.clock.advance(30)

    task = await shipping

    assert (task["node"], task["data"]["status"]) == ("told", "delivered")
    assert len(await here.sent("1042")) == 1


async def test_what_twilio_never_accepts_is_told(in_virtual_time):
    here = in_virtual_time
    shipping = asyncio.ensure_future(here.ship("+15550000010", "1042"))
    for _ in range(9):
        await here.stands("sending-sms/let_it_settle")
        here.nodes.clear()
        here.clock.advance(10)

    task = await shipping

    assert (task["node"], task["data"]["code"]) == ("not_told", "api_bad_answer")
    assert await here.sent("1042") == []


async def test_without_callbacks_twilio_is_asked(in_virtual_time):
    here = in_virtual_time
    shipping = asyncio.ensure_future(here.ship("+15550000007", "1042"))
    await here.stands("sending-sms/waiting")
    await here.twilio_reaches("delivered")

    here.clock.advance(HOUR)
    task = await shipping

    assert (task["node"], task["data"]["status"]) == ("told", "delivered")


async def test_a_status_that_stays_unknown_is_told(in_virtual_time):
    here = in_virtual_time
    shipping = asyncio.ensure_future(here.ship("+15550000006", "1042"))
    await here.stands("sending-sms/waiting")
    await here.twilio_reaches("sent")
    for _ in range(10):
        await here.stands("sending-sms/waiting")
        here.nodes.clear()
        here.clock.advance(HOUR)

    task = await shipping

    assert (task["node"], task["data"]["code"]) == ("not_told", "status_unknown")
    assert (task["data"]["status"], len(await here.sent("1042"))) == ("sent", 1)
