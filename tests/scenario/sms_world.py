"""A world in which anything may happen to SMS, decided by a list of numbers.

Twilio here is honest: it reports every status it reaches, though the report may come early, late,
in any order, more than once or never; it lists what it has accepted whenever it answers at all.
The network and the engine's machine are not: answers get lost, and the engine dies at any moment.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from sms_stage import FINAL, Stage, callback
from sms_twilio import (
    CUT,
    TIMED_OUT,
    UNREACHABLE,
    answer,
    created,
    fetched,
    form_of,
    listed,
    message,
    page,
    refused,
)

from engine.core.batch import Delivery

COURSES = (
    ("sent", "delivered"),
    ("sent", "undelivered"),
    ("failed",),
    ("sending", "sent", "delivered", "read"),
    ("sent",),
    (),
)
TIMES = (0.5, 10, 30, 300, 3600, 5 * 3600)
LOST = (CUT, TIMED_OUT, page(500), answer(201, "?", (("content-type", "application/xml"),)))
NOT_ACCEPTED = (refused(20429, 429), page(503), UNREACHABLE, refused(21211))
USELESS = (page(502), refused(20429, 429), TIMED_OUT, page(200, "Sign in"))


class Choices:
    """Numbers that decide what happens; when they are used up, nothing bad happens any more."""

    def __init__(self, numbers):
        self._numbers = list(reversed(numbers))

    def __bool__(self):
        return bool(self._numbers)

    def pick(self, options):
        """Chooses one; the first when there is nothing left to choose by."""
        return options[self._numbers.pop() % len(options) if self._numbers else 0]


@dataclass(eq=False)
class Open:
    """A request that waits for its answer, and the message that came of it."""

    call: object
    answer: asyncio.Future
    sms: "Sms | None" = None


@dataclass(eq=False)
class Sms:
    """A message that Twilio has accepted."""

    sid: str
    text: str
    created: int
    course: list[str]
    status: str = "queued"

    def describe(self):
        made = format_datetime(datetime.fromtimestamp(self.created // 1_000_000, UTC))
        return message(self.sid, self.status, body=self.text, date_created=made)


@dataclass(eq=False)
class Report:
    """A status that the engine was told, and whether it surely heard."""

    status: str
    is_heard: bool
    delivery: Delivery | None = None
    is_after_end: bool = False


@dataclass(eq=False)
class World:
    """Twilio, the network and the engine's machine."""

    folder: object
    database: object
    choices: Choices
    open: list[Open] = field(default_factory=list)
    messages: list[Sms] = field(default_factory=list)
    callbacks: list[tuple[str, str]] = field(default_factory=list)
    reports: dict[str, list[Report]] = field(default_factory=dict)
    callers: dict[str, str] = field(default_factory=dict)  # by text
    story: list[str] = field(default_factory=list)

    async def perform(self, call):
        """Lets a request wait until the story says what becomes of it."""
        request = Open(call, asyncio.get_running_loop().create_future())
        self.open.append(request)
        try:
            return await request.answer
        finally:
            self.open.remove(request)

    async def play(self, count):
        """Sends so many messages and lets happen what the choices say, then only good."""
        self.stage = Stage(self.folder, self.database, self.perform)
        await self.stage.open()
        for number in range(count):
            await self.submit(f"text {number}")
        while self.choices:
            name, act = self.choices.pick(self.possible())
            self.story.append(name)
            await act()
            if self.stage.store.is_dead.is_set():
                self.story.append("dead")
                await self.stage.restart()
        self.stage.store.dies = ""
        await self.end_well()

    def possible(self):
        acts = [("time", self.pass_time), ("kill", self.stage.restart), ("doom", self.doom)]
        if any(is_post(request) and request.sms is None for request in self.open):
            acts += [("accept", self.accept)] * 3
        if self.open:
            acts += [("answer", self.answer_one)] * 3
        if any(sms.course for sms in self.messages):
            acts += [("progress", self.progress)] * 2
        if self.callbacks:
            acts += [("report", self.report_one)] * 3
            acts += [("lose", self.lose)]
        return acts

    # What may happen.

    async def submit(self, text):
        self.callers[text] = await self.stage.submit(text)

    async def pass_time(self):
        seconds = self.choices.pick(TIMES)
        self.story[-1] += f" {seconds}"
        await self.stage.advance(seconds)

    async def doom(self):
        """The engine will die at its next commit."""
        self.stage.store.dies = self.choices.pick(("before", "after"))

    async def accept(self):
        waiting = [each for each in self.open if is_post(each) and each.sms is None]
        self.take(self.choices.pick(waiting), self.choices.pick(COURSES))

    def take(self, request, course):
        sid = f"SM{len(self.messages):032x}"
        text = form_of(request.call)["Body"]
        request.sms = Sms(sid, text, self.stage.clock.now(), list(course))
        self.messages.append(request.sms)

    async def answer_one(self):
        await self.let_go(self.choices.pick(self.open), self.choices.pick)

    async def let_go(self, request, pick):
        """Answers a request; `pick` decides whether well, which is the first choice."""
        if is_post(request):
            if request.sms is not None:
                good = created(request.sms.sid)
                result = pick((good, good, *LOST))
            else:
                result = pick(NOT_ACCEPTED + LOST[:3])
            self.story.append(f"{result}"[:60])
            request.answer.set_result(result)
            await self.stage.settle()
            return
        told, about = self.look_up(request)
        result = pick((told, told, *USELESS))
        self.story.append(f"{result}"[:60])
        endings = [await self.has_ended(sms) for sms in about]
        request.answer.set_result(result)
        await self.stage.settle()
        if result is not told:
            return
        for sms, is_after_end in zip(about, endings, strict=True):
            # A list is asked for the sid. Its statuses are not waited for, but may be told.
            is_heard = not (is_list(request) or self.stage.store.is_dead.is_set())
            self.note(sms.sid, Report(sms.status, is_heard, None, is_after_end))

    def look_up(self, request):
        """Gives the honest answer to a question, and the messages that it is about."""
        if is_list(request):
            return listed(*[sms.describe() for sms in reversed(self.messages)]), self.messages[:]
        sid = request.call.url.rpartition("/")[2].removesuffix(".json")
        sms = next(each for each in self.messages if each.sid == sid)
        return fetched(sms.status, sid), [sms]

    async def progress(self):
        self.move_on(self.choices.pick([sms for sms in self.messages if sms.course]))

    def move_on(self, sms):
        sms.status = sms.course.pop(0)
        self.callbacks.append((sms.sid, sms.status))

    async def report_one(self):
        told = self.choices.pick(self.callbacks)
        if self.choices.pick((True, True, False)):
            self.callbacks.remove(told)
        await self.report(*told)

    async def report(self, sid, status):
        """Calls back; without an answer it is done again later, as Twilio does."""
        self.story.append(f"{sid[-1]} {status}")
        sms = next(each for each in self.messages if each.sid == sid)
        is_after_end = await self.has_ended(sms)
        telling = asyncio.ensure_future(self.stage.workspace.deliver(callback(sid, status)))
        await self.stage.settle()
        report = Report(status, telling.done(), None, is_after_end)
        if telling.done():
            report.delivery = telling.result()
        else:
            telling.cancel()
            self.callbacks.append((sid, status))
        self.note(sid, report)

    async def lose(self):
        self.callbacks.remove(self.choices.pick(self.callbacks))

    async def end_well(self):
        """Lets everything come to its end: calls are answered, what is on its way arrives."""
        for _ in range(400):
            await self.stage.settle()
            while self.open or self.callbacks or any(sms.course for sms in self.messages):
                for request in list(self.open):
                    if is_post(request) and request.sms is None:
                        self.take(request, COURSES[0])
                    await self.let_go(request, lambda options: options[0])
                for sms in self.messages:
                    while sms.course:
                        self.move_on(sms)
                while self.callbacks:
                    await self.report(*self.callbacks.pop(0))
            if await self.is_over():
                return
            await self.stage.advance(30)
            if not self.open:
                await self.stage.advance(3600 - 30)
        raise AssertionError("it never ends")

    async def is_over(self):
        tasks = [await self.stage.task("caller", caller) for caller in self.callers.values()]
        return all(task.is_finished for task in tasks)

    # What is known about it.

    def note(self, sid, report):
        self.reports.setdefault(sid, []).append(report)

    async def has_ended(self, sms):
        sender = await self.stage.sender(self.callers[sms.text])
        return sender is not None and sender.is_finished

    def first_final(self, sid):
        """Gives the statuses of which one must be told: the first final one that was heard.

        One that the engine may have heard before it died may be told too; '' if there was none.
        """
        found = set()
        for report in self.reports.get(sid, ()):
            if report.status in FINAL and not report.is_after_end:
                found.add(report.status)
                if report.is_heard:
                    return found
        return found | {""}


def is_post(request):
    """Whether a message is asked for."""
    return request.call.method == "POST"


def is_list(request):
    """Whether it is asked which messages there are."""
    return request.call.url.partition("?")[0].endswith("/Messages.json")
