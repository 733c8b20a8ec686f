"""An `engine serve` as a process of its own, and clients that ask several of them over HTTP."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

import engine

URL = re.compile(r"http://\S+")
BUSY = {429, 503}


class Server:
    """One life of `engine serve`."""

    def __init__(self, database, folder, **environment):
        command = ("serve", "--port", "0", "--database", database, "--processes", str(folder))
        root = str(Path(engine.__file__).parents[1])
        self.process = subprocess.Popen(
            (sys.executable, "-m", "engine", *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": root, **environment},
        )
        self._said = []
        # Warnings may come before it.
        while not (found := URL.search(said := self.process.stdout.readline())):
            assert said, "".join(self._said)
            self._said.append(said)
        self.url = found[0]

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number):
        """Sends a signal that ends it; gives the exit code."""
        self.send(number)
        with self.process as process:
            process.communicate()
        return self.process.returncode


class Crowd:
    """Clients that ask whichever of these servers until they are told to stop.

    A server that is gone, or says that it can't now, is asked again later, or another is.
    """

    def __init__(self, clients, path):
        self.servers = []
        self.is_refused = []
        self._clients = clients
        self._path = path
        self._asking = set()
        self._running = None

    async def __aenter__(self):
        self._http = httpx.AsyncClient(
            trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None)
        )
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *error):
        self._running.cancel()
        await asyncio.gather(*self._asking, self._running, return_exceptions=True)
        await self._http.aclose()

    async def rest(self):
        """Waits until everything was asked and answered."""
        while self._clients.open:
            assert not self._running.done(), self._running.exception()
            await asyncio.sleep(0.01)

    async def _run(self):
        while True:
            for number, kind, ref, n in self._clients.requests():
                asking = asyncio.create_task(self._ask(number, kind, ref, n))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
            await asyncio.sleep(0.002)
            for error in self.is_refused:
                raise AssertionError(error)

    async def _ask(self, number, kind, ref, n):
        key = {"Idempotency-Key": ref if kind == "order" else f"{ref}/{n}"}
        server = self._clients.chance.choice(self.servers)
        try:
            if kind == "order":
                task = {"ref": ref, "data": {"number": n}}
                url = f"{server.url}/v1/processes/order/tasks"
                answer = await self._http.post(url, json=task, headers=key)
                is_accepted = answer.status_code == 201
            else:
                body = {"id": ref, "n": n}
                answer = await self._http.post(f"{server.url}{self._path}", json=body, headers=key)
                is_accepted = answer.status_code == 200 and answer.json()["ops"][0]["proc"] == "ok"
        except httpx.TransportError:
            self._again(number)
            return
        if is_accepted:
            self._clients.hear(number, "ok")
        elif answer.status_code in BUSY:
            await asyncio.sleep(0.02)
            self._again(number)
        else:
            self.is_refused.append(f"{kind} {ref}: {answer.status_code} {answer.text}")

    def _again(self, number):
        self._clients.asked.pop(number, None)
