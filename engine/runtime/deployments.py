"""The processes in force: what a turn may know of them, and how they are changed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.batch import Batch, Found, Limits, Sum
from engine.core.graph import GraphNode
from engine.core.masking import Masker
from engine.definition import Definition
from engine.runtime.addresses import Addresses
from engine.runtime.clock import Chance, Ids
from engine.runtime.hiding import Hiding
from engine.runtime.plan import Plan, ProcessPlan
from engine.runtime.versions import Versions
from engine.store.interface import NewVersion, ProcessRow, Store


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
        self._hiding = Hiding(variables)
        self.hide = self._hiding.hide
        self.versions = Versions(self._hiding)
        self.addresses = Addresses(self.versions, public_url)
        self._counts: dict[str, dict[str, list[int]]] = {}
        self._sums: Counter[Sum] = Counter()
        # Bound once: asked for every task of every turn.
        self.current = self.versions.current
        self.graph = self.versions.graph
        self.place = self.versions.place
        self.named_now = self.versions.named_now
        self.callback_url = self.addresses.url

    # World.

    @property
    def masker(self) -> Masker:
        return self._hiding.masker

    def next_id(self) -> str:
        return self._ids.next_id()

    def random_bits(self, count: int) -> int:
        return self._ids.random_bits(count)

    def standing(self, process: str, node: str) -> int:
        came, went = self._counts.get(process, {}).get(node, (0, 0))
        return came - went

    def sum(self, key: Sum) -> int:
        return self._sums[key]

    # For the engine.

    async def load(self, store: Store) -> None:
        """Reads which versions there are, and how many tasks stand where."""
        await self.reload(store)
        await self.recount(store)

    async def recount(self, store: Store) -> None:
        """Reads how many tasks stand where, with those of other engines."""
        counted = await store.counts()
        self._counts = {}
        for (process, node), (came, went) in counted.items():
            self._counts.setdefault(process, {})[node] = [came, went]
        self._sums = Counter(await store.sums())

    async def reload(self, store: Store) -> list[str]:
        """Reads which versions there are, and gives the processes with a new one."""
        return self.versions.take(await store.versions(), await store.processes())

    def knows(self, found: Found) -> bool:
        """Whether the versions of these tasks were there when the store was last asked."""
        return all(self.versions.knows(each.process, each.version) for each in found.every_task())

    async def deploy(self, store: Store, plan: Plan, now: int, chance: Chance) -> None:
        """Carries out a plan, in one transaction."""
        await store.deploy([self._new_version(each, chance) for each in plan.processes], now)
        # Not the counts: while tasks move, those in memory are the ones that are right.
        await self.reload(store)
        for each in plan.processes:
            self.versions.remember(each.definition)

    def definition(self, process: str) -> Definition | None:
        """Gives the newest definition of a process, as its author wrote it."""
        return self.versions.definition(process)

    def rows(self) -> Iterable[ProcessRow]:
        """Gives every process that was ever deployed."""
        return self.versions.rows()

    def count(self, batch: Batch) -> None:
        """Adds what a batch counted, once it is safe on disk."""
        for (process, node), (came, went) in batch.counts.items():
            total = self._counts.setdefault(process, {}).setdefault(node, [0, 0])
            total[0] += came
            total[1] += went
        if batch.sums:
            self._sums.update(batch.sums)

    @property
    def has_readers(self) -> bool:
        """Whether counts are read as tasks move: by limits, alerts, or whoever looks sums up."""
        graphs = (self.current(row.process) for row in self.rows())
        return any(
            node.limit is not None or node.alert is not None or any(node.sums())
            for graph in graphs
            if graph is not None
            for node in graph.nodes.values()
        )

    def sums(self, process: str) -> Mapping[str, Mapping[str, int]]:
        """Gives the sums of a process by node and name, in billionths."""
        found: dict[str, dict[str, int]] = {}
        for (of_process, node, name), amount in self._sums.items():
            if of_process == process:
                found.setdefault(node, {})[name] = amount
        return found

    def counts(self, process: str) -> Mapping[str, tuple[int, int]]:
        """Gives for each node how many tasks came in and went out."""
        return {node: (came, went) for node, (came, went) in self._counts.get(process, {}).items()}

    def under_way(self) -> dict[tuple[str, str], int]:
        """Counts the unfinished tasks by (process, node), where there are some."""
        return {
            (process, node): standing
            for process in self._counts
            for node, standing in self._under_way(process).items()
        }

    def _under_way(self, process: str) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        for counted, (came, went) in self._counts.get(process, {}).items():
            if came > went:
                node = self.named_now(process, counted)
                graph = self.versions.having(process, node)
                if graph is not None and not graph.nodes[node].type.is_end:
                    found[node] += came - went
        return found

    def left_behind(self, process: str) -> list[GraphNode]:
        """Gives the nodes that the version in force lacks, but that tasks still stand in."""
        current = self.current(process)
        return [
            graph.nodes[node]
            for node in self._under_way(process)
            if current is not None and node not in current.nodes
            if (graph := self.versions.having(process, node)) is not None
        ]

    def moving(self) -> list[tuple[str, str]]:
        """Gives the (process, node) that a deploy took tasks out of, where some still stand."""
        return [
            (row.process, node)
            for row in self.rows()
            for node in self.versions.moved_out(row.process)
            if self.standing(row.process, node) > 0
        ]

    def _new_version(self, plan: ProcessPlan, chance: Chance) -> NewVersion:
        new = plan.definition
        return NewVersion(
            new.process, new.digest, new.source, new.file, new.id,
            f"{chance.getrandbits(160):040x}", plan.moves, plan.keeps, plan.undone,
            self._hiding.is_sealed(new),
        )  # fmt: skip
