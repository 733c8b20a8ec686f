"""Whether every unfinished task stands where it can, and has something that moves it on."""

from collections import Counter
from collections.abc import Iterator, Mapping

from engine.core.graph import Graph, GraphNode
from engine.core.task import FINISHED, TaskState, WaitKind
from engine.doctor.finding import Finding, counted
from engine.doctor.graphs import Graphs
from engine.store.facts import Audit, Standing

_STATES = frozenset(TaskState)
_DELETE = "see 'engine explain'; 'engine delete' removes such a task"


def examine_tasks(audit: Audit, graphs: Graphs) -> Iterator[Finding]:
    """Finds tasks that nothing will ever move, and nodes that are counted wrongly."""
    for each in audit.standing:
        yield from _examine(each, graphs)
    yield from _examine_counts(audit, graphs)


def _examine(each: Standing, graphs: Graphs) -> Iterator[Finding]:
    who = f"{counted(each.count, 'task')} of '{each.process}' in '{each.node}'"
    rows = (each.example,)
    if each.state not in _STATES:
        yield Finding("state", f"{who}: no state is called '{each.state}'", _DELETE, rows=rows)
        return
    if each.state in FINISHED:
        yield Finding(
            "state",
            f"{who}: ended by their state, and not by their time of end",
            _DELETE,
            rows=rows,
        )
    if (each.process, each.version) not in graphs:
        yield Finding(
            "version", f"{who}: there is no version {each.version} of the process",
            "restore the database from a backup, or delete these tasks", rows=rows,
        )  # fmt: skip
        return
    graph = graphs.get(each.process, each.version)
    if isinstance(graph, str):
        yield Finding(
            "version", f"{who}: version {each.version} of the process can't be used: {graph}",
            "install the node types that it was deployed with", rows=rows,
        )  # fmt: skip
        return
    node = graph.nodes.get(each.node)
    if node is None:
        yield Finding(
            "node", f"{who}: version {each.version} of the process has no such node",
            "put them into another with 'engine rerun --node' once they failed, or delete them",
            rows=rows,
        )  # fmt: skip
        return
    why = _stands_for_ever(each, node)
    if why:
        yield Finding("mover", f"{who}: {why}, so nothing moves them", _DELETE, rows=rows)


def _stands_for_ever(each: Standing, node: GraphNode) -> str:
    """Says why nothing will move these tasks; empty if something will."""
    if each.state == TaskState.QUEUED:
        if each.wait != WaitKind.QUEUE or not node.type.is_queue:
            return "queued in a node that is no queue"
        return ""
    if each.state != TaskState.WAITING or each.is_timed:
        return ""
    match each.wait:
        case WaitKind.CALLBACK:
            return "" if node.type.takes_callbacks() else "waiting where no callback is taken"
        case WaitKind.REPLY:
            return ""  # whether one can come is told by the tasks that were called
        case WaitKind.TIME:
            return "waiting for a time, without a timer"
    return "waiting for nothing that is known, without a timer"


def _examine_counts(audit: Audit, graphs: Graphs) -> Iterator[Finding]:
    """Counts of a node are the tasks in it; in an end node also those that were forgotten."""
    there: Counter[tuple[str, str]] = Counter()
    for each in audit.standing:
        there[each.process, each.node] += each.count
    for process, node in sorted({*there, *audit.counts}):
        came, went = audit.counts.get((process, node), (0, 0))
        found = there[process, node]
        is_end = any(each.type.is_end for each in graphs.nodes(process, node))
        if came - went == found or (is_end and came - went >= found):
            continue
        yield Finding(
            "counts",
            f"'{node}' of '{process}' is counted to hold {came - went:,}, and holds {found:,}",
            "limits, alerts and 'engine stats' are wrong by this; please report it",
        )


def takes_callbacks(graphs: Graphs, processes: Mapping[str, object]) -> bool:
    """Whether a process in force has a node that the outside calls."""
    newest = (graphs.newest(process) for process in processes)
    return any(
        node.type.takes_callbacks()
        for graph in newest
        if isinstance(graph, Graph)
        for node in graph.nodes.values()
    )
