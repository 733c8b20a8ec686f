"""Errors as HTTP tells them: `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec

from engine.errors import Busy, EngineError, RequestError, StoreError

TYPE = b"application/problem+json"
RETRY_AFTER_S = "1"


def status_of(error: EngineError) -> int:
    """Gives the HTTP status that says whose fault an error is."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, Busy):
        return HTTPStatus.TOO_MANY_REQUESTS
    if isinstance(error, StoreError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: EngineError) -> dict[str, Any]:
    """Describes an error; `faults` names every wrong parameter."""
    status = status_of(error)
    problem: dict[str, Any] = {
        "type": f"urn:conveyor:{error.kind.replace('_', '-')}",
        "title": (type(error).__doc__ or "").strip(),
        "status": status,
        "detail": str(error),
        "kind": error.kind,
    }
    if error.hint:
        problem["hint"] = error.hint
    if isinstance(error, RequestError) and error.faults:
        problem["faults"] = [dict(fault) for fault in error.faults]
    return problem


def problem_bytes(error: EngineError) -> bytes:
    """Writes the problem of an error."""
    return msgspec.json.encode(problem_of(error))


def may_retry(error: EngineError) -> bool:
    """Whether the same request may work in a moment."""
    return isinstance(error, Busy | StoreError)
