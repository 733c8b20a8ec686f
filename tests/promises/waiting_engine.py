"""Measures itself while a hundred thousand tasks wait: run as a module, it prints JSON."""

import asyncio
import gc
import json
import sys

import psutil

from engine.core.command import HttpAnswer
from engine.core.task import Task
from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.settings import Settings
from engine.workspace import Workspace

WAIT = """
process: wait
history: none
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 30d, next: done}, next: done}
  done: {type: end}
"""
AT_ONCE = 1000
WARM = 120_000
"""Tasks before the measurement: until then the database's own cache, which is bounded, fills."""


async def answered(command):
    return HttpAnswer(200, (), b"{}")


def resident_mb():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def tasks_in_memory():
    gc.unfreeze()
    gc.collect()
    return sum(isinstance(each, Task) for each in gc.get_objects())


async def opened(database):
    workspace = await Workspace.open(Settings(database=database), perform=answered)
    definition, _ = read_definition(WAIT, "wait.yaml", Catalog.installed())
    await workspace.deploy([definition])
    return workspace


async def submit(workspace, first, number):
    for start in range(first, first + number, AT_ONCE):
        items = [
            (f"r{n}", {"number": n, "text": "x" * 50}, None) for n in range(start, start + AT_ONCE)
        ]
        await workspace.submit_many("wait", items)


async def fill(database, number):
    """Lets tasks wait, and says by how much the process grew."""
    workspace = await opened(database)
    await workspace.start()
    await submit(workspace, 0, WARM)
    before = resident_mb()
    await submit(workspace, WARM, number)
    found = {"grew_mb": resident_mb() - before, "tasks": tasks_in_memory()}
    await workspace.stop()
    return found


class Reads:
    """Counts the rows that the engine reads of a store at its start."""

    def __init__(self, store):
        self.rows = 0
        for name in ("due", "walks", "calling", "expired", "tasks"):
            setattr(store, name, self.counted(getattr(store, name)))

    def counted(self, method):
        async def read(*args):
            found = await method(*args)
            self.rows += len(found)
            return found

        return read


async def reopen(database):
    """Opens the database again, and says what that cost."""
    small = await opened("sqlite://")
    await small.start()
    await small.stop()
    before = resident_mb()
    workspace = await Workspace.open(Settings(database=database), perform=answered)
    reads = Reads(workspace._store)
    await workspace.start()
    await workspace.submit("wait", {}, "one more")
    await workspace.rest()
    standing = workspace.counts("wait")["wait"]
    found = {
        "grew_mb": resident_mb() - before,
        "tasks": tasks_in_memory(),
        "rows": reads.rows,
        "standing": standing[0] - standing[1],
    }
    await workspace.stop()
    return found


if __name__ == "__main__":
    what, where, how_many = sys.argv[1:]
    work = fill(where, int(how_many)) if what == "fill" else reopen(where)
    print(json.dumps(asyncio.run(work)))
