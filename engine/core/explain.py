"""Why a task does not move, and what would move it, in a sentence for people."""

from engine.core.graph import Graph, GraphNode
from engine.core.task import Task, TaskState, WaitKind
from engine.core.view import iso_time


def explain(task: Task, graph: Graph | None) -> str:
    """Says where a task stands, why, and what takes it on."""
    node = graph.nodes.get(task.node) if graph else None
    if graph is None or node is None:
        return (
            f"It stands in '{task.node}', which no version in force has: deploy one that has it, "
            "or delete the task."
        )
    if not graph.is_active and not task.is_finished:
        return f"'{task.process}' is paused: its tasks go on when it is deployed as active."
    return f"{_why(task, node)}{_until(task, node)}"


def _why(task: Task, node: GraphNode) -> str:
    place, since = f"'{node.id}'", iso_time(task.memo.entered)
    error = task.memo.error
    match task.state:
        case TaskState.READY:
            return f"It is about to enter {place}: an engine that moves tasks takes it on at once."
        case TaskState.CALLING:
            return f"Its call in {place} has been out, or in line, since {since}."
        case TaskState.WAITING:
            return f"It waits in {place} since {since} for {_WAITS[task.memo.wait]}."
        case TaskState.QUEUED:
            return f"It stands in the queue {place} since {since} until a task takes it out."
        case TaskState.HELD:
            said = error.description if error else "a call's answer is unknown"
            return f"It is held in {place} until a person decides ({said}): rerun or delete it."
        case TaskState.PARKED:
            said = f"{error.tag}: {error.description}" if error else "without a word"
            return (
                f"It failed in {place} ({said}), and the node has no 'error' to go to: mend what "
                "failed, and rerun it."
            )
        case TaskState.SUCCESS:
            return f"It has ended in {place} at {iso_time(task.finished)}; nothing moves it."
        case TaskState.ERROR:
            failed = f" after it failed in '{task.memo.failed_in}'" if task.memo.failed_in else ""
            return (
                f"It has ended in the error node {place} at {iso_time(task.finished)}{failed}; "
                "only a rerun puts it back."
            )


_WAITS = {
    "": "nothing that is known",
    WaitKind.TIME: "its time",
    WaitKind.CALLBACK: "a callback or a modification",
    WaitKind.REPLY: "the reply of the process that it called",
    WaitKind.QUEUE: "a task that takes it out of its queue",
}


def _until(task: Task, node: GraphNode) -> str:
    if task.due is None or task.is_finished:
        return ""
    due = iso_time(task.due)
    if task.memo.due_leaves and node.timeout is not None:
        return f" At {due} it leaves to '{node.timeout.next}'."
    return f" At {due} it goes on."
