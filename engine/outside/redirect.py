"""Where a redirect leads: one set of rules for all transports (RFC 9110, section 15.4)."""

from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit

from engine.core.command import CallFailed, HttpAnswer, HttpCall
from engine.outside.request import prepare

MAX_REDIRECTS = 5

_KEEP_METHOD = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _KEEP_METHOD
_OF_THE_ORIGIN = frozenset({"authorization", "cookie", "host", "proxy-authorization"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def next_call(call: HttpCall, answer: HttpAnswer) -> HttpCall | None:
    """Return the call that the answer sends us to, or nothing when it is an answer to keep.

    Another origin gets neither the Authorization header nor the client certificate.
    """
    location = next((value for name, value in answer.headers if name == "location"), None)
    if answer.status not in _REDIRECTS or location is None:
        return None
    try:
        url = urljoin(call.url, location)
        is_elsewhere = _origin(urlsplit(url)) != _origin(urlsplit(call.url))
    except ValueError:
        return None
    following = replace(call, url=url)
    if answer.status not in _KEEP_METHOD and (call.method == "POST" or answer.status == 303):
        following = _without_body(following)
    if is_elsewhere:
        following = _without_secrets(following)
    prepared = prepare(following)
    return None if isinstance(prepared, CallFailed) else prepared


def _without_body(call: HttpCall) -> HttpCall:
    headers = tuple(pair for pair in call.headers if not pair[0].lower().startswith("content-"))
    method = "HEAD" if call.method == "HEAD" else "GET"
    return replace(call, method=method, body=None, headers=headers)


def _without_secrets(call: HttpCall) -> HttpCall:
    headers = tuple(pair for pair in call.headers if pair[0].lower() not in _OF_THE_ORIGIN)
    return replace(call, headers=headers, client_cert_pem=None)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme)
