"""How a call without an answer is told: one wording, whatever library sent it.

A description names method and origin only. Passwords stand in URLs before the host, keys in
queries, and the secrets of many web hooks in the path itself.
"""

from urllib.parse import urlsplit

from engine.core.command import CallFailed, CallFailure, HttpCall

LONGEST_DESCRIPTION = 300


def unreachable(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call that got no connection: nothing was sent."""
    return _failed(CallFailure.UNREACHABLE, f"{_target(call)} can't be reached: {reason}")


def not_allowed(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call that the guard stopped: nothing was sent."""
    return _failed(CallFailure.NOT_ALLOWED, f"{_target(call)} is not called: {reason}")


def let_be(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call whose host is let be for now: nothing was sent."""
    return _failed(CallFailure.CIRCUIT_OPEN, f"{_target(call)} is not called: {reason}")


def timed_out(call: HttpCall) -> CallFailed:
    """Return the failure of a call that was sent and had no whole answer in its time."""
    return _failed(CallFailure.TIMEOUT, f"{_target(call)}: no answer within {call.timeout_s:g} s")


def broken(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call that was sent and whose answer did not come, or not whole."""
    return _failed(CallFailure.BROKEN, f"{_target(call)}: sent, but no whole answer: {reason}")


def too_large(call: HttpCall) -> CallFailed:
    """Return the failure of a call whose answer, decoded, is longer than the call allows."""
    text = f"{_target(call)} answered with more than {call.max_response_bytes} bytes"
    return _failed(CallFailure.TOO_LARGE, text)


def refused(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call that the library can't build: nothing was sent."""
    return _failed(CallFailure.INVALID, f"{_target(call)} can't be built: {reason}")


def unusable_tls(call: HttpCall) -> CallFailed:
    """Return the failure of a call for which no client could be opened: nothing was sent."""
    reason = (
        "the client certificate can't be read; expected a certificate and its private key,"
        " without a password, in one PEM text"
    )
    return refused(call, reason)


def interrupted(call: HttpCall) -> CallFailed:
    """Return the failure of a call that was out when the transport was closed."""
    return _failed(CallFailure.INTERRUPTED, f"{_target(call)}: the engine stopped")


def faulty(call: HttpCall, reason: str) -> CallFailed:
    """Return the failure of a call that met a fault of ours or of the library."""
    return _failed(CallFailure.INTERNAL, f"{_target(call)}: {reason}")


def after_redirect(call: HttpCall, failed: CallFailed) -> CallFailed:
    """Return the failure of a further request in the words of the first, and of the same kind."""
    text = f"{_target(call)}: a redirect could not be followed: {failed.description}"
    return _failed(failed.failure, text)


def _target(call: HttpCall) -> str:
    parts = urlsplit(call.url)
    return f"{call.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _failed(failure: CallFailure, description: str) -> CallFailed:
    return CallFailed(failure, description[:LONGEST_DESCRIPTION])
