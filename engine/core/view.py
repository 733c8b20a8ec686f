"""A task as people and programs see it: one JSON shape for HTTP, CLI and console."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.core.batch import Step
from engine.core.billionths import number_of
from engine.core.graph import Graph, GraphNode
from engine.core.message import Kept
from engine.core.task import STATUS_OF, Task

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HIDDEN = "***"
NOTHING: Mapping[str, Any] = {}


def iso_time(microseconds: int | None) -> str | None:
    """Writes a moment in ISO 8601, in UTC."""
    if microseconds is None:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_iso_second(seconds)}.{rest // 1000:03}Z"


@lru_cache(maxsize=64)
def _iso_second(seconds: int) -> str:
    """Writes a second. Kept, since all tasks of a moment share it: 0.3 us a time instead of 1.9."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def task_view(task: Task, graph: Graph | None) -> dict[str, Any]:
    """Gives the JSON object of a task, with the values hidden that are not to be shown."""
    node = graph.nodes.get(task.node) if graph else None
    error = task.memo.error
    return {
        "task_id": task.task_id,
        "ref": task.ref,
        "process": task.process,
        "version": task.version,
        "status": STATUS_OF[task.state],
        "state": task.state,
        "node": task.node,
        "node_title": node.title if node else task.node,
        "data": without_secrets(task.data, _hidden(task, graph)),
        "created": iso_time(task.created),
        "changed": iso_time(task.changed),
        "finished": iso_time(task.finished),
        "due": iso_time(task.due),
        "failed_in": task.memo.failed_in or None,
        "error": error and {"kind": error.kind, "tag": error.tag, "description": error.description},
    }


def _hidden(task: Task, graph: Graph | None) -> Collection[str]:
    if graph is None:
        return ()
    if graph.cleared and task.is_finished:
        return graph.secrets | graph.cleared
    return graph.secrets


def without_secrets(data: dict[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """Hides the values of these parameters."""
    if not secrets:
        return data
    return {name: HIDDEN if name in secrets else value for name, value in data.items()}


def step_view(step: Step) -> dict[str, Any]:
    """Gives the JSON object of one visit in a task's history."""
    error = step.error
    return {
        "visit": step.visit,
        "node": step.node,
        "entered": iso_time(step.entered),
        "left": iso_time(step.left),
        "by": step.by or None,
        "error": error and {"kind": error[0], "tag": error[1], "description": error[2]},
    }


def history_view(steps: Iterable[Step], task: Task) -> list[dict[str, Any]]:
    """Gives the JSON list of a task's way: its finished visits, and the one it is at."""
    visits = [step_view(step) for step in steps]
    if not task.is_finished:
        visits.append(step_view(Step(task.visit, task.node, task.memo.entered, None, "")))
    return visits


def kept_view(kept: Kept) -> dict[str, Any]:
    """Gives the JSON object of an undelivered message; its data stays inside, names are shown."""
    return {
        "id": kept.message_id,
        "kind": kept.kind,
        "process": kept.process,
        "ref": kept.ref,
        "node": kept.node,
        "reason": kept.reason,
        "arrived": iso_time(kept.arrived),
        "expires": iso_time(kept.expires),
        "parameters": sorted(kept.data),
    }


def process_view(
    graph: Graph,
    counts: Mapping[str, tuple[int, int]],
    oldest: int | None,
    left_behind: Iterable[GraphNode] = (),
    sums: Mapping[str, Mapping[str, int]] = NOTHING,
) -> dict[str, Any]:
    """Gives the JSON object of a process.

    `counts` are how many tasks came in and went out, `oldest` is when its oldest unfinished task
    was made, `left_behind` are nodes of earlier versions that tasks still stand in.
    `sums` are in billionths, by node and name.
    """
    return {
        "process": graph.process,
        "id": graph.conv_id,
        "title": graph.title,
        "version": graph.version,
        "status": graph.status,
        "oldest_unfinished": iso_time(oldest),
        "params": [
            {
                "name": each.name,
                "type": each.type,
                "required": each.required,
                "secret": each.secret,
                "output": each.output,
                "description": each.description,
            }
            for each in graph.parameters.values()
        ],
        "nodes": [
            {
                "node": node.id,
                "title": node.title,
                "type": node.type.type,
                "standing": counts[node.id][0] - counts[node.id][1],
                "in": counts[node.id][0],
                "out": counts[node.id][1],
                **_sums(sums.get(node.id)),
            }
            for node in (*graph.nodes.values(), *left_behind)
        ],
    }


def _sums(sums: Mapping[str, int] | None) -> dict[str, Any]:
    return {"sums": {name: number_of(amount) for name, amount in sums.items()}} if sums else {}


def mask(text: str, task: Task, secrets: Collection[str]) -> str:
    """Takes the values of a task's secret parameters out of a text."""
    for name in secrets:
        value = task.data.get(name)
        if isinstance(value, str) and value:
            text = text.replace(value, HIDDEN)
    return text
