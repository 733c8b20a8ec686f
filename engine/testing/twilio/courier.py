"""Makes the callbacks: signs, posts, repeats what failed as the URL's policy says, and notes it."""

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import quote_plus, urlsplit

from engine.testing.twilio.callback_url import CallbackUrl, Failure
from engine.testing.twilio.messages import Attempt, Message, Status
from engine.testing.twilio.representation import API_VERSION
from engine.testing.twilio.scheduler import Scheduler, pause
from engine.testing.twilio.signature import sign

RETRY_AFTER_S = 0.5

_log = logging.getLogger(__name__)

_FROM_THE_CARRIER = frozenset({Status.DELIVERED, Status.UNDELIVERED})


class Unanswered(Exception):
    """A post that got no answer."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


class Poster(Protocol):
    """Posts a form."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Gives the HTTP status of the answer; raises Unanswered if there is none."""


class Report(NamedTuple):
    """A status that is told to the other side; `token` is the same however often it is told."""

    status: Status
    error_code: int | None
    token: str


class _Callback(NamedTuple):
    """A report, ready to be posted."""

    message: Message
    url: CallbackUrl
    status: Status
    is_forged: bool
    headers: Mapping[str, str]
    body: bytes


class Courier:
    """Delivers reports. What fails is written to the log, as Twilio does with error 11200."""

    def __init__(self, poster: Poster, scheduler: Scheduler, chance: random.Random) -> None:
        self._poster = poster
        self._scheduler = scheduler
        self._chance = chance

    def write(self, status: Status, error_code: int | None = None) -> Report:
        """Gives a report with a token of its own."""
        return Report(status, error_code, f"{self._chance.getrandbits(128):032x}")

    async def deliver(self, message: Message, report: Report, *, is_forged: bool = False) -> None:
        """Posts the report until it is answered with 2xx or the retries are used up.

        Does nothing for a message without a StatusCallback.
        """
        if message.callback is None:
            return
        callback = _prepare(
            message, message.callback, report, self._scheduler.now(), is_forged=is_forged
        )
        failure = await self._attempt(callback)
        retries = callback.url.retries
        while failure in callback.url.policy and retries and not message.is_gone:
            retries -= 1
            await pause(self._scheduler, RETRY_AFTER_S)
            failure = await self._attempt(callback)

    async def _attempt(self, callback: _Callback) -> Failure | None:
        at = self._scheduler.now()
        answer = None
        try:
            answer = await self._post(callback)
            failure, reason = _judge(answer), f"it was answered with {answer}"
        except Unanswered as error:
            failure, reason = error.failure, str(error)
        is_failed = answer is None or not 200 <= answer < 300
        message = callback.message
        message.attempts.append(
            Attempt(callback.status, at, answer, reason if is_failed else None, callback.is_forged)
        )
        if is_failed and not callback.is_forged:
            # The path of a callback URL is as good as a password: only the host is told.
            host = urlsplit(callback.url.called).netloc
            status = callback.status.value
            _log.warning("11200: callback '%s' of %s to %s: %s", status, message.sid, host, reason)
        return failure

    async def _post(self, callback: _Callback) -> int:
        url, headers = callback.url, callback.headers
        answer = await self._poster.post(url.called, headers, callback.body)
        if answer == 401 and url.authorization is not None:
            headers = {**headers, "Authorization": url.authorization}
            answer = await self._poster.post(url.called, headers, callback.body)
        return answer


def _judge(answer: int) -> Failure | None:
    match answer // 100:
        case 4:
            return Failure.CLIENT
        case 5:
            return Failure.SERVER
        case _:
            return None


def _prepare(
    message: Message, url: CallbackUrl, report: Report, now: float, *, is_forged: bool
) -> _Callback:
    form = _form(message, report, now)
    token = f"not {message.auth_token}" if is_forged else message.auth_token
    headers = {
        "X-Twilio-Signature": sign(token, url.signed, form),
        "I-Twilio-Idempotency-Token": report.token,
    }
    return _Callback(message, url, report.status, is_forged, headers, encode_form(form))


def _form(message: Message, report: Report, now: float) -> list[tuple[str, str]]:
    """Gives the fields in the order in which they are signed."""
    form = [
        ("AccountSid", message.account_sid),
        ("ApiVersion", API_VERSION),
        ("From", message.sender or ""),
        ("MessageSid", message.sid),
        ("MessageStatus", report.status.value),
        ("SmsSid", message.sid),
        ("SmsStatus", report.status.value),
        ("To", message.to),
    ]
    if report.error_code is not None:
        form.append(("ErrorCode", str(report.error_code)))
    if message.service_sid is not None:
        form.append(("MessagingServiceSid", message.service_sid))
    if report.status in _FROM_THE_CARRIER:
        form.append(("RawDlrDoneDate", _done_date(int(now) // 60)))
    return form


@lru_cache(maxsize=64)
def _done_date(minutes: int) -> str:
    return f"{datetime.fromtimestamp(minutes * 60, UTC):%y%m%d%H%M}"


def encode_form(form: Sequence[tuple[str, str]]) -> bytes:
    """Gives the fields form-encoded; their names must be plain letters."""
    # Most values are plain words: to ask first costs a tenth of quoting them.
    return "&".join(
        [
            f"{name}={value if value.isascii() and value.isalnum() else _quote(value)}"
            for name, value in form
        ]
    ).encode("ascii")


_quote = lru_cache(maxsize=4096)(quote_plus)
