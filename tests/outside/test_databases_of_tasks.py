"""A whole engine whose processes ask a database."""

import random
import sqlite3

import pytest

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.settings import Settings
from engine.testing.world import VirtualClock
from engine.workspace import Workspace

ADD = """process: add
nodes:
  start: {type: start, next: add}
  add:
    type: db_call
    connection: shop
    sql: INSERT INTO person (task, name) VALUES (:task, :name) RETURNING name
    params: {task: "{{ root.task_id }}", name: "{{ person.name }}"}
    rows: one
    into: added
    next: list
    error: wrong
  list:
    type: db_call
    connection: CONNECTION
    sql: SELECT name FROM person ORDER BY name
    into: people
    max_rows: 2
    next: done
    error: wrong
  done: {type: end}
  wrong: {type: end, result: error}
"""


@pytest.fixture
def open_workspace(tmp_path):
    opened = []
    shop = sqlite3.connect(tmp_path / "shop.db")
    shop.execute("CREATE TABLE person (task TEXT PRIMARY KEY, name TEXT NOT NULL)")
    shop.close()

    async def open_one(connection="shop"):
        workspace = await Workspace.open(
            Settings(
                database=f"sqlite:///{tmp_path}/engine.db",
                max_task_bytes=5000,
                connections={
                    "shop": f"sqlite:///{tmp_path}/shop.db",
                    "away": "postgresql://anna:sesame@127.0.0.1:1/shop",
                    "own": f"sqlite:///{tmp_path}/engine.db",
                },
            ),
            clock=VirtualClock(),
            chance=random.Random(7),
        )
        opened.append(workspace)
        text = ADD.replace("CONNECTION", connection)
        definition, faults = read_definition(text, "add.yaml", Catalog.installed())
        assert faults == ()
        await workspace.deploy([definition])
        await workspace.start()
        return workspace

    return open_one, opened


@pytest.fixture
async def run(open_workspace):
    open_one, opened = open_workspace

    async def perform(*names, connection="shop"):
        workspace = await open_one(connection)
        for ref, name in enumerate(names):
            await workspace.submit("add", {"person": {"name": name}}, str(ref))
            await workspace.rest()
        return await workspace.task("add", str(len(names) - 1))

    yield perform
    for workspace in opened:
        await workspace.stop()


async def test_rows_go_into_the_data_of_the_task(run):
    task = await run("Anna", "'; DROP TABLE person; --")

    assert task.node == "done"
    assert task.data["added"] == {"name": "'; DROP TABLE person; --"}
    assert task.data["people"] == [{"name": "'; DROP TABLE person; --"}, {"name": "Anna"}]


@pytest.mark.parametrize(
    ("names", "connection", "kind", "tag"),
    [
        ([None], "shop", "software", "executing_error"),
        (["a", "b", "c"], "shop", "software", "size_overflow_limit"),
        (["x" * 4000], "shop", "software", "size_overflow_limit"),
        (["a"], "away", "hardware", "connection_error"),
        (["a"], "own", "hardware", "connection_error"),
        (["a"], "nowhere", "hardware", "connection_error"),
    ],
)
async def test_a_call_that_fails_takes_its_task_to_error(run, names, connection, kind, tag):
    task = await run(*names, connection=connection)

    assert task.node == "wrong"
    assert task.data["__conveyor_db_call_return_type_error__"] == kind
    assert task.data["__conveyor_db_call_return_type_tag__"] == f"db_call_{tag}"
    assert "sesame" not in str(task.data)
