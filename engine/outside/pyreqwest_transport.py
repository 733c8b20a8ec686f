"""The fast transport: pyreqwest, used directly (hyper and rustls underneath)."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import certifi
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ClientClosedError,
    DetailedPyreqwestError,
    RequestPanicError,
    RequestTimeoutError,
)
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from engine.core.command import CallFailed, HttpAnswer, HttpCall, HttpResult
from engine.outside import failure
from engine.outside.clients import ClientCache, Setup
from engine.outside.transport import (
    CHUNK_BYTES,
    CONNECT_LIMIT_S,
    IDLE_CONNECTIONS,
    IDLE_LIMIT_S,
    USER_AGENT,
    Pin,
    to_address,
)

# The limit on connecting belongs to a client, the limit on the whole call to a request. When the
# second ends a call, nobody can say whether it was sent; so a call gets the longest of these
# that is shorter than its own limit.
_CONNECT_LIMITS_S = (CONNECT_LIMIT_S, 5.0, 2.0, 1.0, 0.5, 0.2)

# Exceptions of pyreqwest do not tell whether a request was sent: a connection that closes after
# the request is a ConnectError, an answer that is late a ConnectTimeoutError. Their causes do.
_WHILE_CONNECTING = "client error (Connect)"
# In TLS 1.3 the server refuses our certificate when the connection stands for us already. It
# does so before it reads a byte of the request.
_CERTIFICATE_REFUSED = frozenset(
    f"received fatal alert: {alert}"
    for alert in (
        "AccessDenied",
        "BadCertificate",
        "CertificateExpired",
        "CertificateRequired",
        "CertificateRevoked",
        "CertificateUnknown",
        "UnknownCA",
        "UnsupportedCertificate",
    )
)


class PyreqwestTransport:
    """Sends with pyreqwest.

    A call that is cancelled before the head of its answer returns at once, but pyreqwest 0.15
    lets the request run on unseen until it is answered or its `timeout_s` is over.
    """

    def __init__(self) -> None:
        self._clients = ClientCache(_open_client, Client.close)

    async def send(self, call: HttpCall, pin: Pin | None = None) -> HttpResult:
        """Send the request, read the answer."""
        # TLS takes the name from the URL, so there a client of its own knows the address.
        tls_pin = pin if call.url.startswith("https:") else None
        try:
            lease = self._clients.take(call, _connect_limit(call.timeout_s), tls_pin)
        except ValueError:
            return failure.unusable_tls(call)
        try:
            sent = to_address(call, pin) if pin and not tls_pin else call
            request = _build(lease.client, sent)
        except ValueError:
            await self._clients.give_back(lease)
            return failure.refused(call, "the URL or a header can't be used")
        cancellation = _Cancellation()
        try:
            async with request as response:
                cancellation.raise_if_lost()
                return await _read(call, response, cancellation)
        except DetailedPyreqwestError as error:
            cancellation.raise_if_lost()
            return _failure(call, error)
        finally:
            await self._clients.give_back(lease)

    async def aclose(self) -> None:
        """Close all connections; calls that are still out end as `INTERRUPTED`."""
        await self._clients.aclose()


class _Cancellation:
    """Finds a cancellation that pyreqwest swallowed.

    When an answer and a cancellation come at the same moment, pyreqwest takes either by lot.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    def raise_if_lost(self) -> None:
        if self._task and self._task.cancelling() > self._before:
            raise asyncio.CancelledError


def _connect_limit(timeout_s: float) -> float:
    for limit_s in _CONNECT_LIMITS_S:
        if limit_s < timeout_s:
            return limit_s
    return _CONNECT_LIMITS_S[-1]


def _open_client(setup: Setup) -> Client:
    try:
        return _builder(setup).build()
    except BuilderError:
        # A machine without certificate authorities of its own, as small containers are.
        authorities = Path(certifi.where()).read_bytes()
        return _builder(setup).add_root_certificate_pem(authorities).build()


def _builder(setup: Setup) -> ClientBuilder:
    builder = (
        ClientBuilder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .follow_redirects(enable=False)
        .referer(enable=False)
        .http1_only()
        .danger_accept_invalid_certs(enable=not setup.verify_tls)
        .connect_timeout(timedelta(seconds=setup.connect_limit_s))
        .pool_idle_timeout(timedelta(seconds=IDLE_LIMIT_S))
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
    )
    if setup.client_cert_pem is not None:
        builder = builder.identity_pem(setup.client_cert_pem.encode())
    if setup.pin is not None:
        builder = builder.resolve(setup.pin.name, setup.pin.address, setup.pin.port)
    return builder


def _build(client: Client, call: HttpCall) -> StreamRequest:
    builder = client.request(call.method, call.url).headers(call.headers)
    if call.body is not None:
        builder = builder.body_bytes(call.body)
    return builder.timeout(timedelta(seconds=call.timeout_s)).build_streamed()


async def _read(call: HttpCall, response: Response, cancellation: _Cancellation) -> HttpResult:
    """Read the body, decoded, until its end or one chunk past the limit."""
    # Absent when the body was decoded. When it is met, asking once more for what is not there
    # would cost another round through the event loop, a tenth of a call.
    declared = response.get_header("content-length")
    parts = []
    size = 0
    while str(size) != declared:
        part = await response.body_reader.read(CHUNK_BYTES)
        cancellation.raise_if_lost()
        if part is None:
            break
        size += len(part)
        if size > call.max_response_bytes:
            return failure.too_large(call)
        parts.append(part)
    return HttpAnswer(response.status, _headers(response), b"".join(parts))


def _headers(response: Response) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(response.headers.items())
    except ValueError:
        # Bytes outside ASCII can't be read here. Better an answer without one header than none.
        return tuple(
            (name, value) for name in response.headers for value in _values(response, name)
        )


def _values(response: Response, name: str) -> list[str]:
    with suppress(ValueError):
        return response.get_header_all(name)
    return []


def _failure(call: HttpCall, error: DetailedPyreqwestError) -> CallFailed:
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    # The first cause holds the URL with its query.
    reason = causes[-1] if len(causes) > 1 else error.message
    if _WHILE_CONNECTING in causes or reason in _CERTIFICATE_REFUSED:
        return failure.unreachable(call, reason)
    match error:
        case RequestTimeoutError():
            return failure.timed_out(call)
        case BuilderError():
            return failure.refused(call, reason)
        case ClientClosedError():
            return failure.interrupted(call)
        case RequestPanicError():
            return failure.faulty(call, error.message)
        case _:
            return failure.broken(call, reason)
