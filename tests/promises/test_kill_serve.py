"""`kill -9` of a real `engine serve`, with clients over HTTP; judged as in `test_kill`."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import engine
from engine.settings import Settings
from engine.workspace import Workspace
from tests.promises import killed_engine
from tests.promises.records import Clients, judge

# Each costs a start of Python, which is most of it: the many kills are in `test_kill`.
KILLS = max(int(os.environ.get("ENGINE_TEST_KILLS", "200")) // 50, 1)
SEED = os.environ.get("ENGINE_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
NEW_ORDERS = 40
LONGEST_LIFE_S = 0.5
URL = re.compile(r"http://\S+")

pytestmark = pytest.mark.slow


class Server:
    """One life of `engine serve`."""

    def __init__(self, database, folder):
        command = ("serve", "--port", "0", "--database", database, "--processes", str(folder))
        root = str(Path(engine.__file__).parents[1])
        self.process = subprocess.Popen(
            (sys.executable, "-m", "engine", *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        said = self.process.stdout.readline()
        found = URL.search(said)
        assert found, said
        self.url = found[0]

    def end(self, with_signal):
        self.process.send_signal(with_signal)
        with self.process as process:
            process.wait()
        return self.process.returncode


async def callback_path(database):
    """Asks the database beside the engine where callbacks go."""
    workspace = await Workspace.open(Settings(database=database), read_only=True)
    try:
        return workspace.callback_url("order", "wait").partition("/api/")[2]
    finally:
        await workspace.stop()


async def talk(server, path, clients, life_s):
    """Lets the clients ask until the server is killed."""
    asking = set()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as http:
        loop = asyncio.get_running_loop()
        until = loop.time() + life_s
        while loop.time() < until and clients.open:
            for request in clients.requests():
                asking.add(asyncio.create_task(ask(http, path, clients, *request)))
            _, asking = await asyncio.wait(
                asking, timeout=max(until - loop.time(), 0), return_when=asyncio.FIRST_COMPLETED
            )
        if life_s < 60:
            assert server.end(signal.SIGKILL) == -9
        await asyncio.gather(*asking)
    clients.forget_questions()


async def ask(http, path, clients, number, kind, ref, n):
    key = {"Idempotency-Key": ref if kind == "order" else f"{ref}/{n}"}
    try:
        if kind == "order":
            task = {"ref": ref, "data": {"number": n}}
            answer = await http.post("/v1/processes/order/tasks", json=task, headers=key)
            is_accepted = answer.status_code == 201
        else:
            answer = await http.post(f"/api/{path}", json={"id": ref, "n": n}, headers=key)
            is_accepted = answer.status_code == 200 and answer.json()["ops"][0]["proc"] == "ok"
    except httpx.TransportError:
        return
    clients.hear(number, "ok" if is_accepted else answer.text)


async def test_nothing_acknowledged_over_http_is_lost_and_nothing_happens_twice(tmp_path):
    print(f"to repeat: ENGINE_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    clients = Clients(SEED)
    database, folder = f"sqlite:///{tmp_path}/engine.db", tmp_path / "processes"
    killed_engine.write_files(folder, calls_outside=False)

    for _ in range(KILLS):
        clients.begin(NEW_ORDERS)
        server = Server(database, folder)
        path = await callback_path(database)
        await talk(server, path, clients, chance.random() * LONGEST_LIFE_S)
    server = Server(database, folder)
    await talk(server, path, clients, 60)
    assert server.end(signal.SIGTERM) == 0

    assert clients.open == {}
    await judge(database, clients)
