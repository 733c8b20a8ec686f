"""The rest of `/v1`, OpenAPI, health and metrics, by FastAPI."""

import hashlib
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Body, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from engine import __version__
from engine.core.batch import Answer
from engine.core.message import Once
from engine.core.task import TaskStatus
from engine.errors import EngineError, InvalidData, RequestError, UnknownTask
from engine.web.exchange import JSON
from engine.web.front import front_page
from engine.web.metrics import metrics_text
from engine.web.problem import TYPE, problem_bytes
from engine.workspace import TaskQuery, Workspace

Json = dict[str, Any]
MOST_LISTED = 500
LONGEST_ID = 200


class NotFound(RequestError):
    """There is nothing at this path."""

    kind = "not_found"
    status = 404


class WrongMethod(RequestError):
    """This path does not take this method."""

    kind = "wrong_method"
    status = 405


def create_api(workspace: Workspace) -> FastAPI:
    """Makes the framework's part of the application."""
    api = FastAPI(
        title="Conveyor",
        version=__version__,
        description="Processes and their tasks. Errors are problem+json (RFC 9457).",
        docs_url="/docs",
        redoc_url=None,
    )
    _add_errors(api)
    _add_processes(api, workspace)
    _add_tasks(api, workspace)
    _add_undelivered(api, workspace)
    _add_machines(api, workspace)
    return api


def _add_errors(api: FastAPI) -> None:
    def problem(error: EngineError, status: int) -> Response:
        return Response(problem_bytes(error), status, media_type=TYPE.decode())

    async def for_validation(request: Request, error: Exception) -> Response:
        del request
        faults = []
        if isinstance(error, RequestValidationError):
            faults = [
                {"parameter": str(each["loc"][-1]), "message": each["msg"]}
                for each in error.errors()
            ]
        listed = "; ".join(f"'{each['parameter']}': {each['message']}" for each in faults)
        return problem(InvalidData(f"the request is not right: {listed}", faults=faults), 422)

    async def for_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        kind = WrongMethod if status == WrongMethod.status else NotFound
        response = problem(kind(f"{request.method} {request.url.path}"), status)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    api.add_exception_handler(RequestValidationError, for_validation)
    api.add_exception_handler(HTTPException, for_http)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON.decode())


async def _data(request: Request) -> Json:
    """Reads `{"data": {…}}`, exact numbers and all."""
    value = await _object(request)
    data = value.get("data")
    if not isinstance(data, dict) or value.keys() != {"data"}:
        raise InvalidData('the body must be {"data": {…}}')
    return data


async def _object(request: Request) -> Json:
    body = await request.body()
    try:
        value = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidData(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidData("the body must be a JSON object")
    return value


async def _once(
    request: Request, idempotency_key: Annotated[str | None, Header(max_length=LONGEST_ID)] = None
) -> Once | None:
    """An idempotency key with the digest of what it came with."""
    if not idempotency_key:
        return None
    digest = hashlib.sha256(await request.body()).hexdigest()
    return Once(f"{request.method} {request.url.path} {idempotency_key}", digest)


OnceHeader = Annotated[Once | None, Depends(_once)]


def _add_processes(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/v1/processes", summary="Every process, with its parameters and counts per node")
    async def processes() -> Response:
        return _json({"processes": [workspace.view_process(graph) for graph in workspace.graphs()]})

    @api.get("/v1/processes/{process}", summary="One process")
    async def process(process: str) -> Response:
        return _json(workspace.view_process(workspace.graph(process)))

    @api.get(
        "/v1/processes/{process}/nodes/{node}/callback-url", summary="The callback URL of a node"
    )
    async def callback_url(process: str, node: str, plugin: str = "") -> Response:
        return _json({"url": workspace.callback_url(process, node, plugin)})


def _add_tasks(api: FastAPI, workspace: Workspace) -> None:
    path = "/v1/processes/{process}/tasks"

    @api.post(path, status_code=201, summary="Submit a task, or a list of tasks")
    async def submit(
        process: str,
        task: Annotated[Json, Body(examples=[{"ref": "order-17", "data": {"amount": 5}}])],
        wait: Annotated[float | None, Query(description="Wait so many seconds.")] = None,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        # Here for the documentation only: the application answers this path itself.
        raise NotImplementedError

    @api.get(path, summary="List tasks, newest first, by cursor")
    async def tasks(
        process: str,
        node: str = "",
        status: TaskStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
        after: str = "",
        since: Annotated[
            str | None, Query(description="Created since: ISO 8601, or Unix microseconds.")
        ] = None,
    ) -> Response:
        query = TaskQuery(process, node, status, limit, after, _microseconds(since))
        found = await workspace.tasks(query)
        following = found[-1].task_id if len(found) == limit else None
        return _json({"tasks": [workspace.view(task) for task in found], "next": following})

    one = path + "/{ref}"

    @api.get(one, summary="One task, by ref or id")
    async def task(process: str, ref: str, *, history: bool = False) -> Response:
        found = await workspace.task(process, ref)
        shown = workspace.view(found)
        if history:
            steps = await workspace.history(found)
            shown["history"] = workspace.view_history(steps, found)
        return _json(shown)

    @api.patch(one, summary="Change a task's data")
    async def modify(process: str, ref: str, request: Request) -> Response:
        return _json(_shown(workspace, await workspace.modify(process, ref, await _data(request))))

    @api.delete(one, status_code=204, summary="Remove a task")
    async def delete(process: str, ref: str) -> Response:
        await workspace.delete(process, ref)
        return Response(status_code=204)

    @api.post(one + "/rerun", summary="Put a failed task back into the node it failed in")
    async def rerun(process: str, ref: str, request: Request, once: OnceHeader) -> Response:
        node = (await _object(request)).get("node", "")
        if not isinstance(node, str):
            raise InvalidData("'node' must be text")
        return _result(workspace, await workspace.rerun(process, ref, node, once=once))


def _add_undelivered(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/v1/undelivered", summary="Callbacks that nobody took")
    async def undelivered(
        after: str = "", limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50
    ) -> Response:
        found = await workspace.undelivered(after, limit)
        following = found[-1].message_id if len(found) == limit else None
        shown = [workspace.view_kept(kept) for kept in found]
        return _json({"undelivered": shown, "next": following})

    @api.post("/v1/undelivered/{message_id}/deliver", summary="Offer one to its task again")
    async def deliver(message_id: str, once: OnceHeader) -> Response:
        if len(message_id) > LONGEST_ID:
            raise UnknownTask("there is no such message")
        return _result(workspace, await workspace.redeliver(message_id, once=once))


def _add_machines(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/health", summary="Whether the process lives")
    async def health() -> Response:
        return _json({"status": "ok"})

    @api.get("/ready", summary="Whether requests would be taken and stored now")
    async def ready() -> Response:
        is_ready = workspace.is_ready
        return _json({"ready": is_ready}, 200 if is_ready else 503)

    @api.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(metrics_text(workspace), media_type="text/plain; version=0.0.4")

    @api.get("/", include_in_schema=False, response_class=HTMLResponse)
    async def front() -> Response:
        return HTMLResponse(front_page(workspace))


def _shown(workspace: Workspace, answer: Answer) -> Any:
    return workspace.view(answer.task) if answer.task is not None else {"result": answer.delivery}


def _result(workspace: Workspace, answer: Answer) -> Response:
    if answer.body is not None:
        return Response(answer.body, media_type=JSON.decode())
    return _json(_shown(workspace, answer))


def _microseconds(since: str | None) -> int | None:
    if since is None:
        return None
    if since.isdecimal():
        return int(since)
    try:
        return round(datetime.fromisoformat(since).timestamp() * 1_000_000)
    except ValueError:
        raise InvalidData("'since' must be a time in ISO 8601") from None
