"""What a peer is to the benchmark."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec
from pyreqwest.client import Client

from benchmarks.peers.jobs import Job, sms
from benchmarks.peers.processes import Command
from engine.cli.load import Request

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of a job a peer is given, so that each works for some seconds."""

    tasks: int
    flows: int
    killed: int
    """How many flows are acknowledged when it is killed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs: a folder that is new, where it is installed, a port, the provider."""

    folder: Path
    installed: Path
    port: int
    twilio: str
    client: Client
    database: str = ""

    @property
    def url(self) -> str:
        """Where the peer answers."""
        return f"http://127.0.0.1:{self.port}"


class Peer(ABC):
    """One engine that does the two jobs."""

    name: ClassVar[str]
    title: ClassVar[str]
    sizes: ClassVar[Sizes]
    connections: ClassVar[int] = 16
    """At how many requests at once it does best."""
    runs_in_process: ClassVar[bool] = False
    installed_as: ClassVar[str]
    """The folder it is installed in; several may share one."""
    wants_postgres: ClassVar[bool] = False
    provider_speed: ClassVar[float] = 1.0
    """At 1 a message is sent after 0.1 s and delivered 0.2 s later."""
    patience_s: ClassVar[float] = 90.0
    """How long after its restart it is watched: half a minute for the callback, half for doubts."""
    look_every_s: ClassVar[float] = 0.05
    """How often it is asked what has ended; seldom where the answer costs it much."""
    ready_path: ClassVar[str] = "/ended"

    @abstractmethod
    def install(self, folder: Path) -> None:
        """Installs it in a folder, unless it is there."""

    @abstractmethod
    def command(self, place: Place) -> Command:
        """Gives what starts it; the second time it finds what the first left."""

    def prepare(self, place: Place) -> None:
        """Writes what it wants before its first start: most want nothing."""
        del place

    def request(self, job: Job, number: int, *, is_late: bool = False) -> Request:
        """Makes the request that submits one task."""
        body = {"number": number} if job is Job.PURE else sms(number, is_late=is_late)
        return Request("POST", f"/{job}", msgspec.json.encode(body).decode(), JSON)

    async def ended(self, place: Place, job: Job) -> int:
        """Gives how many tasks of a job have ended since the start."""
        found = await _ask(place, "/ended")
        return int(msgspec.json.decode(found, type=dict[str, int]).get(job, 0))

    async def numbers_ended(self, place: Place) -> set[int]:
        """Gives the numbers of the SMS flows that ended, also before the last start."""
        return msgspec.json.decode(await _ask(place, "/numbers"), type=set[int])

    async def in_process(self, place: Place, tasks: int) -> float:
        """Runs pure tasks in the peer's own process; gives the seconds it took."""
        return float(await _ask(place, f"/in_process?tasks={tasks}"))


async def _ask(place: Place, path: str) -> bytes:
    answer = await place.client.get(place.url + path).build().send()
    return bytes(await answer.bytes())
