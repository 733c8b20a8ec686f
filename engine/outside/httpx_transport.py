"""The transport that runs everywhere: httpx. Slower, and exact where pyreqwest is not.

It knows when the first byte of a request goes out, and a cancelled call closes its connection at
once.
"""

import asyncio
import re
import ssl
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from engine.core.command import CallFailed, HttpAnswer, HttpCall, HttpResult
from engine.outside import failure
from engine.outside.clients import ClientCache, Setup
from engine.outside.transport import (
    CONNECT_LIMIT_S,
    IDLE_CONNECTIONS,
    IDLE_LIMIT_S,
    USER_AGENT,
    Pin,
    to_address,
)

_DEFAULT_HEADERS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("User-Agent", USER_AGENT),
)
_FIRST_BYTE = "send_request_headers.started"
_DECODED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
# In TLS 1.3 the server refuses our certificate when the connection stands for us already. It
# does so before it reads a byte of the request.
_CERTIFICATE_REFUSED = re.compile(r"_ALERT_\w*(CERTIFICATE|_CA\b|ACCESS_DENIED)")


class HttpxTransport:
    """Sends with httpx."""

    def __init__(self) -> None:
        self._clients = ClientCache(self._open_client, httpx.AsyncHTTPTransport.aclose)
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def send(self, call: HttpCall, pin: Pin | None = None) -> HttpResult:
        """Send the request, read the answer."""
        # Connections are kept by address here, so names that share one must not share a client.
        tls_pin = pin if call.url.startswith("https:") else None
        try:
            lease = self._clients.take(call, CONNECT_LIMIT_S, tls_pin)
        except (ssl.SSLError, OSError):
            return failure.unusable_tls(call)
        progress = _Progress()
        try:
            async with asyncio.timeout(call.timeout_s):
                return await _exchange(lease.client, call, pin, progress)
        except (TimeoutError, httpx.ConnectTimeout):
            if progress.is_sent:
                return failure.timed_out(call)
            return failure.unreachable(call, "no connection in time")
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error, OSError) as error:
            if lease.is_closed:
                return failure.interrupted(call)
            return _failure(call, error, is_sent=progress.is_sent)
        finally:
            await self._clients.give_back(lease)

    async def aclose(self) -> None:
        """Close all connections; calls that are still out end as `INTERRUPTED`."""
        await self._clients.aclose()

    def _open_client(self, setup: Setup) -> httpx.AsyncHTTPTransport:
        # Not httpx.AsyncClient: it keeps cookies, takes passwords from ~/.netrc, logs whole URLs,
        # and fails over a Location that it can't parse although nobody asked it to follow.
        return httpx.AsyncHTTPTransport(
            verify=self._tls(setup),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_LIMIT_S,
            ),
        )

    def _tls(self, setup: Setup) -> ssl.SSLContext:
        """Gives what connections are set up by; to read all authorities takes 20 ms."""
        if setup.client_cert_pem is not None:
            return _tls(setup)
        if setup.verify_tls not in self._contexts:
            self._contexts[setup.verify_tls] = _tls(setup)
        return self._contexts[setup.verify_tls]


class _Progress:
    """Whether the request began to go out."""

    def __init__(self) -> None:
        self.is_sent = False

    async def follow(self, event: str, _: object) -> None:
        """Take note of what httpcore says that it does."""
        if event.endswith(_FIRST_BYTE):
            self.is_sent = True


def _tls(setup: Setup) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not setup.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if setup.client_cert_pem is not None:
        # OpenSSL reads files only; this one is ours alone and gone at once. Without a password
        # given it would ask for that of an encrypted key at the terminal.
        with TemporaryDirectory() as folder:
            file = Path(folder, "client.pem")
            file.write_text(setup.client_cert_pem)
            context.load_cert_chain(file, password="")
    return context


async def _exchange(
    client: httpx.AsyncHTTPTransport, call: HttpCall, pin: Pin | None, progress: _Progress
) -> HttpResult:
    # Connecting has two steps, TCP and TLS, with this limit for each. The limit on the whole is
    # not enough: a handshake that is cancelled leaves its socket to the garbage collector.
    limits = {"connect": min(call.timeout_s, CONNECT_LIMIT_S) / 2}
    extensions: dict[str, Any] = {"trace": progress.follow, "timeout": limits}
    sent = call
    if pin is not None:
        sent = to_address(call, pin)
        extensions["sni_hostname"] = pin.name
    request = httpx.Request(
        sent.method,
        sent.url,
        headers=_with_defaults(sent.headers),
        content=sent.body,
        extensions=extensions,
    )
    response = await client.handle_async_request(request)
    try:
        is_encoded = response.headers.get("content-encoding", "").lower() in _DECODED
        body = await _read(response, call.max_response_bytes, is_encoded=is_encoded)
    finally:
        await response.aclose()
    if body is None:
        return failure.too_large(call)
    return HttpAnswer(response.status_code, _headers(response, is_encoded=is_encoded), body)


def _with_defaults(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in headers}
    defaults = [pair for pair in _DEFAULT_HEADERS if pair[0].lower() not in names]
    return [(name.encode(), value.encode()) for name, value in (*headers, *defaults)]


async def _read(response: httpx.Response, limit: int, *, is_encoded: bool) -> bytes | None:
    """Read the body, or nothing if it is longer than the limit.

    httpx would decode a whole chunk of the network at once, a thousand times its size at worst.
    """
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if is_encoded else None
    parts = []
    left = limit
    async for raw in response.aiter_raw():
        part = inflate.decompress(raw, left + 1) if inflate else raw
        left -= len(part)
        if left < 0:
            return None
        parts.append(part)
    if inflate and parts and not inflate.eof:
        raise zlib.error("the compressed body ends too early")
    return b"".join(parts)


def _headers(response: httpx.Response, *, is_encoded: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers; what described the body before it was decoded is left out."""
    dropped = {"content-encoding", "content-length"} if is_encoded else frozenset()
    return tuple(
        (name, value.decode("utf-8", "replace"))
        for raw_name, value in response.headers.raw
        if (name := raw_name.decode("ascii").lower()) not in dropped
    )


def _failure(call: HttpCall, error: Exception, *, is_sent: bool) -> CallFailed:
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return failure.refused(call, "the URL or a header can't be used")
    cause = _root(error)
    reason = str(cause) or type(cause).__name__
    if is_sent and not _CERTIFICATE_REFUSED.search(reason):
        return failure.broken(call, reason)
    return failure.unreachable(call, reason)


def _root(error: BaseException) -> BaseException:
    """Return where the error comes from: httpx wraps httpcore, which wraps anyio."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
