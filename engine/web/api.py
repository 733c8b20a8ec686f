"""The rest of `/v1`, OpenAPI and metrics, by FastAPI."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import AfterValidator

from engine import __version__
from engine.core.batch import Answer
from engine.core.explain import explain
from engine.core.message import Once
from engine.core.task import TaskStatus
from engine.core.view import history_view, kept_view
from engine.errors import InvalidData, UnknownTask
from engine.web import shapes
from engine.web.api_problems import add_problems
from engine.web.deploying import add_deploying
from engine.web.exchange import JSON, LONGEST_KEY, idempotency_key, read_json
from engine.web.front import front_page
from engine.web.metrics import metrics_text
from engine.web.reference import add_reference
from engine.web.shapes import Json
from engine.workspace import TaskQuery, Workspace

MOST_LISTED = 500
# What the database's integers can hold; no time is meant beyond it.
LAST_MOMENT = 2**63 - 1

# The application routes by the path as it was sent, so that a ref may hold a slash as %2F.
Part = Annotated[str, AfterValidator(unquote)]
Plugin = Literal["", "twilio"]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]
After = Annotated[str, Query(description="`next` of the page before.")]
Since = Annotated[str | None, Query(description="Created since: ISO 8601, or Unix microseconds.")]


def create_api(workspace: Workspace) -> FastAPI:
    """Makes the framework's part of the application."""
    api = FastAPI(
        title="Conveyor",
        version=__version__,
        description="Processes and their tasks. Errors are problem+json (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={
            "4XX": shapes.problem("Refused."),
            503: shapes.problem("Try again in a moment."),
        },
    )
    add_problems(api)
    add_reference(api)
    for routes in (_processes, _tasks, _task, _undelivered, _machines):
        routes(api, workspace)
    add_deploying(api, workspace)
    return api


def _processes(api: FastAPI, workspace: Workspace) -> None:
    @api.get(
        "/v1/processes",
        summary="Every process, with its parameters and counts per node",
        responses={200: {"model": shapes.ProcessList}},
    )
    async def processes() -> Response:
        return _json({"processes": await workspace.view_processes(workspace.graphs())})

    @api.get(
        "/v1/processes/{process}",
        summary="One process",
        responses={200: {"model": shapes.Process}},
    )
    async def process(process: Part) -> Response:
        (found,) = await workspace.view_processes([workspace.graph(process)])
        return _json(found)

    @api.get(
        "/v1/processes/{process}/nodes/{node}/callback-url",
        summary="The callback URL of a node",
        responses={200: {"model": shapes.Address}},
    )
    async def callback_url(process: Part, node: Part, plugin: Plugin = "") -> Response:
        return _json({"url": workspace.callback_url(process, node, plugin)})


def _tasks(api: FastAPI, workspace: Workspace) -> None:
    path = "/v1/processes/{process}/tasks"

    @api.post(
        path,
        status_code=201,
        summary="Submit a task, or a list of tasks",
        description="A list, or lines of JSON, is answered 200 with a task or an error for each.",
        responses={
            200: {
                "description": "The task has ended; or the results of a list.",
                "model": shapes.Task | list[shapes.Task | shapes.RefusedRow],
            },
            201: {"description": "It is safe on disk.", "model": shapes.Task},
            202: {"description": "It has not ended in the time given.", "model": shapes.Task},
        },
        openapi_extra=shapes.NEW_TASKS,
    )
    async def submit(
        process: Part,
        wait: Annotated[float | None, Query(ge=0, description="Wait so many seconds.")] = None,
        idempotency_key: Annotated[str | None, Header(max_length=LONGEST_KEY)] = None,
    ) -> Response:
        # Here for the documentation only: the application answers this path itself.
        raise NotImplementedError

    @api.get(
        path,
        summary="List tasks, newest first, by cursor",
        responses={200: {"model": shapes.TaskPage}},
    )
    async def tasks(
        process: Part,
        node: str = "",
        status: TaskStatus | None = None,
        limit: Limit = 50,
        after: After = "",
        since: Since = None,
    ) -> Response:
        query = TaskQuery(process, node, status, limit, after, _microseconds(since))
        found = await workspace.tasks(query)
        following = found[-1].task_id if len(found) == limit else None
        return _json({"tasks": [workspace.view(task) for task in found], "next": following})


def _task(api: FastAPI, workspace: Workspace) -> None:
    path = "/v1/processes/{process}/tasks/{ref}"
    shape: Any = {200: {"model": shapes.Task}}

    @api.get(path, summary="One task, by ref or id", responses=shape)
    async def task(process: Part, ref: Part, *, history: bool = False) -> Response:
        found = await workspace.task(process, ref)
        shown = workspace.view(found)
        if history:
            steps = await workspace.history(found)
            shown["history"] = history_view(steps, found)
            shown["explanation"] = explain(found, workspace.graph_of(found))
        return _json(shown)

    @api.patch(path, summary="Change a task's data", responses=shape, openapi_extra=shapes.CHANGE)
    async def modify(process: Part, ref: Part, request: Request) -> Response:
        data = await _object(request, "data")
        if not isinstance(data.get("data"), dict):
            raise InvalidData('the body must be {"data": {…}}')
        return _result(workspace, await workspace.modify(process, ref, data["data"]))

    @api.delete(path, status_code=204, summary="Remove a task")
    async def delete(process: Part, ref: Part) -> Response:
        await workspace.delete(process, ref)
        return Response(status_code=204)

    @api.post(
        path + "/rerun",
        summary="Put a failed task back into the node it failed in",
        responses=shape,
        openapi_extra=shapes.RERUN,
    )
    async def rerun(process: Part, ref: Part, request: Request, once: OnceHeader) -> Response:
        node = (await _object(request, "node")).get("node") or ""
        if not isinstance(node, str):
            raise InvalidData("'node' must be text")
        return _result(workspace, await workspace.rerun(process, ref, node, once=once))


def _undelivered(api: FastAPI, workspace: Workspace) -> None:
    @api.get(
        "/v1/undelivered",
        summary="Callbacks that nobody took",
        responses={200: {"model": shapes.UndeliveredPage}},
    )
    async def undelivered(after: After = "", limit: Limit = 50) -> Response:
        found = await workspace.undelivered(after, limit)
        following = found[-1].message_id if len(found) == limit else None
        shown = [kept_view(kept) for kept in found]
        return _json({"undelivered": shown, "next": following})

    @api.post(
        "/v1/undelivered/{message_id}/deliver",
        summary="Offer one to its task again",
        responses={200: {"model": shapes.Delivered}},
    )
    async def deliver(message_id: Part, once: OnceHeader) -> Response:
        if len(message_id) > LONGEST_KEY:
            raise UnknownTask("there is no such message")
        return _result(workspace, await workspace.redeliver(message_id, once=once))


def _machines(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/health", summary="Whether the process lives")
    async def health() -> Response:
        # Here for the documentation only, as is the next.
        raise NotImplementedError

    @api.get("/ready", summary="Whether requests would be taken and stored now")
    async def ready() -> Response:
        raise NotImplementedError

    @api.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(metrics_text(workspace), media_type="text/plain; version=0.0.4")

    @api.get("/", include_in_schema=False, response_class=HTMLResponse)
    async def front() -> Response:
        return HTMLResponse(front_page(workspace))


async def _once(
    request: Request,
    idempotency_key_shown: Annotated[
        str | None, Header(alias="Idempotency-Key", max_length=LONGEST_KEY)
    ] = None,
) -> Once | None:
    """An idempotency key, which belongs to its path, with the digest of what it came with."""
    del idempotency_key_shown
    key = idempotency_key(request.scope)
    if not key:
        return None
    digest = hashlib.sha256(await request.body()).hexdigest()
    return Once(f"{request.method} {request.scope['path']} {key}", digest)


OnceHeader = Annotated[Once | None, Depends(_once)]


async def _object(request: Request, *known: str) -> Json:
    """Reads a JSON object with no names but the known ones; nothing is an empty object."""
    body = await request.body()
    value = read_json(body) if body else {}
    if not isinstance(value, dict):
        raise InvalidData("the body must be a JSON object")
    unknown = sorted(value.keys() - set(known))
    if unknown:
        raise InvalidData(f"the body has {', '.join(map(repr, known))}, not '{unknown[0]}'")
    return value


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON.decode())


def _result(workspace: Workspace, answer: Answer) -> Response:
    if answer.body is not None:
        is_replay = answer.task is None and answer.delivery is None
        headers = {"idempotent-replayed": "true"} if is_replay else None
        return Response(answer.body, media_type=JSON.decode(), headers=headers)
    if answer.task is not None:
        return _json(workspace.view(answer.task))
    return _json({"result": answer.delivery})


def _microseconds(since: str | None) -> int | None:
    if since is None:
        return None
    try:
        if since.isdecimal():
            return min(int(since), LAST_MOMENT)
        moment = datetime.fromisoformat(since)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise InvalidData("'since' must be a time in ISO 8601, or Unix microseconds") from None
