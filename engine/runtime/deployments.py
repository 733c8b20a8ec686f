"""The processes in force: every version as a graph, and what templates may ask of the engine."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.core.batch import Batch, Limits
from engine.core.graph import Graph
from engine.core.masking import NOTHING_HIDDEN
from engine.definition import Catalog, Definition, compile_graph, read_definition
from engine.definition.secrets import Secrets, secrets_of
from engine.errors import TemplateError
from engine.runtime.clock import Chance, Ids
from engine.store.interface import NewVersion, ProcessRow, Store, VersionRow

log = logging.getLogger("engine.deployments")

CALLBACK_PATH = "/api/1/json/callback"
PLUGIN_PATH = "/api/1/json/plugins"


class Deployments:
    """What a turn sees of the workspace (`engine.core.world.World`)."""

    def __init__(
        self,
        ids: Ids,
        limits: Limits,
        variables: Mapping[str, Any],
        public_url: str = "",
    ) -> None:
        self._ids = ids
        self.limits = limits
        self.variables = variables
        self.makes_calls = True
        self.public_url = public_url
        self.masker = NOTHING_HIDDEN
        self._secret_variables: frozenset[str] = frozenset()
        self._rows: dict[str, ProcessRow] = {}
        self._versions: dict[tuple[str, int], VersionRow] = {}
        self._graphs: dict[tuple[str, int], Graph | None] = {}
        self._definitions: dict[str, Definition] = {}
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._by_hex: dict[str, tuple[str, str]] = {}

    # World.

    def current(self, process: str) -> Graph | None:
        row = self._rows.get(process)
        return self.graph(process, row.version) if row else None

    def graph(self, process: str, version: int) -> Graph | None:
        key = (process, version)
        if key not in self._graphs:
            self._graphs[key] = self._compile(key)
        return self._graphs[key]

    def next_id(self) -> str:
        return self._ids.next_id()

    def random_bits(self, count: int) -> int:
        return self._ids.random_bits(count)

    def standing(self, process: str, node: str) -> int:
        came, went = self._counts.get((process, node), (0, 0))
        return came - went

    def callback_url(self, process: str, node: str, plugin: str) -> str:
        graph = self.current(process)
        row = self._rows.get(process)
        if graph is None or row is None:
            raise TemplateError(f"callback_url: there is no process '{process}'")
        found = graph.nodes.get(node)
        if found is None or not found.type.takes_callbacks():
            raise TemplateError(f"callback_url: '{process}' has no callback node '{node}'")
        tail = f"{found.hex_id}/{row.callback_hash}"
        if plugin:
            return f"{self.public_url}{PLUGIN_PATH}/{plugin}/{row.conv_id}/{tail}"
        return f"{self.public_url}{CALLBACK_PATH}/{tail}"

    # For the workspace.

    def hide(self, values: Iterable[Any], variables: Iterable[str]) -> None:
        """Hides values wherever they stand; a process that reads these variables has secrets."""
        self.masker = self.masker.plus(values)
        self._secret_variables |= frozenset(variables)

    async def load(self, store: Store) -> None:
        """Reads which versions there are, and how many tasks stand where."""
        await self.reload(store)
        await self.recount(store)

    async def recount(self, store: Store) -> None:
        """Reads how many tasks stand where, with those of other engines."""
        self._counts = {key: list(count) for key, count in (await store.counts()).items()}

    async def reload(self, store: Store) -> list[str]:
        """Reads which versions there are, and gives the processes with a new one.

        Each version is compiled when a task or a person asks for it.
        """
        changed: list[str] = []
        for version in await store.versions():
            self._versions[version.process, version.version] = version
        for row in await store.processes():
            if self._rows.get(row.process) != row:
                self._rows[row.process] = row
                self._definitions.pop(row.process, None)
                changed.append(row.process)
                self._follow_status(row.process)
                self._index(row.process)
        return changed

    async def deploy(
        self, store: Store, definitions: Sequence[Definition], now: int, chance: Chance
    ) -> None:
        """Puts definitions into force, as new versions where they differ from the newest ones."""
        await store.deploy(
            [
                NewVersion(
                    definition.process,
                    definition.digest,
                    definition.source,
                    definition.file,
                    definition.id,
                    f"{chance.getrandbits(160):040x}",
                    self._is_sealed(secrets_of(definition)),
                )
                for definition in definitions
            ],
            now,
        )
        # Not the counts: while tasks move, those in memory are the ones that are right.
        await self.reload(store)
        for definition in definitions:
            self._definitions[definition.process] = definition

    def definition(self, process: str) -> Definition | None:
        """Gives the newest definition of a process, as its author wrote it."""
        if process not in self._definitions and (row := self._rows.get(process)):
            found = _read(self._versions[process, row.version])
            if found is not None:
                self._definitions[process] = found
        return self._definitions.get(process)

    def rows(self) -> Iterable[ProcessRow]:
        """Gives every process that was ever deployed."""
        return self._rows.values()

    def row(self, process: str) -> ProcessRow | None:
        """Gives the number and the callback hash of a process."""
        return self._rows.get(process)

    def by_hex_id(self, hex_id: str) -> tuple[str, str] | None:
        """Finds the process and node of a callback URL's node id."""
        return self._by_hex.get(hex_id)

    def count(self, batch: Batch) -> None:
        """Adds what a batch counted, once it is safe on disk."""
        for key, (came, went) in batch.counts.items():
            total = self._counts.setdefault(key, [0, 0])
            total[0] += came
            total[1] += went

    @property
    def has_limits(self) -> bool:
        """Whether a node in force asks how many tasks stand in it."""
        graphs = (self.current(process) for process in self._rows)
        return any(
            node.limit is not None or node.alert is not None
            for graph in graphs
            if graph is not None
            for node in graph.nodes.values()
        )

    def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        """Gives for each (process, node) how many tasks came in and went out."""
        return {key: (came, went) for key, (came, went) in self._counts.items()}

    def _index(self, process: str) -> None:
        graph = self.current(process)
        if graph is not None:
            self._by_hex.update({node.hex_id: (process, node.id) for node in graph.nodes.values()})

    def _follow_status(self, process: str) -> None:
        """Pauses older versions with the newest one, or lets their tasks move again."""
        current = self.current(process)
        if current is None:
            return
        for key, graph in self._graphs.items():
            if key[0] == process and graph is not None and graph.status is not current.status:
                self._graphs[key] = replace(graph, status=current.status)

    def _compile(self, key: tuple[str, int]) -> Graph | None:
        version, row = self._versions.get(key), self._rows.get(key[0])
        if version is None or row is None:
            return None
        definition = _read(version)
        if definition is None:
            return None
        graph = compile_graph(definition, version=version.version, conv_id=row.conv_id)
        secrets = secrets_of(definition)
        variables = (self.variables.get(name) for name in secrets.credentials)
        self.masker = self.masker.plus([*secrets.words, *variables])
        graph = replace(graph, is_sealed=self._is_sealed(secrets))
        if key[1] == row.version:
            return graph
        current = self.current(key[0])
        return replace(graph, status=current.status) if current is not None else graph

    def _is_sealed(self, secrets: Secrets) -> bool:
        return secrets.are_there or bool(secrets.variables & self._secret_variables)


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
