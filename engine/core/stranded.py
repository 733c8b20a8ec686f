"""What a task stands in when its version of the process, or its node, can't be found any more."""

from engine.core.graph import Graph, GraphNode
from engine.core.node import Answer, NodeType, NoSettings, Visit
from engine.core.outcome import Fail, Outcome
from engine.core.task import ErrorKind, Task


class Stranded(NodeType[NoSettings]):
    """Fails whatever comes: the task stays visible, and nothing moves it by mistake."""

    type = "stranded"
    title = "Missing node"

    def enter(self, settings: NoSettings, visit: Visit) -> Outcome:  # noqa: ARG002 -- there are none
        return _missing(visit)

    def resume(self, settings: NoSettings, visit: Visit, answer: Answer) -> Outcome:  # noqa: ARG002
        return _missing(visit)


def _missing(visit: Visit) -> Fail:
    return Fail(
        ErrorKind.SOFTWARE,
        "node_missing",
        f"version {visit.task.version} of '{visit.process}' has no node '{visit.node.id}' here",
    )


def stranded_graph(task: Task, graph: Graph | None) -> Graph:
    """Gives a graph in which the task's node exists and fails."""
    node = GraphNode(task.node, Stranded(), NoSettings(), task.node, hex_id="")
    return Graph(
        process=task.process,
        title=graph.title if graph else task.process,
        start=task.node,
        nodes={**(graph.nodes if graph else {}), task.node: node},
        version=task.version,
        conv_id=graph.conv_id if graph else 0,
        secrets=graph.secrets if graph else frozenset(),
        is_sealed=graph.is_sealed if graph else task.is_sealed,
        cleared=graph.cleared if graph else frozenset(),
    )
