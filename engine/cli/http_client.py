"""Asks an engine over its REST API."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from engine import errors
from engine.cli.client import Json, Listing
from engine.core.task import TaskStatus
from engine.definition import Fault
from engine.errors import EngineError, EngineUnreachable, UnknownTask, WaitedInVain
from engine.settings import Settings

TIMEOUT_S = 30.0
ASK_AGAIN_S = 1.0
PAGE = 500


@asynccontextmanager
async def http_client(
    url: str, settings: Settings, *, ask_again_s: float = ASK_AGAIN_S
) -> AsyncIterator["HttpClient"]:
    """Opens a client, and closes its connections in the end."""
    client = HttpClient(url, settings, ask_again_s)
    try:
        yield client
    finally:
        await client.aclose()


class HttpClient:
    """Asks by request."""

    goes_on = True

    def __init__(self, url: str, settings: Settings, ask_again_s: float = ASK_AGAIN_S) -> None:
        auth = (settings.api_login, settings.api_secret) if settings.api_secret else None
        self._url = url.rstrip("/")
        self._ask_again_s = ask_again_s
        self._http = httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, auth=auth)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        body = {"ref": ref, "data": data}
        if wait_s is None:
            return await self._json("POST", _path(process, "tasks"), body)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        # The engine itself waits for an hour at most; who wants more asks again.
        response = await self._call(
            "POST", _path(process, "tasks"), body, {"wait": f"{wait_s:g}"}, TIMEOUT_S + wait_s
        )
        task: Json = msgspec.json.decode(response.content)
        while not _has_ended(task):
            left_s = until - loop.time()
            if left_s <= 0:
                raise WaitedInVain(
                    f"the task '{task['ref']}' of '{process}' did not end within {wait_s:g} s",
                    hint=f"it goes on; see 'engine show {process} {task['ref']}'",
                )
            await asyncio.sleep(min(self._ask_again_s, left_s))
            task = await self._again(process, task)
        return task

    async def _again(self, process: str, task: Json) -> Json:
        """Asks how a task stands now."""
        try:
            return await self._json("GET", _path(process, "tasks", task["task_id"]), None)
        except UnknownTask:
            raise UnknownTask(
                f"the task '{task['ref']}' of '{process}' is not there any more",
                hint="its end node keeps no tasks, or somebody removed it",
            ) from None

    async def submit_many(
        self, process: str, items: Sequence[tuple[str, Json]]
    ) -> list[Json | EngineError]:
        body = [{"ref": ref, "data": data} for ref, data in items]
        results = msgspec.json.decode(
            (await self._call("POST", _path(process, "tasks"), body)).content
        )
        return [_error_of(each["error"]) if "error" in each and "task_id" not in each else each
                for each in results]  # fmt: skip

    async def show(self, process: str, ref: str) -> Json:
        return await self._json("GET", _path(process, "tasks", ref), None, {"history": "1"})

    async def tasks(self, listing: Listing) -> list[Json]:
        parameters: dict[str, str] = {}
        if listing.node:
            parameters["node"] = listing.node
        if listing.status is not None:
            parameters["status"] = listing.status
        if listing.since is not None:
            parameters["since"] = str(listing.since)
        found: list[Json] = []
        while len(found) < listing.limit:
            parameters["limit"] = str(min(PAGE, listing.limit - len(found)))
            page = await self._json("GET", _path(listing.process, "tasks"), None, parameters)
            found.extend(page["tasks"])
            if not page["next"]:
                break
            parameters["after"] = page["next"]
        return found

    async def modify(self, process: str, ref: str, data: Json) -> Json:
        return await self._json("PATCH", _path(process, "tasks", ref), {"data": data})

    async def rerun(self, process: str, ref: str, node: str) -> Json:
        return await self._json("POST", _path(process, "tasks", ref, "rerun"), {"node": node})

    async def delete(self, process: str, ref: str) -> None:
        await self._call("DELETE", _path(process, "tasks", ref), None)

    async def deploy(self, order: Json, *, is_rehearsal: bool) -> Json:
        return await self._json("POST", "/v1/plan" if is_rehearsal else "/v1/deploy", order)

    async def processes(self) -> list[Json]:
        found: list[Json] = (await self._json("GET", "/v1/processes", None))["processes"]
        return found

    async def callback_url(self, process: str, node: str, plugin: str) -> str:
        path = _path(process, "nodes", node, "callback-url")
        found = await self._json("GET", path, None, {"plugin": plugin} if plugin else {})
        return str(found["url"])

    async def _json(
        self, method: str, path: str, body: Any, parameters: Mapping[str, str] = {}
    ) -> Json:
        found: Json = msgspec.json.decode(
            (await self._call(method, path, body, parameters)).content
        )
        return found

    async def _call(
        self,
        method: str,
        path: str,
        body: Any,
        parameters: Mapping[str, str] = {},
        timeout_s: float = TIMEOUT_S,
    ) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            response = await self._http.request(
                method, path, content=content, params=parameters, headers=headers, timeout=timeout_s
            )
        except httpx.HTTPError as error:
            raise EngineUnreachable(
                f"no engine answers at {self._url}: {str(error) or type(error).__name__}",
                hint="is 'engine serve' running there?",
            ) from None
        if response.is_error:
            raise _error_of(_problem(response))
        return response


def _has_ended(task: Json) -> bool:
    """Whether a task stands where nothing but a person will move it."""
    return task["finished"] is not None or task["status"] == TaskStatus.ERROR


def _path(process: str, *parts: str) -> str:
    return "/".join(["/v1/processes", *(quote(part, safe="") for part in (process, *parts))])


def _problem(response: httpx.Response) -> Json:
    try:
        problem = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        problem = None
    if not isinstance(problem, dict):
        return {"kind": "unreachable", "detail": f"HTTP {response.status_code} from the engine"}
    return problem


def _error_of(problem: Json) -> EngineError:
    """Makes the error that the engine met out of what it wrote about it."""
    kind = str(problem.get("kind", ""))
    message = str(problem.get("detail") or problem.get("title") or kind)
    hint = str(problem.get("hint") or "")
    found = _BY_KIND.get(kind, EngineUnreachable)
    if issubclass(found, errors.RequestError):
        return found(message, hint=hint, faults=problem.get("faults") or ())
    if issubclass(found, errors.DefinitionError):
        return found([msgspec.convert(each, Fault) for each in problem.get("faults") or ()])
    return found(message, hint=hint)


_BY_KIND = {
    each.kind: each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, EngineError)
}
