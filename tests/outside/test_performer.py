"""A whole engine with its real performers: scripts of a process, run and judged."""

import random

import pytest

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.settings import Settings
from engine.testing.world import VirtualClock
from engine.workspace import Workspace

PRICE = """process: price
nodes:
  start: {type: start, next: work}
  work:
    type: code
    source: |
      if (data.wrong) eval(data.wrong);
      data = {total: data.items.reduce((sum, item) => sum + item, 0), of: data.__root.ref};
    time_limit: 1s
    next: done
    error: wrong
  done: {type: end}
  wrong: {type: end, result: error}
"""


@pytest.fixture
async def workspace(tmp_path):
    opened = await Workspace.open(
        Settings(database=f"sqlite:///{tmp_path}/engine.db", max_task_bytes=5000),
        clock=VirtualClock(),
        chance=random.Random(7),
    )
    definition, faults = read_definition(PRICE, "price.yaml", Catalog.installed())
    assert faults == ()
    await opened.deploy([definition])
    await opened.start()
    yield opened
    await opened.stop()


async def test_a_script_replaces_the_data_of_its_task(workspace):
    await workspace.submit("price", {"items": [1, 2, 3]}, "order-1")
    await workspace.rest()

    task = await workspace.task("price", "order-1")

    assert (task.node, task.data) == ("done", {"total": 6, "of": "order-1"})


@pytest.mark.parametrize(
    ("source", "tag", "kind"),
    [
        ("while (true) {}", "code_timeout", "hardware"),
        ("null.x", "code_executing_error", "software"),
        (
            "var a = []; while (true) a.push(new Array(1e4).fill(1))",
            "code_memory_limit",
            "hardware",
        ),
        ("data.items = ['x'.repeat(9000)]", "code_return_size_overflow", "software"),
    ],
)
async def test_a_script_that_fails_fails_its_own_task(workspace, source, tag, kind):
    await workspace.submit("price", {"items": [1], "wrong": source}, "bad")
    await workspace.submit("price", {"items": [1]}, "good")
    await workspace.rest()

    bad, good = [await workspace.task("price", ref) for ref in ("bad", "good")]

    assert good.node == "done"
    assert bad.node == "wrong"
    assert bad.data["__conveyor_code_return_type_tag__"] == tag
    assert bad.data["__conveyor_code_return_type_error__"] == kind
