"""A whole engine with its real performers, and what its settings open."""

import random

import pytest
from http_servers import ok

from engine.addresses import LOOPBACK
from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.settings import Settings
from engine.testing.world import VirtualClock
from engine.workspace import Workspace

ASK = """process: ask
params: {url: {type: string, required: true}}
nodes:
  start: {type: start, next: ask}
  ask:
    type: api_call
    method: GET
    url: "{{ url }}"
    response: {answer: "{{ body }}"}
    next: done
    error: what
  what:
    type: condition
    cases:
      - {when: "error.kind == 'hardware' and error.attempt < 3", next: ask}
    else: wrong
  done: {type: end}
  wrong: {type: end, result: error}
"""


@pytest.fixture
async def ask(tmp_path):
    """Opens an engine that allows so much, and gives what became of a call."""
    opened = []

    async def perform(url, *allow):
        workspace = await Workspace.open(
            Settings(database=f"sqlite:///{tmp_path}/engine.db", allow_hosts=allow),
            clock=VirtualClock(),
            chance=random.Random(7),
        )
        opened.append(workspace)
        definition, faults = read_definition(ASK, "ask.yaml", Catalog.installed())
        assert faults == ()
        await workspace.deploy([definition])
        await workspace.start()
        await workspace.submit("ask", {"url": url}, "a")
        await workspace.rest()
        task = await workspace.task("ask", "a")
        return task, await workspace.history(task)

    yield perform
    for each in opened:
        await each.stop()


async def test_a_call_to_a_closed_host_fails_once_and_the_history_says_what_opens_it(ask, serve):
    server = await serve(ok)

    task, history = await ask(f"{server.url}/x?token=secret")

    assert task.node == "wrong"
    assert task.data["__conveyor_api_return_type_error__"] == "software"
    assert task.data["__conveyor_api_return_type_tag__"] == "api_host_not_allowed"
    (failed,) = [each for each in history if each.node == "ask"]
    assert "api_host_not_allowed" in str(failed)
    assert f"GET {server.url} is not called: it is a loopback address" in str(failed)
    assert "allow_hosts in the engine's settings (ENGINE_ALLOW_HOSTS) opens it" in str(failed)
    assert server.connections == 0


async def test_what_the_settings_open_is_called(ask, serve):
    server = await serve(ok)

    task, _ = await ask(server.url, *LOOPBACK)

    assert (task.node, task.data["answer"]) == ("done", "ok")
