"""Every version of every process: as its author wrote it, as a graph, and which tasks go on in it.

A task is written with the version it last moved in. Nothing is rewritten when another is put into
force: the place where a task goes on is looked up when it is taken in hand. It is its node in the
newest version that has this node, of the same type; or the node that a deploy named instead.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

from engine.core.graph import Graph, Place
from engine.definition import Catalog, Definition, compile_graph, read_definition
from engine.runtime.hiding import Hiding
from engine.store.interface import ProcessRow, VersionRow

log = logging.getLogger("engine.versions")


class Versions:
    """What there is in the store, compiled when a task or a person asks for it."""

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding
        self._rows: dict[str, ProcessRow] = {}
        self._versions: dict[str, dict[int, VersionRow]] = {}
        self._graphs: dict[tuple[str, int], Graph | None] = {}
        self._definitions: dict[tuple[str, int], Definition | None] = {}
        self._places: dict[tuple[str, int, str], Place | None] = {}

    def take(self, versions: Iterable[VersionRow], rows: Iterable[ProcessRow]) -> list[str]:
        """Takes what the store has now; gives the processes with a new version."""
        for version in versions:
            self._versions.setdefault(version.process, {})[version.version] = version
        changed = [row.process for row in rows if self._take_row(row)]
        if changed:
            self._places.clear()
        return changed

    def _take_row(self, row: ProcessRow) -> bool:
        if self._rows.get(row.process) == row:
            return False
        self._rows[row.process] = row
        self._follow_status(row.process)
        return True

    # Rows.

    def rows(self) -> Iterable[ProcessRow]:
        """Gives every process that was ever deployed."""
        return self._rows.values()

    def row(self, process: str) -> ProcessRow | None:
        """Gives the number and the callback hash of a process."""
        return self._rows.get(process)

    def of(self, process: str) -> list[VersionRow]:
        """Gives the versions of a process, oldest first."""
        return list(self._versions.get(process, {}).values())

    def knows(self, process: str, version: int) -> bool:
        """Whether a version was there when the store was last asked."""
        return version in self._versions.get(process, ())

    def was_undone(self, definition: Definition) -> bool:
        """Whether the version in force was put in the place of this very definition."""
        newest = self.of(definition.process)[-1:]
        return any(row.undone == definition.digest for row in newest)

    # What they mean.

    def current(self, process: str) -> Graph | None:
        """Gives the version that new tasks get."""
        row = self._rows.get(process)
        return self.graph(process, row.version) if row else None

    def graph(self, process: str, version: int) -> Graph | None:
        """Gives one version of a process; None if it can't be used, or is not known yet."""
        key = (process, version)
        # What another engine has just deployed is not known now, and will be.
        if key not in self._graphs and self.knows(process, version):
            self._graphs[key] = self._compile(process, version)
        return self._graphs.get(key)

    def remember(self, definition: Definition) -> None:
        """Takes a definition that was just put into force, and need not be read again."""
        self._definitions[definition.process, self._rows[definition.process].version] = definition

    def definition(self, process: str, version: int = 0) -> Definition | None:
        """Gives a version of a process, the newest if none is named, as its author wrote it."""
        row = self._rows.get(process)
        key = (process, version or (row.version if row else 0))
        if key not in self._definitions and self.knows(*key):
            self._definitions[key] = _read(self._versions[process][key[1]])
        return self._definitions.get(key)

    def place(self, process: str, version: int, node: str) -> Place | None:
        """Finds where a task goes on that last moved in this version and stands in this node."""
        key = (process, version, node)
        if key not in self._places:
            self._places[key] = self._find_place(process, version, node)
        return self._places[key]

    def _find_place(self, process: str, version: int, node: str) -> Place | None:
        own = self.graph(process, version)
        if own is None or node not in own.nodes:
            return None
        graph, name = self._moved(own, node)
        for row in reversed(self._followed(process, graph.version)):
            newer = self.graph(process, row.version)
            if newer is not None and _is_same(newer, graph, name):
                graph = newer
                break
        return Place(graph, name, is_entered=not _is_same(own, graph, name, node))

    def _moved(self, graph: Graph, node: str) -> tuple[Graph, str]:
        """Follows what deploys said about a node that tasks stand in."""
        for row in self._followed(graph.process, graph.version):
            to = row.moves.get(node, "")
            later = self.graph(graph.process, row.version) if to else None
            if later is not None and to in later.nodes:
                graph, node = later, to
        return graph, node

    def _followed(self, process: str, version: int) -> list[VersionRow]:
        """Gives the later versions that tasks of this one may go on in, oldest first."""
        later = [row for row in self.of(process) if row.version > version]
        return list(takewhile(lambda row: not row.keeps, later))

    def named_now(self, process: str, node: str) -> str:
        """Gives the node that stands where this one stood, for what was sent to it before."""
        current = self.current(process)
        if current is None or node in current.nodes:
            return node
        for row in self.of(process):
            node = row.moves.get(node, node)
        return node

    def moved_out(self, process: str) -> set[str]:
        """Names the nodes that deploys took tasks out of.

        Not those that came back with a later version: tasks stand there rightly.
        """
        current = self.current(process)
        return {
            node
            for row in self.of(process)
            for node in row.moves
            if current is None or node not in current.nodes or row.version == current.version
        }

    def having(self, process: str, node: str) -> Graph | None:
        """Gives the newest version that has a node."""
        return next(self._with(process, node), None)

    def called_back(self, process: str, node: str) -> Graph | None:
        """Gives the newest version in which a node takes callbacks."""
        found = self._with(process, node)
        return next((each for each in found if each.nodes[node].type.takes_callbacks()), None)

    def _with(self, process: str, node: str) -> Iterator[Graph]:
        for row in reversed(self.of(process)):
            graph = self.graph(process, row.version)
            if graph is not None and node in graph.nodes:
                yield graph

    # Compiling.

    def _compile(self, process: str, version: int) -> Graph | None:
        definition, row = self.definition(process, version), self._rows.get(process)
        if definition is None or row is None:
            return None
        graph = compile_graph(definition, version=version, conv_id=row.conv_id)
        graph = self._hiding.take(graph, definition)
        current = graph if version == row.version else self.current(process)
        return replace(graph, status=current.status) if current is not None else graph

    def _follow_status(self, process: str) -> None:
        """Pauses older versions with the newest one, or lets their tasks move again."""
        current = self.current(process)
        if current is None:
            return
        for key, graph in self._graphs.items():
            if key[0] == process and graph is not None and graph.status is not current.status:
                self._graphs[key] = replace(graph, status=current.status)


def _is_same(one: Graph, other: Graph, node: str, as_node: str = "") -> bool:
    """Whether both versions have a node of one type by this name (`as_node` in the first one)."""
    found = one.nodes.get(as_node or node)
    return found is not None and found.type.type == other.nodes[node].type.type


def _read(version: VersionRow) -> Definition | None:
    """Reads a version that was right when it was deployed.

    A node type that was there then may be gone; its tasks can be seen, but not moved.
    """
    definition, faults = read_definition(version.source, version.file, Catalog.installed())
    errors = [fault for fault in faults if fault.is_error]
    if definition is None or errors:
        shown = "; ".join(map(str, errors))
        log.error("version %d of '%s' can't be used: %s", version.version, version.process, shown)
        return None
    return definition
