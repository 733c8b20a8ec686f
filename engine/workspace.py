"""Everything one can do with an engine, in one place: HTTP, CLI and tests know only this.

The only module that wires: it opens the store, makes the performer of outside calls, clock and
chance, and passes them to the runtime.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.core.batch import Answer, Batch, Delivery, Step, Wants
from engine.core.circuit import Circuits
from engine.core.exchange import REF_LENGTH
from engine.core.graph import Graph
from engine.core.message import (
    Callback,
    Delete,
    Kept,
    Message,
    Modify,
    Once,
    Redeliver,
    Rerun,
    Submit,
)
from engine.core.relocation import as_it_goes_on
from engine.core.task import Task
from engine.core.view import process_view, task_view
from engine.definition import Definition, load_files
from engine.errors import (
    EngineError,
    InvalidData,
    UnknownNode,
    UnknownProcess,
    UnknownTask,
)
from engine.outside.performer import Outside
from engine.runtime.addresses import Target
from engine.runtime.calls import Perform
from engine.runtime.clock import Chance, Clock, SystemClock, system_chance
from engine.runtime.engine import Engine
from engine.runtime.group import Group
from engine.runtime.intake import Ticket
from engine.runtime.order import Order
from engine.runtime.plan import Plan, Wish
from engine.runtime.waiters import Waiters, has_stopped
from engine.settings import Settings
from engine.store.interface import Store, TaskQuery
from engine.store.opening import announce, open_store, serving

__all__ = ["Target", "TaskQuery", "Workspace", "has_stopped", "serving"]

LOOK_EVERY_S = 0.25  # how often a task is looked up that another engine may end


class Workspace:
    """One database with its processes and, once started, the engine that moves their tasks."""

    def __init__(
        self, settings: Settings, store: Store, engine: Engine, outside: Outside | None
    ) -> None:
        self.settings = settings
        self._outside = outside
        self._store = store
        self._engine = engine
        self._waiters = Waiters()
        engine.listen(self._waiters.tell)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        perform: Perform | None = None,
        clock: Clock | None = None,
        chance: Chance | None = None,
        read_only: bool = False,
    ) -> "Workspace":
        """Opens the database and reads what processes there are; nothing moves yet.

        Raises:
            StoreError: it can't be opened, or another engine works on it.
        """
        clock = clock or SystemClock()
        store = await open_store(settings.database, read_only=read_only, key_file=settings.key_file)
        outside = None
        circuits = Circuits(settings.circuit_failures, clock.now)
        if perform is None:
            outside = Outside(settings, circuits)
            perform = outside.perform
        engine = Engine(settings, store, clock, chance or system_chance(), perform)
        engine.share(circuits)
        await engine.deployments.load(store)
        return cls(settings, store, engine, outside)

    # Life.

    async def deploy_folder(self, paths: Sequence[Path], *, may_be_missing: bool = False) -> Plan:
        """Puts the processes of these files and folders into force, where they are not yet.

        A version that was gone back from is passed over: only who asks for it puts it back.

        Raises:
            DefinitionError: a file has faults; nothing was changed. It carries all of them.
        """
        if may_be_missing:
            paths = [path for path in paths if path.exists()]
        definitions = load_files(paths).checked()
        versions = self._engine.deployments.versions
        return await self.deploy([each for each in definitions if not versions.was_undone(each)])

    async def deploy(self, definitions: Sequence[Definition]) -> Plan:
        """Puts definitions into force."""
        return await self._engine.deploy(Wish(definitions))

    async def carry_out(self, order: Order, *, is_rehearsal: bool = False) -> Plan:
        """Puts what an order asks for into force; a rehearsal only says what that would do.

        Raises:
            DefinitionError: a file has faults.
            PlanRefused: it can't be done. In both cases nothing was changed.
        """
        wish = order.wish(self._engine.deployments.versions)
        return self._engine.plan(wish) if is_rehearsal else await self._engine.deploy(wish)

    async def start(self, *, is_front: bool = False) -> None:
        """Lets tasks move; in a front only until they would call the outside."""
        await self._engine.start(is_front=is_front)

    @property
    def is_shared(self) -> bool:
        """Whether other engines may work on the same database."""
        return self._store.is_shared

    def announce(self, url: str) -> None:
        """Tells commands on this machine where this engine listens."""
        announce(self.settings.database, url)

    @property
    def public_url(self) -> str:
        """What callback URLs begin with."""
        return self._engine.deployments.addresses.public_url

    def set_public_url(self, url: str) -> None:
        """Sets what callback URLs begin with, once it is known."""
        self._engine.deployments.addresses.public_url = url.rstrip("/")

    async def stop(self) -> None:
        """Finishes what is in hand, then closes the database."""
        await self._engine.stop(self.settings.stop_grace_seconds)
        await self._store.aclose()
        if self._outside is not None:
            await self._outside.aclose()
        self._waiters.cancel()

    async def rest(self) -> None:
        """Waits until every task stands where only time or somebody outside can move it."""
        await self._engine.rest()

    @property
    def is_ready(self) -> bool:
        """Whether requests would be taken and stored now."""
        return self._engine.is_ready

    def listen(self, listener: Callable[[Batch], None]) -> None:
        """Has a function told of every batch that is safe on disk."""
        self._engine.listen(listener)

    # Tasks.

    async def submit(
        self, process: str, data: dict[str, Any], ref: str = "", *, once: Once | None = None
    ) -> Answer:
        """Submits a task; when this returns it is safe on disk.

        Raises:
            RequestError: it was refused; nothing was stored.
            Busy: too much is in the air.
        """
        return await self._request(Submit(process, ref, data, once=once))

    async def submit_many(
        self, process: str, items: Iterable[tuple[str, dict[str, Any], Once | None]]
    ) -> list[Answer | EngineError]:
        """Submits (ref, data, once) each on its own; gives a result for each, in order."""
        group = Group()
        for ref, data, once in items:
            place = group.place()
            try:
                self.ask(Submit(process, ref, data, once=once), place)
            except EngineError as error:
                place.set_result(Answer(place, error=error))
        return await group.results()

    async def is_reused(self, keys: Iterable[Once]) -> bool:
        """Whether one of these idempotency keys was answered for another request."""
        digests = {once.key: once.digest for once in keys}
        found = await self._store.load(Wants(once=set(digests)))
        return any(known.digest != digests[key] for key, known in found.once.items())

    async def ended(self, task_id: str, process: str, timeout_s: float | None) -> Task:
        """Waits until a task has ended, or stands failed where nothing will move it.

        One that ends and is not kept must be waited for before it does; see `has_stopped`.

        Raises:
            WaitedInVain: it did not in the time given.
            UnknownTask: it is not there any more.
        """
        every_s = LOOK_EVERY_S if self.is_shared else None
        return await self._waiters.ended((process, task_id), self._store.task, timeout_s, every_s)

    async def task(self, process: str, ref: str) -> Task:
        """Finds a task by ref or id: the unfinished one, else the newest.

        Raises:
            UnknownProcess: there is no such process.
            UnknownTask: it has no such task.
        """
        self.graph(process)
        task = await self._store.task((process, ref))
        if task is None:
            raise UnknownTask(f"'{process}' has no task '{ref}'")
        return as_it_goes_on(self._engine.deployments, task)

    async def history(self, task: Task) -> list[Step]:
        """Gives the finished visits of a task in order."""
        return await self._store.history(task.task_id)

    async def tasks(self, query: TaskQuery) -> list[Task]:
        """Lists tasks of a process, newest first."""
        self.graph(query.process)
        found = await self._store.tasks(query)
        return [as_it_goes_on(self._engine.deployments, task) for task in found]

    async def modify(self, process: str, ref: str, data: dict[str, Any]) -> Answer:
        """Merges data into a task; one that waits for a callback goes on with it."""
        self.graph(process)
        return await self._request(Modify(process, ref, data))

    async def delete(self, process: str, ref: str) -> Answer:
        """Removes a task."""
        self.graph(process)
        return await self._request(Delete(process, ref))

    async def rerun(
        self, process: str, ref: str, node: str = "", *, once: Once | None = None
    ) -> Answer:
        """Puts a failed task back into the node it failed in, or into another."""
        self.graph(process)
        return await self._request(Rerun(process, ref, node, once=once))

    async def undelivered(self, after: str = "", limit: int = 50) -> list[Kept]:
        """Lists the messages that nobody took."""
        return await self._store.undelivered(after, limit)

    async def redeliver(self, message_id: str, *, once: Once | None = None) -> Answer:
        """Offers an undelivered message to its task once more."""
        return await self._request(Redeliver(message_id, once=once))

    # Callbacks.

    def target(self, hex_id: str, callback_hash: str, conv_id: int | None = None) -> Target:
        """Finds the node that a callback URL leads to.

        Raises:
            NotAllowed: the hash is wrong, or there is nothing there; which of both is not told.
        """
        return self._engine.deployments.addresses.target(hex_id, callback_hash, conv_id)

    async def callback(self, target: Target, body: dict[str, Any], event_key: str = "") -> Delivery:
        """Takes a callback whose body says whom it is for; it is safe on disk when this returns.

        Raises:
            InvalidData: the body names nobody, or a ref that no task can have.
        """
        return await self.deliver(self.addressed(target, body, event_key))

    def addressed(self, target: Target, body: dict[str, Any], event_key: str = "") -> Callback:
        """Makes the message of a callback whose body says whom it is for.

        Raises:
            InvalidData: the body names nobody, or a ref that no task can have.
        """
        try:
            address = target.node.type.address(target.node.settings, body)
        except ValueError as error:
            raise InvalidData(f"bad task id path: {error}") from None
        if address is None:
            raise InvalidData("bad task id path: the node says neither task_id nor ref")
        if len(address.ref) > REF_LENGTH:
            raise InvalidData(f"bad task id path: a ref has at most {REF_LENGTH} characters")
        return Callback(
            target.graph.process, target.node.id, address.task_id, address.ref, body,
            address.is_sync, address.keep, event_key,
        )  # fmt: skip

    async def deliver(self, message: Callback) -> Delivery:
        """Takes a callback that a provider's own form says whom it is for."""
        delivery = (await self._request(message)).delivery
        return delivery or Delivery.KEPT

    def callback_url(self, process: str, node: str, plugin: str = "") -> str:
        """Gives a node's callback URL."""
        graph = self.graph(process)
        found = graph.nodes.get(node)
        if found is None or not found.type.takes_callbacks():
            waiting = [each.id for each in graph.nodes.values() if each.type.takes_callbacks()]
            raise UnknownNode(
                f"'{process}' has no node '{node}' that takes callbacks",
                hint=f"it has: {', '.join(waiting) or 'none'}",
            )
        return self._engine.deployments.callback_url(process, node, plugin)

    # Processes.

    def graph(self, process: str) -> Graph:
        """Gives the version of a process that is in force.

        Raises:
            UnknownProcess: there is none.
        """
        graph = self._engine.deployments.current(process)
        if graph is None:
            raise UnknownProcess(f"there is no process '{process}'")
        return graph

    def graphs(self) -> list[Graph]:
        """Gives every process in force, by alias."""
        rows = sorted(self._engine.deployments.rows(), key=lambda row: row.process)
        found = (self._engine.deployments.current(row.process) for row in rows)
        return [graph for graph in found if graph is not None]

    def definition(self, process: str) -> Definition:
        """Gives a process as its author wrote it."""
        definition = self._engine.deployments.definition(process)
        if definition is None:
            raise UnknownProcess(f"there is no process '{process}'")
        return definition

    def counts(self, process: str) -> dict[str, tuple[int, int]]:
        """Gives for each node of a process how many tasks came in and went out."""
        counts = self._engine.deployments.counts(process)
        left = [node.id for node in self._engine.deployments.left_behind(process)]
        return {node: counts.get(node, (0, 0)) for node in (*self.graph(process).nodes, *left)}

    @property
    def waiting(self) -> int:
        """How many messages wait to be taken into a turn."""
        return len(self._engine.intake)

    @property
    def meter(self) -> Mapping[str, int]:
        """What was counted since the start: tasks, batches, callbacks, calls."""
        return self._engine.meter.values()

    # Shapes.

    def view(self, task: Task) -> dict[str, Any]:
        """Gives the JSON object of a task."""
        return task_view(task, self.graph_of(task), self._engine.deployments.masker)

    def graph_of(self, task: Task) -> Graph | None:
        """Gives the version of its process in which a task moves."""
        return self._engine.deployments.graph(task.process, task.version)

    async def view_processes(self, graphs: Iterable[Graph]) -> list[dict[str, Any]]:
        """Gives the JSON objects of processes, with counts per node and the oldest task's age."""
        oldest = await self._store.oldest_waiting()
        return [
            process_view(
                graph,
                self.counts(graph.process),
                oldest.get(graph.process),
                self._engine.deployments.left_behind(graph.process),
                self._engine.deployments.sums(graph.process),
            )
            for graph in graphs
        ]

    # Inside.

    async def _request(self, message: Message) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.ask(message, future)
        answer = await future
        if answer.error is not None:
            raise answer.error
        return answer

    def ask(self, message: Any, ticket: Ticket) -> None:
        """Hands a message to the engine; the ticket is told after the commit.

        Raises:
            Busy: too much is in the air.
        """
        message.ticket = ticket
        self._engine.intake.offer(message)
