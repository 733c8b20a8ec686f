"""The JSON shapes of `/v1`, for the OpenAPI document: what `engine.core.view` writes."""

from typing import Any

from pydantic import BaseModel, Field

Json = dict[str, Any]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    kind: str = Field(description="Fixed, for programs.")
    hint: str | None = None
    faults: list[dict[str, str]] | None = Field(
        None, description="For wrong data: `parameter` and `message` of each."
    )


def problem(description: str) -> Json:
    """Describes an answer that tells what went wrong."""
    schema = Problem.model_json_schema()
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


class TaskFailure(BaseModel):
    """Why a task left a node by its error link, or stopped there."""

    kind: str
    tag: str
    description: str


class Visit(BaseModel):
    """One stay of a task in a node."""

    visit: int
    node: str
    entered: str
    left: str | None
    by: str | None
    error: TaskFailure | None


class Task(BaseModel):
    """One task. Values of secret parameters are hidden; times are ISO 8601 in UTC."""

    task_id: str
    ref: str
    process: str
    version: int
    status: str = Field(description="running, waiting, success or error")
    state: str
    node: str
    node_title: str
    data: Json
    created: str
    changed: str
    finished: str | None
    due: str | None
    failed_in: str | None
    error: TaskFailure | None
    history: list[Visit] | None = Field(None, description="With ?history=1.")
    explanation: str | None = Field(None, description="Why it does not move; with ?history=1.")


class TaskPage(BaseModel):
    """Some tasks; `next` is `after` of the next page, null after the last one."""

    tasks: list[Task]
    next: str | None


class RefusedRow(BaseModel):
    """Why a task of a list was refused."""

    error: Problem


class Parameter(BaseModel):
    """A parameter of a process."""

    name: str
    type: str
    required: bool
    secret: bool
    output: bool
    description: str


class NodeCount(BaseModel):
    """How many tasks stand in a node, came in and went out."""

    node: str
    title: str
    type: str
    standing: int
    came_in: int = Field(alias="in")
    out: int
    sums: dict[str, float] | None = Field(None, description="Where the node keeps some.")


class Process(BaseModel):
    """A process in force."""

    process: str
    id: int | None
    title: str
    version: int
    status: str
    oldest_unfinished: str | None
    params: list[Parameter]
    nodes: list[NodeCount]


class ProcessList(BaseModel):
    """Every process in force."""

    processes: list[Process]


class Undelivered(BaseModel):
    """A callback that nobody took; its data stays inside."""

    id: str
    kind: str
    process: str
    ref: str
    node: str
    reason: str
    arrived: str
    expires: str
    parameters: list[str]


class UndeliveredPage(BaseModel):
    """Some undelivered callbacks; `next` is `after` of the next page."""

    undelivered: list[Undelivered]
    next: str | None


class Delivered(BaseModel):
    """What became of a message."""

    result: str


class GoneNode(BaseModel):
    """A node that a version lacks, or has with another type, and what becomes of its tasks."""

    node: str
    standing: int
    fate: str = Field(description="none, move or stay")
    to: str | None
    enters: bool


class NodeChanges(BaseModel):
    """What changes among the nodes of a process."""

    added: list[str]
    changed: dict[str, list[str]]
    gone: list[GoneNode]


class TasksUnderWay(BaseModel):
    """How many go on in the new version, move to another node, stay in their version."""

    follow: int
    move: int
    stay: int


class ProcessPlan(BaseModel):
    """What becomes of a process."""

    process: str
    title: str
    file: str
    version: int | None
    new_version: int
    change: str = Field(description="new, changed or unchanged")
    keys: list[str]
    nodes: NodeChanges
    tasks: TasksUnderWay


class Plan(BaseModel):
    """What a deploy does, by process."""

    processes: list[ProcessPlan]


class Address(BaseModel):
    """A callback URL."""

    url: str


NEW_TASK: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "ref": {
            "type": ["string", "integer", "null"],
            "maxLength": 255,
            "description": "Generated if left out.",
        },
        "data": {"type": "object", "description": "The parameters of the process."},
    },
}


def body(schema: Json, example: Json, *, is_required: bool = True, **others: Json) -> Json:
    """Describes a request's body; `others` are further media types."""
    content = {"application/json": {"schema": schema, "example": example}, **others}
    return {"requestBody": {"required": is_required, "content": content}}


NEW_TASKS = body(
    {"oneOf": [NEW_TASK, {"type": "array", "items": NEW_TASK, "maxItems": 10_000}]},
    {"ref": "order-17", "data": {"phone": "+15551234567"}},
    is_required=False,
    **{"application/x-ndjson": {"schema": {"type": "string"}}},
)
CHANGE = body(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["data"],
        "properties": {"data": {"type": "object"}},
    },
    {"data": {"approved": True}},
)
RERUN = body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {"node": {"type": "string", "description": "Another node to enter."}},
    },
    {"node": "send"},
    is_required=False,
)
ORDER = body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "files": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["file", "source"],
                    "properties": {"file": {"type": "string"}, "source": {"type": "string"}},
                },
                "description": "Process files: their names, for messages, and their text.",
            },
            "moves": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Which node stands instead of one that is gone: {old: new}.",
            },
            "keeps": {"type": "boolean", "description": "Tasks under way stay in their versions."},
            "process": {"type": "string", "description": "With `version`: which goes back."},
            "version": {"type": "integer", "minimum": 0, "description": "Go back to this one."},
        },
    },
    {"process": "sending-sms", "version": 1},
)
