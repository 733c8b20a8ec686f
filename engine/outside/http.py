"""HTTP calls: performs one `HttpCall` and returns its answer, or why there is none."""

import re
from dataclasses import replace
from enum import StrEnum
from time import perf_counter
from typing import assert_never

from engine.core.circuit import Circuits
from engine.core.command import CallFailed, CallFailure, HttpAnswer, HttpCall, HttpResult
from engine.outside import failure
from engine.outside.guard import Guard, NotAllowed, NotFound, Way
from engine.outside.redirect import MAX_REDIRECTS, next_call
from engine.outside.request import prepare
from engine.outside.transport import CONNECT_LIMIT_S, Pin, Transport

WORTH_COUNTING_S = 0.01


class TransportKind(StrEnum):
    """Which library sends."""

    AUTO = "auto"  # pyreqwest where it is installed, httpx elsewhere
    PYREQWEST = "pyreqwest"
    HTTPX = "httpx"


def open_transport(kind: TransportKind = TransportKind.AUTO) -> Transport:
    """Return a transport of the kind.

    Raises:
        ImportError: The kind is `PYREQWEST`, and there is none for this platform.
    """
    match kind:
        case TransportKind.AUTO:
            try:
                return open_transport(TransportKind.PYREQWEST)
            except ImportError:
                return open_transport(TransportKind.HTTPX)
        case TransportKind.PYREQWEST:
            # A compiled library that not every platform has: imported only when it is wanted.
            from engine.outside.pyreqwest_transport import PyreqwestTransport  # noqa: PLC0415

            return PyreqwestTransport()
        case TransportKind.HTTPX:
            # 100 ms of start-up that those with pyreqwest need not wait for.
            from engine.outside.httpx_transport import HttpxTransport  # noqa: PLC0415

            return HttpxTransport()
        case _:
            assert_never(kind)


class HttpPerformer:
    """Performs calls. What can happen to a call is a value, never an exception."""

    def __init__(self, transport: Transport, guard: Guard, circuits: Circuits) -> None:
        self._transport = transport
        self._circuits = circuits
        self._guard = guard

    async def perform(self, call: HttpCall) -> HttpResult:
        """Send the call once and return its answer, whatever its status.

        With `follow_redirects` the answer is that of the last of at most five further requests;
        a redirect that can't be followed is the answer itself.
        """
        started = perf_counter()
        prepared = prepare(call)
        if isinstance(prepared, CallFailed):
            return prepared
        result = await self._send(prepared)
        if call.follow_redirects:
            result = await self._follow(prepared, result, started)
        if isinstance(result, CallFailed):
            return result
        elapsed_ms = (perf_counter() - started) * 1000
        return HttpAnswer(result.status, result.headers, result.body, elapsed_ms)

    async def aclose(self) -> None:
        """Close all connections; calls that are still out end as `INTERRUPTED`."""
        await self._transport.aclose()

    async def _follow(self, call: HttpCall, result: HttpResult, started: float) -> HttpResult:
        current = call
        for _ in range(MAX_REDIRECTS):
            if isinstance(result, CallFailed):
                break
            following = next_call(current, result)
            if following is None:
                break
            left_s = call.timeout_s - (perf_counter() - started)
            if left_s <= 0:
                return failure.timed_out(call)
            current = following
            result = _after_redirect(call, await self._send(replace(following, timeout_s=left_s)))
        return result

    async def _send(self, call: HttpCall) -> HttpResult:
        """Send one request, unless its host is let be."""
        origin = origin_of(call.url)
        pause = self._circuits.pause(origin)
        if pause is not None:
            return failure.let_be(call, self._circuits.why(pause))
        result = await self._send_guarded(call)
        self._circuits.heard(origin, result)
        return result

    async def _send_guarded(self, call: HttpCall) -> HttpResult:
        """Send one request where the guard lets it go."""
        started = perf_counter()
        try:
            way = await self._guard.way(call.url, min(call.timeout_s, CONNECT_LIMIT_S))
        except NotAllowed as error:
            return failure.not_allowed(call, str(error))
        except NotFound as error:
            return failure.unreachable(call, str(error))
        except ValueError:
            return failure.refused(call, "the URL's host or port can't be used")
        if way.url is not call.url:
            call = replace(call, url=way.url)
        if not way.addresses:
            return await self._transport.send(call)
        return await self._send_to_first(call, way, started)

    async def _send_to_first(self, call: HttpCall, way: Way, started: float) -> HttpResult:
        """Send to the first address of the way that can be reached."""
        result: HttpResult = failure.unreachable(call, "no connection in time")
        for address in way.addresses:
            gone_s = perf_counter() - started
            if gone_s >= call.timeout_s:
                break
            pin = Pin(way.host, address, way.port)
            limited = call
            if gone_s > WORTH_COUNTING_S:
                limited = replace(call, timeout_s=call.timeout_s - gone_s)
            result = await self._transport.send(limited, pin)
            if isinstance(result, HttpAnswer):
                self._guard.worked(way, address)
                return result
            if result.failure is CallFailure.TIMEOUT:
                return failure.timed_out(call)
            if result.failure is not CallFailure.UNREACHABLE:
                return result
        self._guard.failed(way)
        return result


def origin_of(url: str) -> str:
    """Return scheme, host and port of a prepared URL, without the name and password in it."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{authority.rpartition('@')[2]}".lower()


def _after_redirect(call: HttpCall, result: HttpResult) -> HttpResult:
    """Return the result of a further request, without a claim that nothing was sent.

    The first request was: a POST that redirects to its receipt has been acted upon.
    """
    if isinstance(result, HttpAnswer) or result.is_in_doubt:
        return result
    if result.failure is CallFailure.TOO_LARGE:
        return result
    if result.failure is CallFailure.NOT_ALLOWED:
        return failure.after_redirect(call, result)
    return failure.broken(call, f"a redirect could not be followed: {result.description}")
