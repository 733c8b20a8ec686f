"""`POST /v1/processes/{process}/tasks`: one task, or many. HOT."""

import hashlib
from typing import Any
from urllib.parse import parse_qs

import msgspec

from engine.core.batch import Answer
from engine.core.message import Once
from engine.core.task import FINISHED
from engine.errors import EngineError, InvalidData, WaitedInVain
from engine.web.exchange import (
    JSON,
    Headers,
    Receive,
    Scope,
    Send,
    answer,
    header,
    read_body,
    read_json,
)
from engine.web.problem import problem_of
from engine.workspace import Workspace

LONGEST_WAIT_S = 3600.0
MOST_AT_ONCE = 10_000
NDJSON = "application/x-ndjson"
_KEYS = frozenset({"ref", "data"})

Item = tuple[str, dict[str, Any]]


class Submissions:
    """Takes new tasks over HTTP."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._limit = workspace.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send, process: str) -> None:
        """Answers 201 once the task is safe on disk; 200 for a list, or a task that has ended."""
        body = await read_body(scope, receive, self._limit)
        wait_s = _wait(scope)
        if header(scope, b"content-type").startswith(NDJSON):
            lines = [line for line in body.split(b"\n") if line.strip()]
            await self._many(scope, send, process, [read_json(line) for line in lines])
            return
        value = read_json(body) if body else {}
        if isinstance(value, list):
            await self._many(scope, send, process, value)
            return
        ref, data = _item(value)
        result = await self._workspace.submit(process, data, ref, once=_once(scope, body))
        if wait_s is None:
            await self._accepted(send, process, result)
        else:
            await self._ended(send, process, result, wait_s)

    async def _accepted(self, send: Send, process: str, result: Answer) -> None:
        body = self._body(result)
        task_id = result.task.task_id if result.task else ""
        more: Headers = (
            [(b"location", f"/v1/processes/{process}/tasks/{task_id}".encode())]
            if task_id
            else [(b"idempotent-replayed", b"true")]
        )
        await answer(send, 201, body, JSON, more)

    async def _ended(self, send: Send, process: str, result: Answer, wait_s: float) -> None:
        task_id = (
            result.task.task_id
            if result.task is not None
            else str(msgspec.json.decode(result.body or b"{}")["task_id"])
        )
        status = 200
        task = result.task
        if task is None or task.state not in FINISHED:
            try:
                task = await self._workspace.ended(task_id, process, wait_s)
            except WaitedInVain:
                status, task = 202, await self._workspace.task(process, task_id)
        await answer(send, status, msgspec.json.encode(self._workspace.view(task)))

    async def _many(self, scope: Scope, send: Send, process: str, values: list[Any]) -> None:
        """Submits each on its own and answers with a result for each, in order."""
        if len(values) > MOST_AT_ONCE:
            raise InvalidData(f"at most {MOST_AT_ONCE} tasks in one request, not {len(values)}")
        key = header(scope, b"idempotency-key")
        self._workspace.graph(process)
        items: list[tuple[str, dict[str, Any], Once | None]] = []
        broken: dict[int, InvalidData] = {}
        for number, value in enumerate(values):
            try:
                ref, data = _item(value)
            except InvalidData as error:
                broken[number] = error
                continue
            once = _once(scope, msgspec.json.encode(value), f"#{number}") if key else None
            items.append((ref, data, once))
        results = iter(await self._workspace.submit_many(process, items))
        bodies = [
            self._result(broken[number] if number in broken else next(results))
            for number in range(len(values))
        ]
        await answer(send, 200, b"[" + b",".join(bodies) + b"]")

    def _result(self, result: Answer | EngineError) -> bytes:
        if isinstance(result, EngineError):
            return msgspec.json.encode({"error": problem_of(result)})
        return self._body(result)

    def _body(self, result: Answer) -> bytes:
        if result.body is not None:
            return result.body
        return msgspec.json.encode(self._workspace.view(result.task)) if result.task else b"{}"


def _item(value: Any) -> Item:
    """Reads `{"ref", "data"}`.

    Raises:
        InvalidData: it is something else.
    """
    if not isinstance(value, dict):
        raise InvalidData('a task is a JSON object: {"ref": …, "data": {…}}')
    unknown = value.keys() - _KEYS
    if unknown:
        names = ", ".join(f"'{name}'" for name in sorted(unknown))
        raise InvalidData(
            f"a task has 'ref' and 'data', not {names}", hint="parameters belong into 'data'"
        )
    ref = value.get("ref", "")
    if isinstance(ref, int) and not isinstance(ref, bool):
        ref = str(ref)
    data = value.get("data", {})
    if not (ref is None or isinstance(ref, str)):
        raise InvalidData("'ref' must be text")
    if not isinstance(data, dict):
        raise InvalidData("'data' must be a JSON object")
    return ref or "", data


def _once(scope: Scope, body: bytes, row: str = "") -> Once | None:
    key = header(scope, b"idempotency-key")
    if not key:
        return None
    path = scope["path"]
    return Once(f"POST {path} {key}{row}", hashlib.sha256(body).hexdigest())


def _wait(scope: Scope) -> float | None:
    query = scope["query_string"]
    if b"wait" not in query:
        return None
    given = parse_qs(str(query, "latin-1")).get("wait", [""])[-1]
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT_S:
        raise InvalidData(f"wait={given!r} must be a number of seconds up to {LONGEST_WAIT_S:g}")
    return seconds
