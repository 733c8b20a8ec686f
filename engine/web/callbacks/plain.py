"""Corezoid's callback URL: `POST /api/1/json/callback/{node_id}/{hash}`. HOT.

Answers in Corezoid's envelope: HTTP 200 with `proc` ok or error, as its clients expect. What the
sender should repeat is 503; what is no callback at all is 400, 403 or 413.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from engine.core.batch import Delivery
from engine.errors import Busy, InvalidData, NotAllowed, RequestError, StoreError
from engine.web.exchange import (
    FORM,
    JSON,
    Receive,
    Scope,
    Send,
    answer,
    idempotency_key,
    media_type,
    read_body,
    read_foreign_json,
)
from engine.web.problem import headers_of
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
        self._limit = workspace.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send, parts: list[str]) -> None:
        """Takes one callback; `parts` are node_id and hash. `Idempotency-Key` is its event key."""
        body = await read_body(scope, receive, self._limit)
        status = 200
        try:
            answered = await self._take(scope, body, parts)
        except NotAllowed:
            status, answered = 403, envelope("error", "Access denied")
        except InvalidData as error:
            answered = envelope("error", str(error))
        except RequestError as error:
            status, answered = 400, envelope("error", f"Incorrect body: {error}")
        except (Busy, StoreError) as error:
            # 503 also when busy: what sends callbacks repeats that, but seldom a 429.
            await answer(send, 503, envelope("error", str(error)), JSON, headers_of(error))
            return
        await answer(send, status, answered)

    async def _take(self, scope: Scope, body: bytes, parts: list[str]) -> bytes:
        target = self._workspace.target(parts[0], parts[1])
        data = read_fields(scope, body)
        key = idempotency_key(scope)
        return _REFUSED.get(await self._workspace.callback(target, data, key), OK)


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
