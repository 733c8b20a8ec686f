"""The processes of a database as graphs: only those versions that an examination asks for."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from engine.core.graph import Graph, GraphNode
from engine.definition import Catalog, compile_graph, read_definition
from engine.store.facts import VersionSource


class Graphs:
    """Compiles versions when they are asked for, each once."""

    def __init__(self, versions: Iterable[VersionSource]) -> None:
        self._sources = {(each.process, each.version): each for each in versions}
        self._numbers: dict[str, list[int]] = defaultdict(list)
        for process, version in sorted(self._sources, reverse=True):
            self._numbers[process].append(version)
        self._compiled: dict[tuple[str, int], Graph | str] = {}

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._sources

    def get(self, process: str, version: int) -> Graph | str:
        """Gives a version that is there; a text, which says why, if it can't be used any more."""
        key = (process, version)
        if key not in self._compiled:
            self._compiled[key] = _compiled(self._sources[key])
        return self._compiled[key]

    def newest(self, process: str) -> Graph | None:
        """Gives the version of a process with the greatest number, if it can be used."""
        versions = self._numbers.get(process)
        found = self.get(process, versions[0]) if versions else None
        return found if isinstance(found, Graph) else None

    def nodes(self, process: str, node: str) -> list[GraphNode]:
        """Gives a node in the newest version that has it, and in no other; empty if none has."""
        for version in self._numbers.get(process, ()):
            graph = self.get(process, version)
            if isinstance(graph, Graph) and node in graph.nodes:
                return [graph.nodes[node]]
        return []


@lru_cache(maxsize=32)
def _compiled(row: VersionSource) -> Graph | str:
    definition, faults = read_definition(row.source, row.file, Catalog.installed())
    errors = [str(fault) for fault in faults if fault.is_error]
    if definition is None or errors:
        return "; ".join(errors[:3]) or "it can't be read"
    try:
        return compile_graph(definition, version=row.version, conv_id=0)
    except ValueError as error:
        return str(error)
