"""What the simulator remembers: the messages it took and the requests it got, the last N of each.

Tests compare these with what the engine believes; two messages with the same body tell a double
send.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict
from urllib.parse import parse_qsl

from engine.testing.twilio.messages import Message


class StatusEntry(TypedDict):
    """A status and the Unix time from which the message has it."""

    status: str
    at: float


class CallbackEntry(TypedDict):
    """A callback that was posted; `failure` says why it counts as failed."""

    status: str
    at: float
    answer: int | None
    failure: str | None
    forged: bool


# `from` is a word of the language, hence the form of a call.
MessageEntry = TypedDict(
    "MessageEntry",
    {
        "sid": str,
        "to": str,
        "from": str | None,
        "body": str,
        "status": str,
        "error_code": int | None,
        "history": list[StatusEntry],
        "callbacks": list[CallbackEntry],
    },
)


class RequestEntry(TypedDict):
    """A request to the API; `status` is None until it is answered, and if it never is."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    user: str
    at: float
    status: int | None


class MessageLog:
    """The messages by sid, the oldest dropped when there are too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: OrderedDict[str, Message] = OrderedDict()

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def add(self, message: Message) -> None:
        """Keeps the message."""
        self._messages[message.sid] = message
        if len(self._messages) > self._limit:
            self._messages.popitem(last=False)

    def find(self, account_sid: str, sid: str) -> Message | None:
        """Gives the account's message, or None."""
        message = self._messages.get(sid)
        return message if message and message.account_sid == account_sid else None

    def newest_first(self) -> Iterator[Message]:
        """Goes through the messages in Twilio's order."""
        return reversed(self._messages.values())

    def remove(self, message: Message) -> None:
        """Forgets the message; nothing happens to it any more."""
        message.is_gone = True
        self._messages.pop(message.sid, None)

    def clear(self) -> None:
        """Forgets all messages."""
        for message in list(self._messages.values()):
            self.remove(message)


# Mutable: the status is known later than the rest, and for a request that hangs never.
@dataclass(slots=True)
class Received:
    """A request as it came, decoded only if somebody asks for the log."""

    method: str
    path: str
    query: bytes
    body: bytes
    user: str
    at: float
    status: int | None = None


class RequestLog:
    """The requests to the API in order of arrival."""

    def __init__(self, limit: int) -> None:
        self._requests: deque[Received] = deque(maxlen=limit)

    def __iter__(self) -> Iterator[Received]:
        return iter(self._requests)

    def add(self, received: Received) -> None:
        """Keeps the request."""
        self._requests.append(received)

    def clear(self) -> None:
        """Forgets all requests."""
        self._requests.clear()


def message_entries(
    messages: Iterable[Message],
    *,
    body: str | None = None,
    to: str | None = None,
    sid: str | None = None,
) -> list[MessageEntry]:
    """Gives the entries of the messages with that body, recipient and sid, oldest first."""
    return [
        _message_entry(message)
        for message in messages
        if (body is None or message.body == body)
        and (to is None or message.to == to)
        and (sid is None or message.sid == sid)
    ]


def _message_entry(message: Message) -> MessageEntry:
    return {
        "sid": message.sid,
        "to": message.to,
        "from": message.sender,
        "body": message.body,
        "status": message.status.value,
        "error_code": message.error_code,
        "history": [{"status": status.value, "at": at} for status, at in message.history],
        "callbacks": [
            {
                "status": attempt.status.value,
                "at": attempt.at,
                "answer": attempt.answer,
                "failure": attempt.failure,
                "forged": attempt.is_forged,
            }
            for attempt in message.attempts
        ],
    }


def request_entries(requests: Iterable[Received]) -> list[RequestEntry]:
    """Gives the entries of the requests: of the credentials only the user's name."""
    return [
        {
            "method": received.method,
            "path": received.path,
            "query": _fields(received.query),
            "form": _fields(received.body),
            "user": received.user,
            "at": received.at,
            "status": received.status,
        }
        for received in requests
    ]


def _fields(encoded: bytes) -> dict[str, str]:
    """Gives the fields of a form; passwords inside URLs are masked."""
    pairs = parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: _masked(value) for name, value in pairs}


def _masked(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not (separator and at):
        return value
    return f"{scheme}://{user.partition(':')[0]}:***@{host}{slash}{path}"
