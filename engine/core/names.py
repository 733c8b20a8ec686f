"""The reserved names of templates: what `root` and `error` are for a task."""

from typing import TYPE_CHECKING, Any

from engine.core.node import Visit

if TYPE_CHECKING:
    from engine.core.ledger import Live


def error_names(live: "Live") -> dict[str, Any]:
    """Gives `error` in templates: the last failure, empty if there was none."""
    error = live.task.memo.error
    if error is None:
        return {}
    return {
        "kind": error.kind,
        "tag": error.tag,
        "description": error.description,
        "node": error.node,
        "attempt": error.attempt,
    }


def root_names(live: "Live", visit: Visit) -> dict[str, Any]:
    """`root` in templates, by Corezoid's names (conv_id, status as a number) and ours."""
    task, node = live.task, live.node
    previous = live.graph.nodes.get(task.memo.previous)
    return {
        "data": visit.data,
        "task_id": task.task_id,
        "ref": task.ref,
        "process": task.process,
        "process_id": live.graph.conv_id,
        "conv_id": live.graph.conv_id,
        "version": task.version,
        "node_id": node.id,
        "node_name": node.title,
        "prev_node_id": task.memo.previous,
        "prev_node_name": previous.title if previous else "",
        "status": 4 if task.is_finished else 2,
        "create_time": task.created // 1_000_000,
        "change_time": task.changed // 1_000_000,
        "end_time": (task.due or 0) // 1_000_000,
        "user_id": "",
    }
