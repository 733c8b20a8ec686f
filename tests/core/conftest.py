"""A board to play turns on: processes as YAML, real nodes, a real SQLite store in memory."""

import dataclasses
from collections import Counter

import pytest

from engine.core.batch import Delivery, Limits
from engine.core.command import HttpAnswer
from engine.core.graph import Place, ProcessStatus
from engine.core.message import Alarm, Callback, Continue, Result, Submit
from engine.core.turn import Turn
from engine.definition import Catalog, compile_graph, read_definition
from engine.store.opening import open_store


class Board:
    """The world of a turn, and its store; every turn is committed."""

    def __init__(self, store, *texts, limits=None):
        self.store = store
        self.limits = limits or Limits()
        self.variables = {"PLACE": "Kyiv"}
        self.now = 1_700_000_000_000_000
        self.graphs = {}
        self.counts = {}
        self.sums = Counter()
        self._last_id = self.now
        for number, text in enumerate(texts, start=1):
            definition, faults = read_definition(text, "test.yaml", Catalog.installed())
            assert not [fault for fault in faults if fault.is_error], faults
            graph = compile_graph(definition, version=1, conv_id=1000 + number)
            self.graphs[graph.process] = graph

    def current(self, process):
        return self.graphs.get(process)

    def graph(self, process, version):
        return self.graphs.get(process)

    def place(self, process, version, node):
        graph = self.graphs.get(process)
        return Place(graph, node) if graph and node in graph.nodes else None

    def named_now(self, process, node):
        return node

    def random_bits(self, count):
        return 2 ** (count - 1)

    def next_id(self):
        self._last_id += 1
        return f"{self._last_id:024x}"

    makes_calls = True

    def standing(self, process, node):
        came, went = self.counts.get((process, node), (0, 0))
        return came - went

    def sum(self, key):
        return self.sums[key]

    def callback_url(self, process, node, plugin):
        return f"http://engine.example/{process}/{node}/{plugin}"

    async def turn(self, *messages):
        """Plays one turn, commits it, and plays on what it leaves to be continued."""
        turn = Turn(self, self.now)
        turn.take(messages)
        while wants := turn.run():
            turn.supply(await self.store.load(wants))
        batch = turn.close()
        await self.store.commit(batch)
        for key, (came, went) in batch.counts.items():
            before = self.counts.get(key, (0, 0))
            self.counts[key] = (before[0] + came, before[1] + went)
        self.sums.update(batch.sums)
        return batch

    async def submit(self, process, data=None, ref=""):
        """Submits one task; gives the task, or the error it was refused with."""
        batch = await self.turn(Submit(process, ref, dict(data or {}), ticket="me"))
        return batch.answers[0].error or batch.answers[0].task

    async def task(self, process, ref):
        return await self.store.task((process, ref))

    async def path(self, task):
        steps = await self.store.history(task.task_id)
        return [(step.node, step.by) for step in steps]

    async def callback(self, process, node, ref, data=None, **more):
        batch = await self.turn(callback(process, node, ref, data, **more))
        return batch.answers[0].delivery

    async def answer(self, task, status, body):
        """Lets the call of a task come back with an answer."""
        result = HttpAnswer(status, (("content-type", "application/json"),), body)
        return await self.turn(Result(task.task_id, task.visit, result))

    def pause(self, process):
        """Pauses a process; gives its graph as it was."""
        active = self.graphs[process]
        self.graphs[process] = dataclasses.replace(active, status=ProcessStatus.PAUSED)
        return active

    async def go_on(self):
        """Takes on what stands READY, as the engine does at its start."""
        walks = await self.store.walks(2**60, "", 1000)
        return await self.turn(*(Continue(walk.task_id, walk.visit) for walk in walks))

    async def pass_time(self, seconds):
        """Lets time pass and rings what is due."""
        self.now += round(seconds * 1_000_000)
        due = await self.store.due(self.now + 1, 1000)
        return await self.turn(*(Alarm(each.task_id, each.visit) for each in due))


def callback(process, node, ref, data=None, *, task_id="", is_sync=False, key="", rank=0):
    keep = 3600 * 1_000_000
    return Callback(
        process, node, task_id, ref, dict(data or {}), is_sync, keep, key, rank, ticket="sender"
    )


@pytest.fixture
async def store():
    opened = await open_store("sqlite://")
    yield opened
    await opened.aclose()


@pytest.fixture
def board(store):
    def make(*texts, **more):
        return Board(store, *texts, **more)

    return make


__all__ = ["Board", "Delivery", "callback"]
