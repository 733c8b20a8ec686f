"""SMS: the package's own processes, and a provider that reports early, late, twice and unordered.

The provider is honest: what it has accepted it lists, and it reports every status. The network
and the engines are not.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec

import engine
from engine.core.command import CallFailed, CallFailure, CallResult, HttpAnswer, HttpCall
from engine.core.message import Callback, Once
from engine.core.task import Task, TaskState
from engine.definition import Definition, load_files
from engine.testing.simulation.plot import KEPT_FOR_EVER_US, Plot, Seen, Stage
from engine.testing.simulation.timeline import START_US
from engine.workspace import Workspace

COURSE = ("queued", "sent", "delivered")
RANKS = {"queued": 3, "sent": 5, "delivered": 6}
ENDS = {"sent", "exit_error_from_twilio", "exit_error_calling_api"}
TEXT = "Your order {} is on its way."


@dataclass
class _Message:
    """A message that the provider has accepted."""

    sid: str
    text: str
    made_us: int
    status: str = "accepted"

    def describe(self) -> dict[str, Any]:
        made = format_datetime(datetime.fromtimestamp(self.made_us // 1_000_000, UTC))
        return {"sid": self.sid, "status": self.status, "body": self.text, "date_created": made}


class Sms(Plot):
    """Each client tells a customer that an order is on its way."""

    variables: ClassVar[Mapping[str, str]] = {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_NUMBER": "+15550000000",
    }
    delays: ClassVar[Mapping[tuple[str, str], int]] = {
        ("sending-sms", "let_it_settle"): 10_000_000,
        ("sending-sms", "call_later"): 30_000_000,
    }

    leaves_mail: ClassVar[bool] = True

    def __init__(self, stage: Stage, size: int) -> None:
        super().__init__(stage, size)
        self.accepted: set[str] = set()
        self.messages: list[_Message] = []
        self._asked: set[str] = set()
        self._begun: set[asyncio.Task[None]] = set()

    def definitions(self) -> list[Definition]:
        return _definitions()

    def clients(self) -> list[Coroutine[Any, Any, None]]:
        return [self._tell(str(number)) for number in range(self.size)]

    async def _tell(self, order: str) -> None:
        data = {"phone": "+15551234567", "order": order}
        once = Once(f"tell {order}", order)
        await self.stage.until_done(
            lambda workspace: workspace.submit("order-shipped", dict(data), order, once=once)
        )
        self.accepted.add(order)
        self.stage.note(f"accepted {order}")

    # The provider.

    async def perform(self, call: HttpCall) -> CallResult:
        chance, trouble = self.stage.chance, self.stage.trouble
        if call.method == "POST":
            self._see_key(call)
        if chance.random() < trouble:
            return CallFailed(CallFailure.UNREACHABLE, "refused")
        await asyncio.sleep(chance.random() * 0.3)
        if chance.random() < trouble:
            return _answer(429, {"code": 20429, "message": "Too many requests", "status": 429})
        found = self._accept(call) if call.method == "POST" else self._look_up(call)
        await asyncio.sleep(chance.random() * 0.3)
        if chance.random() < trouble:
            return CallFailed(CallFailure.TIMEOUT, "no answer in time")
        if chance.random() < trouble:
            return _answer(500, None)
        return found

    def _see_key(self, call: HttpCall) -> None:
        """A call in doubt is never repeated: its node has another way out."""
        key = next((value for name, value in call.headers if name == "Idempotency-Key"), "")
        if not key or key in self._asked:
            self.broken_promises.append(f"a message was asked for twice with the key '{key}'")
        self._asked.add(key)

    def _accept(self, call: HttpCall) -> HttpAnswer:
        form = dict(parse_qsl((call.body or b"").decode()))
        now = START_US + int(asyncio.get_running_loop().time() * 1_000_000)
        message = _Message(f"SM{len(self.messages):032x}", form["Body"], now)
        self.messages.append(message)
        self.stage.note(f"message {message.sid[-2:]}: {message.text}")
        self._begin(self._deliver(message))
        return _answer(201, message.describe())

    def _look_up(self, call: HttpCall) -> HttpAnswer:
        sid = call.url.rpartition("/")[2].partition(".")[0]
        for message in self.messages:
            if message.sid == sid:
                return _answer(200, message.describe())
        listed = [message.describe() for message in reversed(self.messages)]
        return _answer(200, {"messages": listed, "next_page_uri": None})

    async def _deliver(self, message: _Message) -> None:
        for status in COURSE:
            await asyncio.sleep(self.stage.chance.random() * 0.5)
            message.status = status
            self._begin(self._report(message.sid, status))

    async def _report(self, sid: str, status: str) -> None:
        """Each report has its own way: a later one may be there first."""
        chance = self.stage.chance
        while True:
            await asyncio.sleep(chance.random() * chance.choice((0.1, 1.0, 30.0)))
            delivery = await self.stage.until_done(lambda each: _send(each, sid, status))
            self.stage.note(f"callback {sid[-2:]} {status}: {delivery}")
            if chance.random() >= self.stage.trouble:
                return

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._begun.add(asyncio.get_running_loop().create_task(work))

    async def rest(self) -> None:
        while open_ := [each for each in self._begun if not each.done()]:
            await asyncio.wait(open_)
        for each in self._begun:
            each.result()

    # The end.

    def check(self, seen: Seen) -> Iterator[str]:
        """Who was accepted was told once, or it is said that and why not."""
        callers, senders = seen.tasks["order-shipped"], seen.tasks["sending-sms"]
        refs = Counter(task.ref for task in callers)
        if refs != Counter(list(self.accepted)):
            yield f"accepted were {sorted(self.accepted)}, there are {sorted(refs.elements())}"
        sent = Counter(message.text for message in self.messages)
        ended = {task.data["body"]: task for task in senders}
        if len(ended) != len(senders) or len(senders) != len(callers):
            yield f"{len(callers)} callers have {len(senders)} tasks that send"
        for task in callers:
            text = TEXT.format(task.data["order"])
            sender = ended.get(text)
            if sender is None:
                yield f"{task.ref} sent nothing"
                continue
            yield from self._check_sender(sender, sent[text])
            is_told = task.state is TaskState.SUCCESS and task.node == "told"
            if is_told != (sender.node == "sent"):
                yield f"{task.ref} ended in {task.node}, its message in {sender.node}"
        yield from self._check_reports(seen.tasks["getting-callback"])
        # A report that a later one was faster than may lie until its task has ended.
        for kept in seen.undelivered:
            if kept.ref not in {each.sid for each in self.messages} or _is_final(kept.data):
                yield f"undelivered: {kept}"

    def _check_sender(self, task: Task, messages: int) -> Iterator[str]:
        if task.node not in ENDS or messages > 1:
            yield f"{task.data['body']} ended {task.state} in {task.node}, sent {messages} times"
        elif task.node == "sent":
            of_it = [each for each in self.messages if each.sid == task.data["sid"]]
            if [each.text for each in of_it] != [task.data["body"]]:
                yield f"{task.data['body']} has the sid {task.data['sid']}"
            if task.data["status"] != COURSE[-1]:
                yield f"{task.data['body']} ended with the status {task.data['status']}"
        elif messages and task.data.get("code") != "api_in_doubt":
            yield f"{task.data['body']} was sent, and ended with {task.data.get('code')}"

    def _check_reports(self, listeners: list[Task]) -> Iterator[str]:
        sids = Counter(task.ref for task in listeners)
        for message in self.messages:
            if sids[message.sid] != 1:
                yield f"{sids[message.sid]} tasks listen for {message.sid}"
        for task in listeners:
            if task.state is not TaskState.SUCCESS:
                yield f"who listens for {task.ref} ended {task.state} in {task.node}"


def _is_final(data: Mapping[str, Any]) -> bool:
    return bool(data["MessageStatus"] == COURSE[-1])


def _answer(status: int, body: Any) -> HttpAnswer:
    return HttpAnswer(status, (("content-type", "application/json"),), msgspec.json.encode(body))


def _send(workspace: Workspace, sid: str, status: str) -> Awaitable[Any]:
    """Hands a report over as `engine/web/callbacks/twilio.py` does."""
    data = {"MessageSid": sid, "MessageStatus": status, "ErrorCode": ""}
    callback = Callback(
        "getting-callback", "callback", "", sid, data,
        is_sync=False, keep_us=KEPT_FOR_EVER_US, event_key=f"{sid}:{status}", rank=RANKS[status],
    )  # fmt: skip
    return workspace.deliver(callback)


@cache
def _definitions() -> list[Definition]:
    packaged = Path(str(files(engine) / "examples"))
    repository = Path(engine.__file__).parent.parent / "processes"
    folder = packaged if packaged.is_dir() else repository
    return list(load_files([folder / "sms"]).definitions)
