"""Errors as HTTP tells them: `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec

from engine.errors import Busy, DefinitionError, EngineError, NotAllowed, RequestError, StoreError

TYPE = b"application/problem+json"
RETRY_AFTER_S = "1"
OUR_FAULT = "a fault of the engine; its log has the details"

Headers = list[tuple[bytes, bytes]]


class NotFound(RequestError):
    """There is nothing at this path."""

    kind = "not_found"
    status = 404


class WrongMethod(RequestError):
    """This path does not take this method."""

    kind = "wrong_method"
    status = 405


class KeyNeeded(NotAllowed):
    """This engine asks for a key."""

    status = 401


def status_of(error: EngineError) -> int:
    """Gives the HTTP status that says whose fault an error is."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, DefinitionError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, Busy):
        return HTTPStatus.TOO_MANY_REQUESTS
    if isinstance(error, StoreError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: EngineError, status: int = 0) -> dict[str, Any]:
    """Describes an error; `faults` names every wrong parameter."""
    status = status or status_of(error)
    problem: dict[str, Any] = {
        "type": f"urn:conveyor:{error.kind.replace('_', '-')}",
        "title": (type(error).__doc__ or "").strip(),
        "status": status,
        # What nobody expected may quote what is no concern of a client's.
        "detail": OUR_FAULT if status == HTTPStatus.INTERNAL_SERVER_ERROR else str(error),
        "kind": error.kind,
    }
    if error.hint:
        problem["hint"] = error.hint
    if isinstance(error, RequestError) and error.faults:
        problem["faults"] = [dict(fault) for fault in error.faults]
    if isinstance(error, DefinitionError):
        problem["faults"] = msgspec.to_builtins(error.faults)
    return problem


def problem_bytes(error: EngineError, status: int = 0) -> bytes:
    """Writes the problem of an error."""
    return msgspec.json.encode(problem_of(error, status))


def headers_of(error: EngineError) -> Headers:
    """Gives the headers that go with an error: when to try again, or how to show a key."""
    if may_retry(error):
        return [(b"retry-after", RETRY_AFTER_S.encode())]
    if isinstance(error, KeyNeeded):
        return [(b"www-authenticate", b'Basic realm="conveyor", charset="UTF-8"')]
    return []


def may_retry(error: EngineError) -> bool:
    """Whether the same request may work in a moment."""
    return isinstance(error, Busy | StoreError)


def our_fault() -> EngineError:
    """Gives the error that stands for one that nobody expected: without any detail."""
    return EngineError(OUR_FAULT)
