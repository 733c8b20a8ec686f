"""What the clients of a killed engine wrote down, and the judgement after the last restart.

A request counts as accepted when its answer came back; what was not answered is asked again, with
the same key, until it is.
"""

import asyncio
import itertools
import random
from collections import Counter

from engine.core.task import TaskState
from engine.settings import Settings
from engine.store.interface import TaskQuery
from engine.workspace import Workspace
from tests.promises.killed_engine import CALLBACKS, answered

AT_ONCE = 24
STUCK_AFTER_S = 120
"""They end within a second; what has not by then is stuck."""


class Clients:
    """Eight clients' worth of orders: submits, callbacks in order, some of them early."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.names = itertools.count()
        self.asked = {}  # request number -> (kind, ref, n)
        self.numbers = itertools.count(1)
        self.accepted = set()  # (kind, ref, n)
        self.open = {}  # ref -> (n of the order, what is to be asked next, in order)

    @property
    def orders(self):
        """The refs of all orders that were accepted."""
        return {ref for kind, ref, _ in self.accepted if kind == "order"}

    def begin(self, number):
        """Thinks of so many new orders."""
        for _ in range(number):
            ref, value = f"o{next(self.names)}", self.chance.randrange(1000)
            steps = [("callback", ref, n) for n in range(CALLBACKS)]
            # A callback may come before its order: 0 to 3 of them do.
            steps.insert(self.chance.choice([0, 0, 0, 1, 2, 3]), ("order", ref, value))
            self.open[ref] = steps

    def requests(self):
        """Gives what is to be asked now: one thing an order, and not too much at once."""
        busy = {ref for _, ref, _ in self.asked.values()}
        for ref in list(self.open):
            if len(self.asked) >= AT_ONCE:
                return
            if ref not in busy:
                number = next(self.numbers)
                self.asked[number] = self.open[ref][0]
                yield (number, *self.asked[number])

    def hear(self, number, answer):
        """Writes down an answer."""
        request = self.asked.pop(number)
        if answer != "ok":
            raise AssertionError(f"{request} was refused: {answer}")
        self.accepted.add(request)
        steps = self.open[request[1]]
        steps.remove(request)
        if not steps:
            del self.open[request[1]]

    def forget_questions(self):
        """The engine is dead: what was not answered is to be asked again."""
        self.asked.clear()


async def judge(database, clients):
    """Opens the database once more, lets everything end, and holds it against the record."""
    workspace = await Workspace.open(Settings(database=database), perform=answered)
    await workspace.start()
    try:
        async with asyncio.timeout(STUCK_AFTER_S):
            orders = await _ended(workspace, len(clients.orders))
        assert await workspace._store.check() == []
        assert await workspace.undelivered() == []
        assert {task.ref for task in orders} == clients.orders
        values = {ref: n for kind, ref, n in clients.accepted if kind == "order"}
        for task in orders:
            await _judge_order(workspace, task, values[task.ref])
        await _judge_others(workspace, clients)
        _judge_counts(workspace, await _standing(workspace))
    finally:
        await workspace.stop()


async def _ended(workspace, number):
    """Waits until every order, and what it made, has ended."""
    while True:
        orders = await _all(workspace, "order")
        rest = [task for task in orders if not task.is_finished]
        others = [
            task
            for process in ("note", "price")
            for task in await _all(workspace, process)
            if not task.is_finished
        ]
        if len(orders) == number and not rest and not others:
            return orders
        stuck = [task for task in rest if task.state in (TaskState.PARKED, TaskState.HELD)]
        assert not stuck, stuck
        assert len(orders) == number, "an accepted order is not there"
        await asyncio.sleep(0.01)


async def _all(workspace, process):
    found, after = [], ""
    while page := await workspace.tasks(TaskQuery(process, limit=1000, after=after)):
        found.extend(page)
        after = page[-1].task_id
    return found


async def _judge_order(workspace, task, value):
    steps = await workspace.history(task)
    way = [step.node for step in steps]
    assert task.state is TaskState.SUCCESS, (task, way)
    # Each callback was consumed exactly once, and in order.
    assert task.data["got"] == list(range(CALLBACKS)), task
    assert task.data["price"] == 2 * value
    # Each move was made exactly once: visits are counted without a gap or a repeat.
    assert [step.visit for step in steps] == list(range(1, task.visit + 1)), way
    assert way == [
        "start", "note", "price", "tell", *["wait", "add", "last"] * CALLBACKS, "done",
    ]  # fmt: skip


async def _judge_others(workspace, clients):
    notes = Counter(task.data["order"] for task in await _all(workspace, "note"))
    assert notes == Counter(clients.orders)
    prices = Counter(task.data["__rpc_ref_id__"] for task in await _all(workspace, "price"))
    assert prices == Counter(clients.orders)


async def _standing(workspace):
    standing = Counter()
    for process in ("order", "note", "price"):
        standing.update((task.process, task.node) for task in await _all(workspace, process))
    return standing


def _judge_counts(workspace, standing):
    for process in ("order", "note", "price"):
        for node, (came, went) in workspace.counts(process).items():
            assert came - went == standing[process, node], (process, node)
