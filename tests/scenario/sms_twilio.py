"""A Twilio that answers what it is told, and the answers that it gives."""

import asyncio
import json
from base64 import b64decode
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

from engine.core.command import CallFailed, CallFailure, HttpAnswer
from engine.testing.world import START

JSON = (("content-type", "application/json"),)
SID = "SM00112233445566778899aabbccddeeff"
MORE_INFO = "https://www.twilio.com/docs/errors/"

UNREACHABLE = CallFailed(CallFailure.UNREACHABLE, "POST https://api.twilio.com: refused")
TIMED_OUT = CallFailed(CallFailure.TIMEOUT, "POST https://api.twilio.com: no answer in 30 s")
CUT = CallFailed(CallFailure.BROKEN, "POST https://api.twilio.com: sent, but no whole answer")


class Script:
    """Answers calls in the order of the script; a call beyond its end is a fault of the test."""

    def __init__(self):
        self.calls = []
        self._answers = deque()

    def then(self, *answers):
        """Adds answers: what is answered, or a function that awaits it."""
        self._answers.extend(answers)

    @property
    def is_over(self):
        return not self._answers

    async def __call__(self, call):
        self.calls.append(call)
        answer = self._answers.popleft()
        return await answer(call) if callable(answer) else answer

    @property
    def sent(self):
        """The requests that ask for a message."""
        return [call for call in self.calls if call.method == "POST"]

    @property
    def asked(self):
        """The requests that only ask, by their paths."""
        return [urlsplit(call.url).path for call in self.calls if call.method == "GET"]


class Held:
    """An answer that stays out until it is let go; forever, if the engine dies before."""

    def __init__(self):
        self._answer = None

    async def __call__(self, call):
        self._answer = asyncio.get_running_loop().create_future()
        return await self._answer

    def let_go(self, answer):
        self._answer.set_result(answer)


def answer(status, body, headers=JSON):
    return HttpAnswer(status, headers, json.dumps(body).encode())


def page(status, text="<html>Bad gateway</html>"):
    """An answer that is not Twilio's own."""
    return HttpAnswer(status, (("content-type", "text/html"),), text.encode())


def message(sid=SID, status="queued", **more):
    """The message as Twilio describes it."""
    made = format_datetime(datetime.fromtimestamp(START / 1e6, UTC))
    return {
        "sid": sid,
        "status": status,
        "body": "Hello",
        "error_code": None,
        "date_created": made,
        "num_segments": "1",
        **more,
    }


def created(sid=SID, status="queued", **more):
    return answer(201, message(sid, status, **more))


def fetched(status, sid=SID, **more):
    return answer(200, message(sid, status, **more))


def listed(*messages, has_more=False):
    following = "/2010-04-01/Accounts/AC1/Messages.json?Page=1" if has_more else None
    return answer(200, {"messages": list(messages), "next_page_uri": following})


def refused(code, status=400, text="No."):
    body = {"code": code, "message": text, "more_info": f"{MORE_INFO}{code}", "status": status}
    return answer(status, body)


def form_of(call):
    """The fields of a request's body."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True))


def header_of(call, name):
    return next(value for each, value in call.headers if each.lower() == name)


def login_of(call):
    """User and password of a request."""
    return b64decode(header_of(call, "authorization").removeprefix("Basic ")).decode()
