"""Corezoid's callback URL: `POST /api/1/json/callback/{node_id}/{hash}`. HOT.

Answers in Corezoid's envelope: HTTP 200 with `proc` ok or error, as its clients expect.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from engine.core.batch import Delivery
from engine.errors import InvalidData, NotAllowed
from engine.web.exchange import Receive, Scope, Send, answer, header, read_body, read_json
from engine.workspace import Workspace

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000
_REFUSED = {
    Delivery.NO_TASK: "not_found_task",
    Delivery.ELSEWHERE: "task_not_in_current_sync_callback_node",
}


def envelope(proc: str, description: str = "") -> bytes:
    """Writes Corezoid's answer to one operation."""
    op = {"proc": proc, "description": description} if description else {"proc": proc}
    return msgspec.json.encode({"request_proc": "ok", "ops": [op]})


OK = envelope("ok")


class PlainCallbacks:
    """Takes callbacks whose body says whom they are for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._limit = workspace.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send, parts: list[str]) -> None:
        """Takes one callback; `parts` are node_id and hash. `Idempotency-Key` is its event key."""
        body = await read_body(scope, receive, self._limit)
        try:
            target = self._workspace.target(parts[0], parts[1])
        except NotAllowed:
            await answer(send, 403, envelope("error", "Access denied"))
            return
        data = _data(scope, body)
        try:
            delivery = await self._workspace.callback(
                target, data, header(scope, b"idempotency-key")
            )
        except InvalidData as error:
            await answer(send, 200, envelope("error", str(error)))
            return
        refused = _REFUSED.get(delivery)
        await answer(send, 200, envelope("error", refused) if refused else OK)


def _data(scope: Scope, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if header(scope, b"content-type").startswith(FORM):
        try:
            return dict(
                parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
            )
        except ValueError as error:
            raise InvalidData(f"the body is not a form: {error}") from None
    value = read_json(body)
    if not isinstance(value, dict):
        raise InvalidData("the body must be a JSON object")
    return value
