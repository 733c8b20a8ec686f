"""Corezoid's callback URL: `POST /api/1/json/callback/{node_id}/{hash}`. HOT.

Answers in Corezoid's envelope: HTTP 200 with `proc` ok or error, as its clients expect. What the
sender should repeat is 503; what is no callback at all is 400, 403 or 413.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from engine.core.batch import Answer, Delivery
from engine.core.message import Callback
from engine.errors import (
    Busy,
    EngineError,
    InvalidData,
    NotAllowed,
    RequestError,
    StoreError,
    TooLarge,
)
from engine.web.exchange import (
    FORM,
    JSON,
    Scope,
    idempotency_key,
    media_type,
    read_foreign_json,
)
from engine.web.problem import headers_of
from engine.web.quick import Finish, Reply, problem_reply
from engine.workspace import Workspace

MOST_FIELDS = 1000


def envelope(proc: str, description: str = "") -> bytes:
    """Writes Corezoid's answer to one operation."""
    op = {"proc": proc, "description": description} if description else {"proc": proc}
    return msgspec.json.encode({"request_proc": "ok", "ops": [op]})


OK = envelope("ok")
_REFUSED = {
    Delivery.NO_TASK: envelope("error", "not_found_task"),
    Delivery.ELSEWHERE: envelope("error", "task_not_in_current_sync_callback_node"),
}


class PlainCallbacks:
    """Takes callbacks whose body says whom they are for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def takes(self, scope: Scope, body: bytes) -> bool:
        """Takes every callback."""
        del scope, body
        return True

    def read(self, scope: Scope, body: bytes, parts: list[str]) -> tuple[Callback, Finish]:
        """Reads one callback; `parts` are node_id and hash. `Idempotency-Key` is its event key."""
        target = self._workspace.target(parts[0], parts[1])
        data = read_fields(scope, body)
        return self._workspace.addressed(target, data, idempotency_key(scope)), _taken

    def refused(self, error: EngineError) -> Reply:
        """Says in Corezoid's envelope what is wrong."""
        match error:
            case NotAllowed():
                return Reply(403, envelope("error", "Access denied"))
            case InvalidData():
                return Reply(200, envelope("error", str(error)))
            case TooLarge():
                return problem_reply(error)
            case RequestError():
                return Reply(400, envelope("error", f"Incorrect body: {error}"))
            case Busy() | StoreError():
                # 503 also when busy: what sends callbacks repeats that, but seldom a 429.
                return Reply(503, envelope("error", str(error)), JSON, headers_of(error))
            case _:
                return problem_reply(error)


def _taken(answer: Answer) -> Reply:
    return Reply(200, _REFUSED.get(answer.delivery or Delivery.KEPT, OK))


def read_fields(scope: Scope, body: bytes) -> dict[str, Any]:
    """Reads a JSON object, whatever the content type says, or a form; nothing is an empty object.

    Raises:
        RequestError: it is neither.
    """
    if not body:
        return {}
    # Many clients send JSON under curl's default content type, which is that of a form.
    if not body.lstrip().startswith(b"{") and media_type(scope) == FORM:
        return dict(read_form(body))
    value = read_foreign_json(body)
    if not isinstance(value, dict):
        raise RequestError("it must be a JSON object")
    return value


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Reads a form's fields, decoded, in their order.

    Raises:
        RequestError: it is none, or has too many fields.
    """
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise RequestError(f"the body is not a form: {error}") from None
