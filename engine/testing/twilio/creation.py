"""What a request to create a message must hold, and the error for each thing that is wrong."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from engine.testing.twilio.callback_url import CallbackUrl, read_callback_url
from engine.testing.twilio.errors import FROM_FAULTS, TO_FAULTS, Refusal

MAX_BODY_CHARACTERS = 1600
MAX_MEDIA = 10
MAX_VALIDITY_S = 36_000
SCHEDULE_FROM_S = 15 * 60
SCHEDULE_TO_S = 35 * 24 * 3600

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_CHANNEL = re.compile(r"[a-z]{2,20}:[!-~]{1,200}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_MEDIA_URL = re.compile(r"https?://[!-~]+")

Form = list[tuple[str, str]]


class Draft(NamedTuple):
    """A message as it was asked for. It has a sender, a service or both."""

    to: str
    sender: str | None
    service_sid: str | None
    body: str
    media_count: int
    callback: CallbackUrl | None
    send_at: float | None


def read_draft(form: Form, now: float) -> Draft:
    """Checks the fields of the form in Twilio's order; fields that are not known are ignored.

    Raises:
        Refusal: the first thing that is wrong.
    """
    fields = dict(form)
    media = [value for name, value in form if name == "MediaUrl"]
    to = _recipient(fields)
    sender, service_sid = _sender(fields)
    body = _body(fields, media)
    url = fields.get("StatusCallback", "")
    _check_validity(fields)
    return Draft(
        to=to,
        sender=sender,
        service_sid=service_sid,
        body=body,
        media_count=len(media),
        callback=read_callback_url(url) if url else None,
        send_at=_send_at(fields, now),
    )


def _recipient(fields: Mapping[str, str]) -> str:
    to = fields.get("To", "").strip()
    if not to:
        raise Refusal(21604)
    if not (fields.get("From") or fields.get("MessagingServiceSid")):
        raise Refusal(21603)
    if to in TO_FAULTS:
        raise Refusal(TO_FAULTS[to], to)
    if not (_PHONE.fullmatch(to) or _CHANNEL.fullmatch(to)):
        raise Refusal(21211, to)
    return to


def _sender(fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    sender = fields.get("From", "").strip() or None
    service_sid = fields.get("MessagingServiceSid") or None
    if service_sid and not _SERVICE.fullmatch(service_sid):
        raise Refusal(21701, service_sid)
    if sender is not None:
        _check_sender(sender)
    return sender, service_sid


def _check_sender(sender: str) -> None:
    if sender in FROM_FAULTS:
        raise Refusal(FROM_FAULTS[sender], sender)
    shapes = (_PHONE, _SHORT_CODE, _ALPHANUMERIC, _CHANNEL)
    if not any(shape.fullmatch(sender) for shape in shapes):
        raise Refusal(21212, sender)


def _body(fields: Mapping[str, str], media: list[str]) -> str:
    body = fields.get("Body", "")
    if not (body or media or fields.get("ContentSid")):
        raise Refusal(21602)
    if len(body) > MAX_BODY_CHARACTERS:
        raise Refusal(21617)
    if len(media) > MAX_MEDIA:
        raise Refusal(21623)
    for url in media:
        if not _MEDIA_URL.fullmatch(url):
            raise Refusal(21620, url)
    return body


def _check_validity(fields: Mapping[str, str]) -> None:
    seconds = fields.get("ValidityPeriod", "1")
    is_number = seconds.isascii() and seconds.isdigit() and len(seconds) <= len("36000")
    if not (is_number and 1 <= int(seconds) <= MAX_VALIDITY_S):
        raise Refusal(21624)


def _send_at(fields: Mapping[str, str], now: float) -> float | None:
    kind = fields.get("ScheduleType")
    if not kind:
        return None
    if kind != "fixed":
        raise Refusal(35126, kind)
    if not fields.get("MessagingServiceSid"):
        raise Refusal(35118)
    if not fields.get("SendAt"):
        raise Refusal(35111)
    try:
        moment = datetime.fromisoformat(fields["SendAt"])
        at = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refusal(35114) from error
    if not SCHEDULE_FROM_S <= at - now <= SCHEDULE_TO_S:
        raise Refusal(35114)
    return at
