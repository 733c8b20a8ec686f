"""The list of an account's messages: filters and pages, newest first."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from engine.testing.twilio.errors import Refusal
from engine.testing.twilio.messages import Message
from engine.testing.twilio.representation import Facts, describe

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000

# A page token is one of these and the serial number of a message.
_AFTER = "PA"
_BEFORE = "PB"
_DATE_FILTERS = ("DateSent", "DateSent<", "DateSent>")

Fields = dict[str, str]
Test = Callable[[Message], bool]


def list_messages(messages: Iterable[Message], path: str, query: Fields) -> Facts:
    """Gives the page of messages that the query asks for."""
    tests = _read_tests(query)
    found = [message for message in messages if all(test(message) for test in tests)]
    number = _read_number(query, "Page", 0)
    size = min(max(_read_number(query, "PageSize", DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
    begin = _begin(found, query.get("PageToken", ""), number, size)
    page = found[begin : begin + size]

    def uri(number: int, token: str = "") -> str:
        kept = {name: query[name] for name in ("To", "From", *_DATE_FILTERS) if name in query}
        kept |= {"PageSize": str(size), "Page": str(number)}
        return f"{path}?{urlencode(kept | ({'PageToken': token} if token else {}))}"

    has_more = begin + size < len(found)
    return {
        "end": number * size + max(len(page) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, f"{_AFTER}{page[-1].serial}") if has_more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": (
            uri(number - 1, f"{_BEFORE}{page[0].serial}") if number and page else None
        ),
        "messages": [describe(message) for message in page],
        "start": number * size,
        "uri": uri(number, query.get("PageToken", "")),
    }


def _begin(found: list[Message], token: str, number: int, size: int) -> int:
    """Gives the index of the page's first message.

    A token stays true while new messages come in; a bare page number does not.
    """
    if not token:
        return number * size
    kind, serial = token[:2], token[2:]
    if kind not in {_AFTER, _BEFORE} or not _is_number(serial):
        raise Refusal(20001, "PageToken")
    if kind == _AFTER:
        return sum(message.serial >= int(serial) for message in found)
    return max(sum(message.serial > int(serial) for message in found) - size, 0)


def _read_number(query: Fields, name: str, default: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not _is_number(text):
        raise Refusal(20001, name)
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _read_tests(query: Fields) -> list[Test]:
    tests: list[Test] = []
    if to := query.get("To"):
        tests.append(lambda message: message.to == to)
    if sender := query.get("From"):
        tests.append(lambda message: message.sender == sender)
    tests.extend(_date_test(name, query[name]) for name in _DATE_FILTERS if query.get(name))
    return tests


def _date_test(name: str, text: str) -> Test:
    """Tells whether a message was sent on, until or since a day or a moment.

    A message that was not sent yet counts by the time of its creation, so that who asks "did you
    get it?" right after a broken request finds it.
    """
    first, last = _read_period(name, text)
    if name.endswith("<"):
        return lambda message: _moment(message) <= last
    if name.endswith(">"):
        return lambda message: _moment(message) >= first
    return lambda message: first <= _moment(message) <= last


def _moment(message: Message) -> datetime:
    return datetime.fromtimestamp(int(message.sent or message.created), UTC)


def _read_period(name: str, text: str) -> tuple[datetime, datetime]:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        day = (midnight, midnight + timedelta(days=1, microseconds=-1))
    except (ValueError, OverflowError) as error:
        raise Refusal(20001, name) from error
    has_time = len(text) > len("2026-01-01")
    if name == "DateSent" or not has_time:
        return day
    return moment, moment
