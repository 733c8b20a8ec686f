"""API Call: one HTTP request; the task stands until the answer has come."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from engine.node import (
    PROCESS,
    Answer,
    Ask,
    CallFailed,
    CallFailure,
    ErrorKind,
    Fail,
    Go,
    Hold,
    HttpAnswer,
    HttpCall,
    InDoubt,
    InDoubtPath,
    NodeType,
    Outcome,
    Template,
    Visit,
)
from nodes.api_call.doubt import mark_of, with_key_of
from nodes.api_call.request import NotBuilt, build_call
from nodes.api_call.response import stale_codes, take_answer
from nodes.api_call.settings import Settings, credentials, find_problems

IN_DOUBT = "api_in_doubt"
_TAGS = {
    CallFailure.INVALID: "api_bind_error",
    CallFailure.NOT_ALLOWED: "api_host_not_allowed",
    CallFailure.CIRCUIT_OPEN: "api_circuit_open",
    CallFailure.UNREACHABLE: "api_connection_error",
    CallFailure.TIMEOUT: "api_timeout",
    CallFailure.BROKEN: "api_connection_error",
    CallFailure.TOO_LARGE: "api_task_size_overflow_limit",
    CallFailure.INTERRUPTED: IN_DOUBT,
    CallFailure.INTERNAL: "api_fatal_error",
}
_OF_THE_CALL = frozenset({CallFailure.NOT_ALLOWED, CallFailure.TOO_LARGE})
"""Made again, the same call fails the same way."""
_TEXTS = {
    CallFailure.INVALID: "Error bind params to http query",
    CallFailure.INTERNAL: "Error running api",
}
_URL = re.compile(r"(\w+://)(?:[^\s/?#]*@)?([^\s?#'\"]*)[^\s'\")]*")


class ApiCall(NodeType[Settings]):
    """Asks an HTTP service: at least once, with the same idempotency key each time."""

    type = "api_call"
    title = "API Call"
    stands_in = PROCESS
    prefixes = ("api",)
    size_tag = "api_task_size_overflow_limit"

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        try:
            call = build_call(settings, visit)
            return Ask(with_key_of(visit.doubt, call, visit.key) if visit.doubt else call)
        except NotBuilt as error:
            return error.fail
        except ValueError as error:
            text = f"{_TEXTS[CallFailure.INVALID]}: {_without_secrets(str(error))}"
            return Fail(ErrorKind.HARDWARE, "api_bind_error", text)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case HttpAnswer():
                return take_answer(settings, visit, answer)
            case CallFailed(is_in_doubt=True):
                return self._in_doubt(settings, visit, answer)
            case CallFailed():
                return _failed(settings, visit, answer)
            case _:
                return super().resume(settings, visit, answer)

    def writes(self, settings: Settings) -> frozenset[str] | None:
        return frozenset() if settings.response else None

    def secrets(self, settings: Settings) -> Iterator[Template]:
        yield from credentials(settings)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        yield from find_problems(settings)

    def _in_doubt(self, settings: Settings, visit: Visit, failed: CallFailed) -> Outcome:
        """Treats a call that the other side may have acted upon."""
        why = f"sent, and the answer is unknown: {_described(settings, failed)}"
        match settings.in_doubt:
            case InDoubtPath(node):
                return Go(node)
            case InDoubt.HOLD:
                return Hold(IN_DOUBT, why)
            case InDoubt.FAIL:
                return Fail(ErrorKind.HARDWARE, IN_DOUBT, why, _no_codes(visit))
            case InDoubt.REPEAT if failed.failure is CallFailure.INTERRUPTED:
                return self.enter(settings, visit)
            case InDoubt.REPEAT:
                # The process's own escalation repeats it, or does not: no retries behind its back.
                # It carries the same key, if it is the same call.
                return replace(_failed(settings, visit, failed), doubt=self._doubt(settings, visit))
            case _:
                assert_never(settings.in_doubt)

    def _doubt(self, settings: Settings, visit: Visit) -> str:
        match self.enter(settings, visit):
            case Ask(HttpCall() as call):
                return mark_of(call)
            case _:
                return ""


def _failed(settings: Settings, visit: Visit, failed: CallFailed) -> Fail:
    is_too_large = failed.failure is CallFailure.TOO_LARGE
    kind = ErrorKind.SOFTWARE if failed.failure in _OF_THE_CALL else ErrorKind.HARDWARE
    doubt = "" if is_too_large else visit.doubt  # what was not sent leaves the doubt there was
    tag, description = _TAGS[failed.failure], _described(settings, failed)
    return Fail(kind, tag, description, _no_codes(visit), doubt)


def _described(settings: Settings, failed: CallFailed) -> str:
    if failed.failure is CallFailure.TIMEOUT:
        return f"request exceeded {settings.request_timeout.seconds:g} s"
    reason = _without_secrets(failed.description)
    fixed = _TEXTS.get(failed.failure)
    return ": ".join(part for part in (fixed, reason) if part)


def _no_codes(visit: Visit) -> dict[str, None]:
    """Empties the HTTP codes of an earlier answer: this failure has none."""
    return dict.fromkeys(stale_codes(visit))


def _without_secrets(text: str) -> str:
    """Takes user, password and query out of every URL in a text."""
    return _URL.sub(r"\1\2", text)
