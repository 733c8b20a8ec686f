"""A call made ready to send, or refused, in the same way whatever library sends it.

Refused here is what a library would refuse with words of its own, or worse, would send: a line
break in a header is a second header, a wrong Content-Length is a second request.
"""

import re
from base64 import b64encode
from dataclasses import replace
from urllib.parse import unquote_to_bytes, urlsplit

from engine.core.command import CallFailed, CallFailure, HttpCall

Headers = tuple[tuple[str, str], ...]

# Most URLs are seen to be good by this alone, in a tenth of the time that it takes to part them.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[1-9][0-9]{0,3})?(/[!-\"$-~]*)?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NOT_IN_HOST = re.compile(r"[\s\"%<>\\^`{|}]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2

# How the message is framed and the connection kept is the transport's: what a process says of it
# is at best repeated and at worst wrong.
_OF_THE_TRANSPORT = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# RFC 9110, section 8.6: these tell their length even when it is nothing; some servers insist.
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


def prepare(call: HttpCall) -> HttpCall | CallFailed:
    """Return the call as a transport takes it, or why it can't be sent.

    The method is in upper case, the URL without user and password (they have become a Basic
    Authorization header, unless the call has one) and without a fragment, the headers without
    those that are the transport's.
    """
    method, url, headers = call.method.upper(), call.url, call.headers
    if not _PLAIN_URL.fullmatch(url):
        url = url.strip()
        if fault := _fault_of_url(url):
            return CallFailed(CallFailure.INVALID, fault)
        url, headers = _without_user(url.partition("#")[0], headers)
    if not _TOKEN.fullmatch(method):
        return CallFailed(CallFailure.INVALID, "the method is not a word")
    if fault := _fault_of_headers(headers):
        return CallFailed(CallFailure.INVALID, fault)
    headers = _without_framing(headers)
    if not call.body and method in _WITH_LENGTH:
        headers = (*headers, ("Content-Length", "0"))
    if (method, url) == (call.method, call.url) and headers is call.headers:
        return call
    return replace(call, method=method, url=url, headers=headers)


def _fault_of_url(url: str) -> str:
    scheme = _SCHEME.match(url)
    if scheme is None:
        # Corezoid's default escalations look for exactly this text.
        return "no_scheme"
    if scheme[1].lower() not in {"http", "https"}:
        return "the URL begins with neither 'http://' nor 'https://'"
    if _CONTROL.search(url):
        return "the URL holds a line break or another control character"
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0 and not _NOT_IN_HOST.search(parts.hostname):
            return ""
    except ValueError:
        pass
    return "the URL's host or port can't be used"


def _fault_of_headers(headers: Headers) -> str:
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            return f"the header name {name[:60]!r} holds a character that none may have"
        if _CONTROL_BUT_TAB.search(value):
            return f"the header '{name[:60]}' holds a line break or another control character"
    return ""


def _without_framing(headers: Headers) -> Headers:
    """Return the same headers when there is nothing to change, as is almost always."""
    for name, value in headers:
        if name.lower() in _OF_THE_TRANSPORT or value != value.strip(" \t"):
            break
    else:
        return headers
    return tuple(
        (name, value.strip(" \t"))
        for name, value in headers
        if name.lower() not in _OF_THE_TRANSPORT
    )


def _without_user(url: str, headers: Headers) -> tuple[str, Headers]:
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, headers
    login, _, host = parts.netloc.rpartition("@")
    plain = parts._replace(netloc=host).geturl()
    if any(name.lower() == "authorization" for name, _ in headers):
        return plain, headers
    user, _, password = login.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return plain, (*headers, ("Authorization", f"Basic {b64encode(pair).decode('ascii')}"))
