"""A StatusCallback URL: what Twilio takes, and the connection overrides in its fragment."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from engine.testing.twilio.errors import Refusal

MAX_URL_CHARACTERS = 4000
DEFAULT_RETRIES = 1
_RETRIES = {"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}


class Failure(StrEnum):
    """Why a callback did not arrive; the value is its name in a retry policy."""

    CONNECT = "ct"  # no connection came about
    READ = "rt"  # the connection stood, and no answer came in time
    CLIENT = "4xx"
    SERVER = "5xx"


_DEFAULT_POLICY = frozenset({Failure.CONNECT})


@dataclass(frozen=True, slots=True)
class CallbackUrl:
    """A URL that was taken.

    `signed` is the URL as configured, without the fragment, which never leaves Twilio. `called`
    has no user and password either: they go into `authorization` once the other side asks.
    """

    signed: str
    called: str
    authorization: str | None = field(repr=False)
    retries: int
    policy: frozenset[Failure]


@lru_cache(maxsize=4096)
def read_callback_url(text: str) -> CallbackUrl:
    """Checks the URL and takes it apart; refuses one that Twilio would not call.

    Unlike Twilio it takes hosts that only this machine can reach, and plain HTTP to them.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise Refusal(21609, f"it has more than {MAX_URL_CHARACTERS} characters")
    if any(char <= " " or char == "\x7f" for char in text):
        raise Refusal(21609, "it holds blanks or control characters")
    signed = text.partition("#")[0]
    try:
        parts = urlsplit(text)
        _check_host(parts)
    except ValueError as error:
        raise Refusal(21609, str(error)) from error
    overrides = dict(parse_qsl(parts.fragment))
    host = parts.netloc.rpartition("@")[2]
    return CallbackUrl(
        signed=signed,
        called=parts._replace(netloc=host, fragment="").geturl(),
        authorization=_authorization(parts),
        retries=_RETRIES.get(overrides.get("rc", ""), DEFAULT_RETRIES),
        policy=_policy(overrides),
    )


def _check_host(parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it must begin with http:// or https://")
    host = parts.hostname or ""
    if not all(host.rstrip(".").split(".")):
        raise ValueError("the host name is missing or has an empty part")
    if "_" in host:
        raise ValueError("the host name holds an underscore")
    if not all(char.isalnum() or char in ".-:" for char in host):
        raise ValueError("the host name holds a character that no host name has")
    if parts.port == 0:
        raise ValueError("the port is 0")


def _authorization(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + b64encode(user.encode()).decode("ascii")


def _policy(overrides: Mapping[str, str]) -> frozenset[Failure]:
    names = set(overrides.get("rp", "").split(","))
    if "all" in names:
        return frozenset(Failure)
    return frozenset(failure for failure in Failure if failure in names) or _DEFAULT_POLICY
