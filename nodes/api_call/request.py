"""From an API call's settings and a task's data to one HTTP request."""

import re
from base64 import b64encode
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from engine.node import (
    ErrorKind,
    Fail,
    HttpCall,
    Text,
    Visit,
    as_text,
    encode,
    not_convertible,
)
from nodes.api_call.ops import add_signature, ops_body
from nodes.api_call.settings import BODILESS, METHODS, Auth, Settings
from nodes.api_call.xml import write_xml

NO_SCHEME = "no_scheme"
"""A description that the usual escalations test for, word by word."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HTTP = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_USERINFO = re.compile(r"([^:/?#]+://)([^/?#]*)@")
_RESERVED = re.compile(r"[^A-Za-z0-9_.~-]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SHORT = 1e16
"""Up to here a whole number kept as a float is written as the integer it is."""
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})

Body = tuple[bytes | None, str]
"""The bytes and their content type."""


class NotBuilt(Exception):
    """The request can't be made from this task's data."""

    def __init__(self, tag: str, description: str) -> None:
        super().__init__(description)
        self.fail = Fail(ErrorKind.SOFTWARE, tag, description)


def build_call(settings: Settings, visit: Visit) -> HttpCall:
    """Builds the request; the same for every repeat of this visit.

    Raises:
        NotBuilt: a setting gave a value of the wrong kind, or the URL has no scheme.
        ValueError: the request would not be well-formed.
    """
    method = as_text(settings.method.render(visit)).upper()
    if method not in METHODS:
        raise ValueError(f"'{method}' is not one of {', '.join(sorted(METHODS))}")
    url, authorization = _split_userinfo(_checked_url(as_text(settings.url.render(visit))))
    if settings.auth is not None:
        authorization = _authorization(settings.auth, visit)
    if settings.query is not None:
        url = _with_query(url, _pairs("query", settings.query.render(visit)))
    body, content_type = (None, "") if method in BODILESS else _body(settings, visit, method)
    if settings.sign_secret is not None or settings.ops is not None:
        url = add_signature(url, _rendered(settings.sign_secret, visit), body or b"", visit)
    return HttpCall(
        method=method,
        url=url,
        headers=_headers(settings, visit, authorization, content_type),
        body=body,
        timeout_s=settings.request_timeout.seconds,
        max_response_bytes=settings.max_response,
        max_threads=settings.max_threads,
        follow_redirects=settings.follow_redirects,
        verify_tls=settings.verify_tls,
        client_cert_pem=_rendered(settings.client_cert, visit) or None,
    )


def _rendered(text: Text | None, visit: Visit) -> str:
    return "" if text is None else as_text(text.render(visit))


# The URL


def _checked_url(url: str) -> str:
    if _NOT_IN_URL.search(url):
        raise ValueError("the URL holds spaces, backslashes or control characters")
    if not _SCHEME.match(url):
        raise NotBuilt("api_bad_answer", NO_SCHEME)
    if not _HTTP.match(url):
        raise ValueError("the URL is not like https://host/path")
    return url


def _split_userinfo(url: str) -> tuple[str, str]:
    """Takes `user:password@` out of a URL and makes a header of it: URLs end up in logs."""
    found = _USERINFO.match(url) if "@" in url else None
    if found is None:
        return url, ""
    user, _, password = found[2].partition(":")
    return found[1] + url[found.end() :], _basic(unquote(user), unquote(password))


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    address, hash_, fragment = url.partition("#")
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{joint}{_encoded(pairs)}{hash_}{fragment}"


def _pairs(setting: str, value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        raise NotBuilt(
            "api_wrong_convert_param",
            not_convertible(setting, value, "object"),
        )
    return [(name, as_text(each)) for name, each in value.items()]


def _encoded(pairs: list[tuple[str, str]], space: str = "%20") -> str:
    return "&".join(f"{_percent(name)}={_percent(value)}" for name, value in pairs).replace(
        "%20", space
    )


def _percent(text: str) -> str:
    # `quote` looks at each byte: a form of four fields took 13 us so, and 8 us like this.
    return _RESERVED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return _escaped(found[0])


@lru_cache(maxsize=4096)
def _escaped(character: str) -> str:
    return quote(character, safe="")


# The body


def _body(settings: Settings, visit: Visit, method: str) -> Body:
    made = _made_body(settings, visit)
    is_empty = made[0] in {None, b"", b"{}", b"null"}
    return (None, "") if is_empty and method == "DELETE" else made


def _made_body(settings: Settings, visit: Visit) -> Body:
    if settings.form is not None:
        pairs = _pairs("form", settings.form.render(visit))
        return _encoded(pairs, "+").encode(), "application/x-www-form-urlencoded"
    if settings.json is not None:
        return encode(_json(settings, visit)), "application/json"
    if settings.xml is not None:
        return write_xml(settings.xml.render(visit)).encode(), "application/xml"
    if settings.ops is not None:
        extra = settings.ops.render(visit)
        _pairs("ops", extra)
        return encode(ops_body(visit, extra)), "application/json"
    if settings.body is not None:
        return as_text(settings.body.render(visit)).encode(), "text/plain; charset=utf-8"
    return None, ""


def _json(settings: Settings, visit: Visit) -> Any:
    value = settings.json.render(visit) if settings.json is not None else {}
    if not settings.system_params or not isinstance(value, dict):
        return value
    origin = visit.origin
    task = {"ref": visit.ref, "obj_id": visit.task_id}
    return {**value, "sys": {**task, "conv_id": origin["conv_id"], "node_id": origin["node_id"]}}


# The headers


def _headers(
    settings: Settings, visit: Visit, authorization: str, content_type: str
) -> tuple[tuple[str, str], ...]:
    """Puts the author's headers before ours; of the same name, theirs is sent."""
    ours = [("Idempotency-Key", visit.key), ("X-Corezoid-TaskID", visit.task_id)]
    if content_type:
        ours.append(("Content-Type", content_type))
    if authorization:
        ours.append(("Authorization", authorization))
    if settings.headers is None:
        return tuple(ours)
    theirs = [_header(*pair) for pair in _pairs("headers", settings.headers.render(visit))]
    taken = {name.lower() for name, _ in theirs}
    return (*theirs, *(pair for pair in ours if pair[0].lower() not in taken))


def _header(name: str, value: str) -> tuple[str, str]:
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
        raise ValueError(f"'{name[:100]}' is not a header that can be set")
    value = value.strip(" \t")
    if _NOT_IN_HEADER.search(value):
        raise ValueError(f"the header '{name}' holds line breaks or control characters")
    return name, value


def _authorization(auth: Auth, visit: Visit) -> str:
    if auth.bearer is None:
        return _basic(_rendered(auth.user, visit), _rendered(auth.password, visit))
    token = _rendered(auth.bearer, visit).strip()
    if _NOT_IN_HEADER.search(token):
        raise ValueError("the bearer token holds line breaks or control characters")
    return f"Bearer {token}"


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
