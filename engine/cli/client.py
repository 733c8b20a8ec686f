"""One way to an engine for every command, wherever it runs.

`--server URL` names an engine on another machine. Without it, the engine that serves this
database is asked over HTTP; if none serves it, the command opens the database itself.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import msgspec

from engine import errors
from engine.core.batch import Answer
from engine.core.task import TaskStatus
from engine.errors import EngineError, EngineUnreachable, WaitedInVain
from engine.settings import Settings
from engine.workspace import TaskQuery, Workspace, serving

Json = dict[str, Any]
TIMEOUT_S = 30.0
PAGE = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """Which tasks to list; `since` is Unix microseconds."""

    process: str
    node: str = ""
    status: TaskStatus | None = None
    limit: int = 50
    since: int | None = None


class Client(Protocol):
    """What commands ask of an engine. Every method raises the errors of `engine.errors`."""

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        """Submits a task, and with `wait_s` waits for its end."""

    async def submit_many(
        self, process: str, items: Sequence[tuple[str, Json]]
    ) -> list[Json | EngineError]:
        """Submits tasks, each on its own."""

    async def show(self, process: str, ref: str) -> Json:
        """Gives a task with its history."""

    async def tasks(self, listing: Listing) -> list[Json]:
        """Lists tasks, newest first."""

    async def modify(self, process: str, ref: str, data: Json) -> Json:
        """Changes a task's data."""

    async def rerun(self, process: str, ref: str, node: str) -> Json:
        """Puts a failed task back."""

    async def delete(self, process: str, ref: str) -> None:
        """Removes a task."""

    async def processes(self) -> list[Json]:
        """Gives every process with its counts per node."""

    async def callback_url(self, process: str, node: str, plugin: str) -> str:
        """Gives a node's callback URL."""


class LocalClient:
    """Works on a database that this command has opened itself."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        workspace = self._workspace
        task = _task_of(await workspace.submit(process, data, ref))
        if wait_s is not None:
            task = await workspace.ended(task.task_id, process, wait_s)
        return workspace.view(task)

    async def submit_many(
        self, process: str, items: Sequence[tuple[str, Json]]
    ) -> list[Json | EngineError]:
        results = await self._workspace.submit_many(process, [(*item, None) for item in items])
        return [
            result if isinstance(result, EngineError) else self._workspace.view(_task_of(result))
            for result in results
        ]

    async def show(self, process: str, ref: str) -> Json:
        task = await self._workspace.task(process, ref)
        history = await self._workspace.history(task)
        return self._workspace.view(task) | {"history": self._workspace.view_history(history, task)}

    async def tasks(self, listing: Listing) -> list[Json]:
        query = TaskQuery(
            listing.process, listing.node, listing.status, listing.limit, since=listing.since
        )
        return [self._workspace.view(task) for task in await self._workspace.tasks(query)]

    async def modify(self, process: str, ref: str, data: Json) -> Json:
        return self._workspace.view(_task_of(await self._workspace.modify(process, ref, data)))

    async def rerun(self, process: str, ref: str, node: str) -> Json:
        return self._workspace.view(_task_of(await self._workspace.rerun(process, ref, node)))

    async def delete(self, process: str, ref: str) -> None:
        await self._workspace.delete(process, ref)

    async def processes(self) -> list[Json]:
        return [self._workspace.view_process(graph) for graph in self._workspace.graphs()]

    async def callback_url(self, process: str, node: str, plugin: str) -> str:
        return self._workspace.callback_url(process, node, plugin)


class HttpClient:
    """Asks an engine over its REST API."""

    def __init__(self, url: str, settings: Settings) -> None:
        auth = (settings.api_login, settings.api_secret) if settings.api_secret else None
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, auth=auth)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        parameters = {} if wait_s is None else {"wait": f"{wait_s:g}"}
        timeout = TIMEOUT_S + (wait_s or 0.0)
        response = await self._call(
            "POST", _path(process, "tasks"), {"ref": ref, "data": data}, parameters, timeout
        )
        task: Json = msgspec.json.decode(response.content)
        if wait_s is not None and response.status_code == httpx.codes.ACCEPTED:
            raise WaitedInVain(
                f"the task '{task['ref']}' of '{process}' did not end within {wait_s:g} s",
                hint=f"it goes on; see 'engine show {process} {task['ref']}'",
            )
        return task

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
                f"no engine answers at {self._url}: {error or type(error).__name__}",
                hint="is 'engine serve' running there?",
            ) from None
        if response.is_error:
            raise _error_of(_problem(response))
        return response


@asynccontextmanager
async def connect(
    settings: Settings, *, writes: bool = False, moves: bool = False
) -> AsyncIterator[Client]:
    """Finds the engine to ask, or opens the database.

    With `writes` the processes of the folder are put into force first; with `moves` tasks that
    call the outside do so too, until the command ends.
    """
    address = settings.server or serving(settings.database)
    if address:
        http = HttpClient(address, settings)
        try:
            yield http
        finally:
            await http.aclose()
        return
    workspace = await Workspace.open(settings, read_only=not writes)
    try:
        if writes:
            await workspace.deploy_folder([Path(settings.processes)], may_be_missing=True)
            await workspace.start(with_calls=moves)
        yield LocalClient(workspace)
    finally:
        await workspace.stop()


def _task_of(answer: Answer) -> Any:
    return answer.task


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
        return EngineError(message, hint=hint)
    return found(message, hint=hint)


_BY_KIND = {
    each.kind: each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, EngineError)
}
