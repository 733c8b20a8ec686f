"""A state diagram with many tasks: each ends where a model of it says, whoever modified it when.

`ENGINE_TEST_ENTITIES` sets how many; 100,000 take about four minutes.
"""

import asyncio
import os
from random import Random

import pytest

ENTITIES = int(os.environ.get("ENGINE_TEST_ENTITIES", "1000"))
TIMES = 10
CLIENTS = 4
AT_ONCE = 100
STATES = 5
EVENTS = 4

pytestmark = pytest.mark.slow

READER = """
process: reader
params: {entity: {type: string, required: true}}
nodes:
  start: {type: start, next: look}
  look:
    type: set_parameter
    set: {last: "{{ task('diagram', entity).event }}", times: "{{ task('diagram', entity).number }}"}
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
"""


def machine(chance):
    """A table of where an event leads from a state; where it says nothing the task stays."""
    return {
        (state, event): chance.randrange(STATES)
        for state in range(STATES)
        for event in range(EVENTS)
        if chance.random() < 0.8
    }


def diagram(table):
    nodes = "".join(
        f"  s{state}:\n    type: set_state\n    cases:\n"
        + "".join(
            f"      - {{when: event == {event}, next: s{after}}}\n"
            for (before, event), after in table.items()
            if before == state
        )
        for state in range(STATES)
    )
    return f"process: diagram\nkind: state\nnodes:\n  start: {{type: start, next: s0}}\n{nodes}"


class Model:
    """Where each entity must stand, by the order in which its modifications were asked for."""

    def __init__(self, table):
        self._table = table
        self.states = [0] * ENTITIES
        self.events = [None] * ENTITIES
        self.times = [0] * ENTITIES
        self.turns = {}

    async def modify(self, workspace, entity, event):
        """One after the other for one entity: else nobody could say in which order they came."""
        async with self.turns.setdefault(entity, asyncio.Lock()):
            self.times[entity] += 1
            number = self.times[entity]
            await workspace.modify("diagram", f"e{entity}", {"event": event, "number": number})
            state = self.states[entity]
            self.states[entity] = self._table.get((state, event), state)
            self.events[entity] = event


async def in_portions(work):
    """Does so much at once, as a client with so many connections."""
    for first in range(0, len(work), AT_ONCE):
        await asyncio.gather(*(each() for each in work[first : first + AT_ONCE]))


async def test_entities_that_many_modify_end_where_a_model_says(opened):
    chance = Random(4)
    table = machine(chance)
    model = Model(table)
    workspace = await opened(diagram(table), READER)
    await in_portions(
        [lambda n=n: workspace.submit("diagram", {}, f"e{n}") for n in range(ENTITIES)]
    )
    asked = [(entity, chance.randrange(EVENTS)) for entity in range(ENTITIES) for _ in range(TIMES)]
    chance.shuffle(asked)

    await asyncio.gather(
        *(
            in_portions([lambda each=each: model.modify(workspace, *each) for each in part])
            for part in (asked[client::CLIENTS] for client in range(CLIENTS))
        )
    )

    for entity in range(ENTITIES):
        task = await workspace.task("diagram", f"e{entity}")
        assert (task.node, task.data) == (
            f"s{model.states[entity]}",
            {"event": model.events[entity], "number": TIMES},
        )
    for entity in chance.sample(range(ENTITIES), 100):
        read = await workspace.submit("reader", {"entity": f"e{entity}"}, f"r{entity}")
        assert read.task.data == {
            "entity": f"e{entity}",
            "last": model.events[entity],
            "times": TIMES,
        }
