"""`/metrics`: what the engine counted, as Prometheus reads it."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from engine.workspace import Workspace

LABELS = ["process", "node"]


class WorkspaceCollector:
    """Gathers a workspace's numbers when they are asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def collect(self) -> Iterator[Metric]:
        """Yields every metric."""
        for name, value in sorted(self._workspace.meter.items()):
            yield CounterMetricFamily(
                f"conveyor_{name}", f"{name.replace('_', ' ')} since the start", value=value
            )
        yield from self._nodes()
        yield GaugeMetricFamily(
            "conveyor_requests_waiting",
            "Messages that wait to be taken into a turn",
            value=self._workspace.waiting,
        )
        yield GaugeMetricFamily(
            "conveyor_ready",
            "Whether requests would be taken and stored",
            value=int(self._workspace.is_ready),
        )

    def _nodes(self) -> tuple[Metric, Metric, Metric]:
        standing = GaugeMetricFamily("conveyor_tasks_standing", "Tasks in a node", labels=LABELS)
        entered = CounterMetricFamily("conveyor_node_in", "Tasks that came in", labels=LABELS)
        left = CounterMetricFamily("conveyor_node_out", "Tasks that went out", labels=LABELS)
        for graph in self._workspace.graphs():
            for node, (came, went) in self._workspace.counts(graph.process).items():
                standing.add_metric([graph.process, node], came - went)
                entered.add_metric([graph.process, node], came)
                left.add_metric([graph.process, node], went)
        return standing, entered, left


def metrics_text(workspace: Workspace) -> bytes:
    """Writes the metrics of a workspace."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkspaceCollector(workspace))
    return generate_latest(registry)
