"""What is measured, on its stage: the simulator, a peer, its database, and a client."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import msgspec
from pyreqwest.client import ClientBuilder

from benchmarks.peers import processes
from benchmarks.peers.jobs import TOKEN, Job
from benchmarks.peers.peer import Peer, Place
from benchmarks.peers.postgres import free_port, postgres
from benchmarks.peers.processes import Running
from engine.cli.children import child
from engine.cli.load import Job as Load
from engine.cli.load import Measured, Request

LOOK_EVERY_S = 0.05
STILL_S = 20.0
"""Who ends nothing for so long ends nothing more."""
ANSWER_S = 600


class Stage:
    """A peer that runs, and can be killed and started again."""

    def __init__(self, peer: Peer, place: Place, database: Running | None) -> None:
        self.peer = peer
        self.place = place
        self._database = database
        self._running: Running | None = None

    async def start(self) -> float:
        """Starts the peer; gives the seconds until it answers."""
        began = perf_counter()
        self._running = Running(self.peer.command(self.place))
        url = self.place.url + self.peer.ready_path
        await self._running.ready(self.place.client, url)
        return perf_counter() - began

    def kill(self) -> None:
        """Kills the peer, not its database."""
        assert self._running is not None
        self._running.kill()

    def stop(self) -> None:
        """Ends everything."""
        for each in (self._running, self._database):
            if each is not None:
                each.stop()

    def said(self) -> str:
        """Gives the end of what the peer printed."""
        assert self._running is not None
        return self._running.said()

    def cpu(self) -> tuple[float, float]:
        """Gives the processor time so far: of the peer, and of its database server."""
        assert self._running is not None
        database = self._database
        return (
            processes.cpu_seconds(self._running.pid),
            processes.cpu_seconds(database.pid) if database else 0.0,
        )

    def memory_mb(self) -> float:
        """Gives the memory of the peer, without its database server."""
        assert self._running is not None
        return processes.memory_mb(self._running.pid)

    async def send(self, requests: Sequence[Request]) -> tuple[float, Measured]:
        """Sends requests from a process of its own; gives when it began, and what it measured."""
        load = Load("127.0.0.1", self.place.port, list(requests), self.peer.connections)
        async with child(["engine.cli.load"], reads=True) as client:
            client.tell(msgspec.json.encode(load).decode())
            await client.line()
            began = perf_counter()
            client.tell("go")
            return began, msgspec.json.decode(await client.line(), type=Measured)

    async def until_ended(self, job: Job, wanted: int) -> tuple[int, float]:
        """Waits until so many tasks have ended, or nothing ends any more.

        Gives how many have, and the moment at which the last of them was seen.
        """
        seen = perf_counter()
        count = await self.peer.ended(self.place, job)
        while count < wanted and perf_counter() - seen < STILL_S:
            await asyncio.sleep(self.peer.look_every_s)
            now = await self.peer.ended(self.place, job)
            if now != count:
                count, seen = now, perf_counter()
        return count, seen


@asynccontextmanager
async def stage(peer: Peer, installed: Path, folder: Path, *, speed: float) -> AsyncIterator[Stage]:
    """Starts a peer on nothing, in a folder that is new."""
    simulator = ["engine.testing.twilio", "--port", "0", "--auth-token", TOKEN]
    patient = ClientBuilder().timeout(timedelta(seconds=ANSWER_S))
    async with child([*simulator, "--speed", str(speed)]) as twilio, patient.build() as client:
        place = Place(folder, installed, free_port(), await twilio.url(), client)
        database = None
        if peer.wants_postgres:
            database, url = postgres(installed, folder)
            place = replace(place, database=url)
        found = Stage(peer, place, database)
        try:
            if database:
                await _accepts(place.database)
            peer.prepare(place)
            await found.start()
            yield found
        finally:
            found.stop()


async def _accepts(database: str) -> None:
    """Waits until a database server takes connections."""
    port = int(database.rpartition(":")[2].partition("/")[0])
    async with asyncio.timeout(processes.PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            writer.close()
            return
