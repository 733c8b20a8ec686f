"""A state diagram with very many entities is where a model says it is, and can be read elsewhere.

An entity has four levers of three positions, and each client turns one of them. What two clients do
to an entity commutes, what one client does to it does not: the model needs no order between
clients, and finds out if the order of one of them was not kept.

`ENGINE_TEST_ENTITIES` sets how many there are (2,000), `ENGINE_TEST_SEED` repeats a run.
"""

import asyncio
import itertools
import os
import random

import pytest

from engine.core.message import Modify
from engine.runtime.group import Group
from engine.store.interface import TaskQuery

ENTITIES = int(os.environ.get("ENGINE_TEST_ENTITIES", "2000"))
SEED = os.environ.get("ENGINE_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
TIMES = 10
CLIENTS = "abcd"
AT_ONCE = 100
READ = """
process: read
nodes:
  start: {type: start, next: look}
  look: {type: set_parameter, set: {seen: "{{ task('levers', entity) }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""

pytestmark = pytest.mark.slow


def turned(position, turn):
    """Gives where a lever is after it was turned; at its ends it stays."""
    return min(max(position + (1 if turn == "up" else -1), 0), 2)


def diagram():
    """Writes the process: a state for each way in which the four levers can stand."""
    lines = [
        "process: levers", "kind: state", "nodes:",
        "  start: {type: start, next: go_0000}", "  bad: {type: end, result: error}",
    ]  # fmt: skip
    for levers in itertools.product(range(3), repeat=len(CLIENTS)):
        name = "".join(map(str, levers))
        lines.append(
            f"  go_{name}: {{type: set_parameter, set: {{stands: '{name}'}}, next: at_{name},"
            " error: bad}"
        )
        lines.append(f"  at_{name}: {{type: set_state, cases: [")
        for (at, lever), turn in itertools.product(enumerate(CLIENTS), ("up", "down")):
            to = turned(levers[at], turn)
            if to != levers[at]:
                there = name[:at] + str(to) + name[at + 1 :]
                when = f"lever == '{lever}' and turn == '{turn}'"
                lines.append(f'    {{when: "{when}", next: go_{there}}},')
        lines.append("  ]}")
    return "\n".join(lines)


class Model:
    """What every entity is to be like in the end."""

    def __init__(self, chance):
        self.levers = [[0] * len(CLIENTS) for _ in range(ENTITIES)]
        self.last = [dict.fromkeys(CLIENTS, 0) for _ in range(ENTITIES)]
        self.moves = [0] * ENTITIES
        order = list(range(ENTITIES)) * TIMES
        chance.shuffle(order)
        self.changes = {client: [] for client in CLIENTS}
        for entity in order:
            self._change(entity, chance.choice(CLIENTS), chance.choice(("up", "up", "down")))

    def _change(self, entity, client, turn):
        at, levers = CLIENTS.index(client), self.levers[entity]
        number = self.last[entity][client] = self.last[entity][client] + 1
        there = turned(levers[at], turn)
        self.moves[entity] += there != levers[at]
        levers[at] = there
        self.changes[client].append((entity, {"lever": client, "turn": turn, client: number}))

    def end(self, entity):
        """Gives where the levers stand, and the last number that was heard from each client."""
        heard = {client: number for client, number in self.last[entity].items() if number}
        return "".join(map(str, self.levers[entity])), heard


async def turn_levers(workspace, changes):
    """One client: asks for its changes in order, some at once, and hears each answer."""
    for part in _parts(changes):
        group = Group()
        for entity, data in part:
            workspace.ask(Modify("levers", f"e{entity}", data), group.place())
        answers = await group.results()
        assert not [answer for answer in answers if isinstance(answer, Exception)]


def _parts(items):
    """Gives some at once; `itertools.batched` is not in Python 3.11."""
    left = iter(items)
    while part := list(itertools.islice(left, AT_ONCE)):
        yield part


def end_of(task):
    """Gives the same of a task as the model of an entity."""
    return task["stands"], {client: task[client] for client in CLIENTS if client in task}


async def all_of(workspace, process):
    after = ""
    while page := await workspace.tasks(TaskQuery(process, limit=1000, after=after)):
        after = page[-1].task_id
        for task in page:
            yield task


async def test_every_entity_of_a_state_diagram_is_where_a_model_says(opened):
    print(f"to repeat: ENGINE_TEST_SEED={SEED} ENGINE_TEST_ENTITIES={ENTITIES}")
    model = Model(random.Random(SEED))
    workspace = await opened(diagram(), READ)
    entities = range(ENTITIES)
    for part in _parts(entities):
        await workspace.submit_many("levers", [(f"e{entity}", {}, None) for entity in part])

    await asyncio.gather(*(turn_levers(workspace, each) for each in model.changes.values()))
    for part in _parts(entities):
        reads = [(f"r{entity}", {"entity": f"e{entity}"}, None) for entity in part]
        await workspace.submit_many("read", reads)

    found = 0
    async for task in all_of(workspace, "levers"):
        entity, found = int(task.ref[1:]), found + 1
        assert end_of(task.data) == model.end(entity), task
        # Every move was made once: a state and the node before it.
        assert (task.node, task.visit) == (
            f"at_{task.data['stands']}", 3 + 2 * model.moves[entity],
        )  # fmt: skip
    read = 0
    async for task in all_of(workspace, "read"):
        read += 1
        assert end_of(task.data["seen"]) == model.end(int(task.ref[1:])), task
    assert (found, read) == (ENTITIES, ENTITIES)
