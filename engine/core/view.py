"""A task as people and programs see it: one JSON shape for HTTP, CLI and console."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.core.batch import Step
from engine.core.billionths import number_of
from engine.core.graph import Graph, GraphNode
from engine.core.masking import HIDDEN, NOTHING_HIDDEN, Masker, masker_of
from engine.core.message import Kept
from engine.core.task import STATUS_OF, Task

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


def task_view(task: Task, graph: Graph | None, common: Masker = NOTHING_HIDDEN) -> dict[str, Any]:
    """Gives the JSON object of a task, with the values hidden that are not to be shown.

    `common` hides what is secret in the whole workspace.
    """
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
        "data": _shown(task, graph, common),
        "created": iso_time(task.created),
        "changed": iso_time(task.changed),
        "finished": iso_time(task.finished),
        "due": iso_time(task.due),
        "failed_in": task.memo.failed_in or None,
        "error": error and {"kind": error.kind, "tag": error.tag, "description": error.description},
    }


def _shown(task: Task, graph: Graph | None, common: Masker) -> dict[str, Any]:
    """Gives the data of a task as people may see it."""
    data = task.data
    if graph is None:  # who knows what is secret in it
        return dict.fromkeys(data, HIDDEN) if task.is_sealed else data
    names = graph.secrets
    if graph.cleared and task.is_finished:
        names |= graph.cleared
    shown = without_secrets(data, names)
    if not graph.is_sealed:
        return shown
    masker = masker_of(graph.secrets, common, data, None)
    return {masker.text(name): masker.value(value) for name, value in shown.items()}


def without_secrets(data: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Hides the values of these parameters."""
    if not names:
        return data
    return {name: HIDDEN if name in names else value for name, value in data.items()}


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
                "alert": _alert_view(node, counts[node.id][0] - counts[node.id][1]),
            }
            for node in (*graph.nodes.values(), *left_behind)
        ],
    }


def _sums(sums: Mapping[str, int] | None) -> dict[str, Any]:
    return {"sums": {name: number_of(amount) for name, amount in sums.items()}} if sums else {}


def _alert_view(node: GraphNode, standing: int) -> dict[str, Any] | None:
    """Says at how many tasks a node tells of them, and whether so many stand in it now."""
    if node.alert is None:
        return None
    return {"tasks": node.alert.tasks, "is_on": standing >= node.alert.tasks}
