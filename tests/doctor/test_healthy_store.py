"""Whatever people, services and time do to an engine that works, the examination finds nothing."""

import asyncio
import contextlib
import random

import pytest

from engine.errors import EngineError
from engine.workspace import TaskQuery
from tests.doctor.conftest import ALL, faults

DEEDS = 400


class Crowd:
    """Everybody who uses an engine, by chance; each deed is one that may be refused."""

    def __init__(self, workspace, clock, chance):
        self.workspace = workspace
        self.clock = clock
        self.chance = chance
        self.refs = 0

    async def one_deed(self):
        deeds = (
            self.submit, self.submit, self.submit, self.call_back, self.call_back, self.modify,
            self.delete, self.rerun, self.wait, self.parcel,
        )  # fmt: skip
        with contextlib.suppress(EngineError):
            await self.chance.choice(deeds)()

    async def submit(self):
        process = self.chance.choice(("shop", "patient", "pause", "ask", "line", "taker", "web"))
        self.refs += 1
        data = {
            "shop": {"note": "x" * self.chance.randrange(200)},
            "ask": {"wanted": self.chance.randrange(9)},
            "web": {"what": self.chance.choice(("fine", "bad", "broken"))},
        }.get(process, {"n": self.refs, "odd": '"wait":"reply", "caller":{"task_id":"'})
        await self.workspace.submit(process, data, f"r{self.chance.randrange(self.refs + 5)}")

    async def call_back(self):
        graph = self.workspace.graph("shop")
        node_hash = self.workspace.callback_url("shop", "wait").rsplit("/", 1)[1]
        target = self.workspace.target(graph.nodes["wait"].hex_id, node_hash)
        ref = f"r{self.chance.randrange(self.refs + 20)}"
        await self.workspace.callback(target, {"id": ref}, self.chance.choice(("", "e1", "e2")))

    async def parcel(self):
        ref = f"p{self.chance.randrange(5)}"
        with contextlib.suppress(EngineError):
            await self.workspace.submit("parcel", {}, ref)
        event = self.chance.choice(("home", "away", "over"))
        await self.workspace.modify("parcel", ref, {"event": event})

    async def modify(self):
        process, ref = await self.somebody()
        await self.workspace.modify(process, ref, {"note": "new"})

    async def delete(self):
        await self.workspace.delete(*await self.somebody())

    async def rerun(self):
        process, ref = await self.somebody()
        await self.workspace.rerun(process, ref, self.chance.choice(("", "start", "done")))

    async def wait(self):
        self.clock.advance(self.chance.choice((1, 60, 900)))
        await asyncio.sleep(0)

    async def somebody(self):
        process = self.chance.choice(("shop", "patient", "pause", "ask", "answer", "line", "web"))
        tasks = await self.workspace.tasks(TaskQuery(process, limit=20))
        return process, self.chance.choice(tasks).ref if tasks else "nobody"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_store_that_was_used_at_random_is_clean(seed, opened, clock, examined):
    workspace = await opened(*ALL)
    crowd = Crowd(workspace, clock, random.Random(seed))

    for _ in range(DEEDS):
        await crowd.one_deed()
        if crowd.chance.random() < 0.01:
            await workspace._engine._housekeeping.expire()
        if crowd.chance.random() < 0.005:
            clock.advance(40 * 86_400)
            await workspace._engine._housekeeping.forget()
    await workspace.rest()
    beside = await examined()
    await opened.close(workspace)
    after = await examined()

    assert faults(beside) == []
    assert faults(after) == []
    assert after.tasks >= 10


async def test_a_store_of_which_an_engine_was_cut_off_is_clean(opened, examined, clock):
    async def never(command):
        await asyncio.Event().wait()

    workspace = await opened(*ALL, perform=never)
    for number in range(20):
        await workspace.submit("web", {"what": "fine"}, f"r{number}")
    await opened.close(workspace)

    assert faults(await examined()) == []


async def test_the_examination_is_of_one_moment_while_tasks_move(opened, examined):
    workspace = await opened(*ALL)

    async def work():
        for number in range(300):
            await workspace.submit("shop", {}, f"r{number}")
            if number % 2:
                await workspace.modify("shop", f"r{number}", {"note": "y"})

    working = asyncio.create_task(work())
    looks = [await examined() for _ in range(5)]
    await working

    assert [fault for look in looks for fault in faults(look)] == []
