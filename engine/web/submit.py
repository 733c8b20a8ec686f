"""`POST /v1/processes/{process}/tasks`: one task, or many. HOT."""

import asyncio
import contextlib
import hashlib
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote

import msgspec

from engine.core.batch import Answer
from engine.core.message import Once, Submit
from engine.core.task import Task
from engine.errors import (
    EngineError,
    InvalidData,
    KeyReused,
    RequestError,
    TooLarge,
    WaitedInVain,
)
from engine.web.exchange import (
    JSON,
    Receive,
    Scope,
    Send,
    answer,
    header,
    idempotency_key,
    media_type,
    read_json,
)
from engine.web.problem import Headers, problem_of
from engine.web.quick import Finish, Reply, problem_reply
from engine.workspace import Workspace, has_stopped

LONGEST_WAIT_S = 3600.0
MOST_AT_ONCE = 10_000
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
REPLAYED: Headers = [(b"idempotent-replayed", b"true")]
_KEYS = frozenset({"ref", "data"})

Item = tuple[str, dict[str, Any]]
Row = tuple[str, dict[str, Any], Once | None]


class Submissions:
    """Takes new tasks over HTTP."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stopping = asyncio.Event()

    def stop_waiting(self) -> None:
        """Answers whoever waits for the end of a task."""
        self._stopping.set()

    def takes(self, scope: Scope, body: bytes) -> bool:
        """Takes a single task for whose end nobody waits."""
        return not (
            scope["query_string"]
            or body[:1] == b"["
            or body.lstrip()[:1] == b"["
            or _is_lines(scope)
        )

    def read(self, scope: Scope, body: bytes, parts: list[str]) -> tuple[Submit, Finish]:
        """Reads a single task; `parts` is the process."""
        (process,) = parts
        ref, data = read_item(read_json(body) if body else {})
        once = _once(process, idempotency_key(scope), body)
        return Submit(process, ref, data, once=once), partial(self._accepted, process)

    def _accepted(self, process: str, result: Answer) -> Reply:
        """Answers 201: the task is safe on disk."""
        location = f"/v1/processes/{quote(process, safe='')}/tasks/{_task_id(result)}"
        more: Headers = [(b"location", location.encode())]
        if result.task is None:
            more += REPLAYED
        return Reply(201, self._body(result), JSON, more)

    def refused(self, error: EngineError) -> Reply:
        """Says what is wrong."""
        return problem_reply(error)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, process: str, body: bytes
    ) -> None:
        """Answers a list with 200, and a task for whose end somebody waits when it has ended."""
        wait_s = _wait(scope) if scope["query_string"] else None
        values = _list(scope, body)
        if isinstance(values, list):
            if wait_s is not None:
                raise InvalidData("?wait is for a single task, not for a list")
            await self._many(scope, send, process, body, values)
            return
        ref, data = read_item(values)
        once = _once(process, idempotency_key(scope), body)
        result = await self._workspace.submit(process, data, ref, once=once)
        if wait_s is None:
            reply = self._accepted(process, result)
            await answer(send, reply.status, reply.body, reply.content_type, reply.more)
        else:
            await self._ended(receive, send, process, result, wait_s)

    async def _ended(
        self, receive: Receive, send: Send, process: str, result: Answer, wait_s: float
    ) -> None:
        """Answers 200 with the task that ended, or 202 with where it is when the time is over."""
        task_id, status = _task_id(result), 200
        more = REPLAYED if result.task is None else None
        task = result.task
        try:
            # One that has ended already may not be kept: then nobody tells of its end any more.
            if task is None or not has_stopped(task):
                task = await self._wait(receive, task_id, process, wait_s)
        except WaitedInVain:
            status, task = 202, await self._workspace.task(process, task_id)
        await answer(send, status, msgspec.json.encode(self._workspace.view(task)), JSON, more)

    async def _wait(self, receive: Receive, task_id: str, process: str, wait_s: float) -> Task:
        """Waits for the end of a task, as long as the client does and the server runs.

        Raises:
            WaitedInVain: it has not ended by then.
        """
        ended = asyncio.ensure_future(self._workspace.ended(task_id, process, wait_s))
        others = [
            asyncio.ensure_future(self._stopping.wait()),
            asyncio.ensure_future(_is_gone(receive)),
        ]
        try:
            await asyncio.wait([ended, *others], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise WaitedInVain
            return ended.result()
        finally:
            for each in (ended, *others):
                each.cancel()
            with contextlib.suppress(asyncio.CancelledError, EngineError):
                await ended

    async def _many(
        self, scope: Scope, send: Send, process: str, body: bytes, values: list[Any]
    ) -> None:
        """Submits each on its own and answers with a result for each, in order."""
        if len(values) > MOST_AT_ONCE:
            raise TooLarge(f"at most {MOST_AT_ONCE} tasks in one request, not {len(values)}")
        self._workspace.graph(process)
        keys = await self._keys(process, idempotency_key(scope), body, len(values))
        rows: list[Row] = []
        refused: dict[int, EngineError] = {}
        for number, (value, once) in enumerate(zip(values, keys, strict=True)):
            try:
                ref, data = read_item(read_json(value) if isinstance(value, bytes) else value)
            except RequestError as error:
                refused[number] = error
                continue
            rows.append((ref, data, once))
        results = await self._workspace.submit_many(process, rows)
        is_replayed = bool(results) and all(
            isinstance(each, Answer) and each.task is None for each in results
        )
        following = iter(results)
        bodies = [
            self._result(refused[number] if number in refused else next(following))
            for number in range(len(values))
        ]
        more = REPLAYED if is_replayed else None
        await answer(send, 200, b"[" + b",".join(bodies) + b"]", JSON, more)

    async def _keys(self, process: str, key: str, body: bytes, length: int) -> list[Once | None]:
        """Gives each element of a list its key: they are remembered one by one, for one body.

        Raises:
            KeyReused: the key came with another body.
        """
        first = _once(process, key, body)
        if first is None:
            return [None] * length
        keys = [
            Once(f"{first.key}#{number}" if number else first.key, first.digest)
            for number in range(length)
        ]
        if await self._workspace.is_reused(keys):
            raise KeyReused
        return list(keys)

    def _result(self, result: Answer | EngineError) -> bytes:
        if isinstance(result, EngineError):
            return msgspec.json.encode({"error": problem_of(result)})
        return self._body(result)

    def _body(self, result: Answer) -> bytes:
        if result.body is not None or result.task is None:
            return result.body or b"{}"
        return msgspec.json.encode(self._workspace.view(result.task))


def read_item(value: Any) -> Item:
    """Reads `{"ref", "data"}`; a ref may be a number.

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
    ref = value.get("ref")
    if isinstance(ref, int) and not isinstance(ref, bool):
        ref = str(ref)
    data = value.get("data", {})
    if not (ref is None or isinstance(ref, str)):
        raise InvalidData("'ref' must be text")
    if ref and "\0" in ref:
        raise InvalidData("'ref' has a NUL character, which not every database can keep in a text")
    if not isinstance(data, dict):
        raise InvalidData("'data' must be a JSON object")
    return ref or "", data


def _task_id(result: Answer) -> str:
    if result.task is not None:
        return result.task.task_id
    return str(msgspec.json.decode(result.body or b"{}")["task_id"])


def _is_lines(scope: Scope) -> bool:
    return bool(header(scope, b"content-type")) and media_type(scope) in NDJSON


def _list(scope: Scope, body: bytes) -> Any:
    """Reads the body; of NDJSON it gives the lines, each to be read on its own."""
    if _is_lines(scope):
        return [line for line in body.split(b"\n") if line.strip()]
    return read_json(body) if body else {}


def _once(process: str, key: str, content: bytes) -> Once | None:
    """Gives the idempotency key, which belongs to its process, with a digest of the request."""
    if not key:
        return None
    return Once(f"POST /v1/processes/{process}/tasks {key}", hashlib.sha256(content).hexdigest())


def _wait(scope: Scope) -> float | None:
    """Reads `?wait`; more than an hour is an hour."""
    given = parse_qs(str(scope["query_string"], "latin-1"), keep_blank_values=True).get("wait")
    if given is None:
        return None
    try:
        seconds = float(given[-1])
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InvalidData(f"wait={given[-1]!r} must be a number of seconds")
    return min(seconds, LONGEST_WAIT_S)


async def _is_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
