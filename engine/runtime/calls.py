"""Outside calls after the commit: at most `max_threads` a node at once, results to the intake.

Several engines on one database divide a node's threads among them.

A node's line in memory is bounded. What does not fit waits on disk, where its task stands CALLING
anyway, and is fetched when the line gets short.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from engine.core.batch import Call
from engine.core.command import CallFailed, CallFailure, CallResult, OutsideCommand
from engine.core.message import Continue, Result, Unsent
from engine.runtime.intake import Intake
from engine.runtime.masked import told
from engine.store.interface import Store

log = logging.getLogger("engine.calls")

Perform = Callable[[OutsideCommand], Awaitable[CallResult]]
Visit = tuple[str, int]
LINE = 2000


class _Node:
    """The calls of one node."""

    __slots__ = ("is_overfull", "line", "out")

    def __init__(self) -> None:
        self.line: deque[Call] = deque()
        self.out = 0
        self.is_overfull = False


class Calls:
    """Carries out outside calls."""

    def __init__(self, perform: Perform, intake: Intake, store: Store, *, line: int = LINE) -> None:
        self._perform = perform
        self._intake = intake
        self._store = store
        self._line = line
        self._nodes: dict[tuple[str, str], _Node] = {}
        self._known: set[Visit] = set()
        self._answered: set[Visit] = set()
        self._out: dict[Visit, asyncio.Task[None]] = {}
        self._helpers: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._workers, self._rank = 1, 0

    def share(self, workers: int, rank: int) -> None:
        """Takes this engine's part of every node's threads, as the one of this rank of so many."""
        self._workers, self._rank = workers, rank
        for node in self._nodes.values():
            self._send(node)

    def _threads(self, max_threads: int) -> int:
        """Gives this engine's part; with more engines than threads each has one."""
        threads, left = divmod(max_threads, self._workers)
        return max(threads + (self._rank < left), 1)

    def knows(self, task_id: str, visit: int) -> bool:
        """Whether the call of this visit is in line or out, or its answer is not written yet."""
        return (task_id, visit) in self._known or (task_id, visit) in self._answered

    def __len__(self) -> int:
        return len(self._known)

    def start(self, calls: Iterable[Call]) -> None:
        """Puts calls in line and sends those whose turn it is."""
        for call in calls:
            visit = (call.task_id, call.visit)
            node = self._nodes.setdefault((call.process, call.node), _Node())
            if self.knows(*visit):
                continue
            if self._is_stopping:
                self._intake.put([Unsent(*visit)])
                continue
            if len(node.line) >= self._line:
                node.is_overfull = True
                continue
            self._known.add(visit)
            node.line.append(call)
            self._send(node)

    def heard(self, visits: Iterable[Visit]) -> None:
        """Is told that the answers to these calls were taken, and what came of them written.

        Until then the same call, asked for by a message that was on its way before the answer,
        is not made again.
        """
        self._answered.difference_update(visits)

    def cancel(self, visits: Iterable[Visit]) -> None:
        """Gives up calls whose task has left; one in line is passed over when its turn comes."""
        for visit in visits:
            self._known.discard(visit)
            running = self._out.get(visit)
            if running is not None:
                running.cancel()

    def _send(self, node: _Node) -> None:
        while node.line and not self._is_stopping:
            call = node.line[0]
            if node.out >= self._threads(call.command.max_threads):
                return
            node.line.popleft()
            visit = (call.task_id, call.visit)
            if visit not in self._known:
                continue
            node.out += 1
            running = self._out[visit] = asyncio.create_task(self._carry_out(call, visit))
            # Not at the end of the coroutine: one that is cancelled at once never begins.
            running.add_done_callback(partial(self._go_on, node, call, visit))

    async def _carry_out(self, call: Call, visit: Visit) -> None:
        try:
            result = await self._perform(call.command)
        except Exception as error:  # noqa: BLE001 -- a fault of ours ends one task's call
            text = told(error, call.masker)
            log.error("a call of '%s' in '%s' broke\n%s", call.node, call.process, text)  # noqa: TRY400 -- masked
            result = CallFailed(CallFailure.INTERNAL, "a fault of the engine; the log has details")
        if visit in self._known:
            self._known.remove(visit)
            self._answered.add(visit)
        self._intake.put([Result(call.task_id, call.visit, result)])

    def _go_on(self, node: _Node, call: Call, visit: Visit, _: object) -> None:
        """Lets the next ones out in the place of a call that came back or was given up."""
        node.out -= 1
        self._out.pop(visit, None)
        self._send(node)
        if node.is_overfull and len(node.line) < max(self._line // 2, 1) and not self._is_stopping:
            node.is_overfull = False
            self._help(self._fetch(call.process, call.node))

    def _help(self, work: Awaitable[None]) -> None:
        helper = asyncio.ensure_future(work)
        self._helpers.add(helper)
        helper.add_done_callback(self._helpers.discard)

    async def _fetch(self, process: str, name: str) -> None:
        """Takes tasks that wait on disk into the line: each enters its node again, and asks."""
        after, fetched = "", 0
        while fetched < self._line // 2:
            walks = await self._store.calling(process, name, after, self._line)
            if not walks:
                return
            after = walks[-1].task_id
            new = [walk for walk in walks if not self.knows(walk.task_id, walk.visit)]
            new = new[: self._line // 2 - fetched]
            fetched += len(new)
            self._intake.put(Continue(walk.task_id, walk.visit) for walk in new)
        self._nodes[process, name].is_overfull = True

    async def rest(self) -> None:
        """Waits until nothing is out."""
        while self._out or self._helpers:
            await asyncio.wait([*self._out.values(), *self._helpers])

    async def stop(self, grace_s: float) -> None:
        """Sends nothing more and lets what is out come back for a while.

        What is not back by then is cut off; its task stands CALLING and is found at the start.
        """
        self._is_stopping = True
        self._intake.put(
            Unsent(call.task_id, call.visit)
            for node in self._nodes.values()
            for call in node.line
            if (call.task_id, call.visit) in self._known
        )
        if self._out:
            await asyncio.wait(list(self._out.values()), timeout=grace_s)
        leftover = [*self._out.values(), *self._helpers]
        for running in leftover:
            running.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        await self._unsent_on_disk()

    async def _unsent_on_disk(self) -> None:
        """Says of what an overfull line left on disk that it was not sent."""
        for (process, name), node in self._nodes.items():
            after = ""
            while node.is_overfull and (
                walks := await self._store.calling(process, name, after, self._line)
            ):
                after = walks[-1].task_id
                visits = [(walk.task_id, walk.visit) for walk in walks]
                self._intake.put(Unsent(*visit) for visit in visits if visit not in self._known)
                await self._intake.worked_off(self._line)
