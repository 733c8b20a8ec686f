"""What the benchmark measures: engine, simulator and client, each a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.addresses import LOOPBACK
from engine.cli.children import Child, child
from engine.cli.examples import example_folder
from engine.cli.http_client import HttpClient, http_client
from engine.cli.load import Job, Measured, Request
from engine.errors import EngineUnreachable
from engine.settings import Settings

ACCOUNT = "AC" + "0" * 32
TOKEN = "the-benchmark-sends-nothing"  # noqa: S105 -- known to the simulator beside it only
SENDER = "+15017122661"
JSON = {"Content-Type": "application/json"}
LOOK_EVERY_S = 0.05
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """An engine under `engine serve`, and a simulator that it sends to."""

    url: str
    engine: Child
    client: HttpClient

    async def send(
        self, requests: Sequence[Request], *, connections: int = 64, per_second: float = 0.0
    ) -> Measured:
        """Sends requests from a process of its own.

        Raises:
            EngineUnreachable: not every request was answered with 2xx.
        """
        where = urlsplit(self.url)
        job = Job(where.hostname or "", where.port or 0, list(requests), connections, per_second)
        async with child(["engine.cli.load"], reads=True) as client:
            client.tell(msgspec.json.encode(job).decode())
            await client.line()
            client.tell("go")
            measured = msgspec.json.decode(await client.line(), type=Measured)
        if any(not status.startswith("2") for status in measured.statuses):
            raise EngineUnreachable(f"the engine refused load: {measured.statuses}")
        return measured

    async def came(self, process: str, node: str) -> int:
        """Gives how many tasks came into a node so far."""
        for each in await self.client.processes():
            if each["process"] == process:
                return next(int(one["in"]) for one in each["nodes"] if one["node"] == node)
        return 0

    async def until(self, process: str, node: str, count: int) -> None:
        """Waits until so many tasks came into a node.

        Raises:
            EngineUnreachable: they do not come.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await self.came(process, node) < count:  # noqa: ASYNC110 -- asked over HTTP
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            came = await self.came(process, node)
            raise EngineUnreachable(
                f"only {came} of {count} tasks of '{process}' came to '{node}'"
            ) from None


@asynccontextmanager
async def stage(folder: Path, processes: Path | None = None) -> AsyncIterator[Stage]:
    """Starts simulator and engine on a fresh database in a folder, with the examples or others."""
    simulator = ["engine.testing.twilio", "--port", "0", "--auth-token", TOKEN]
    async with child(simulator) as twilio:
        variables = {
            "TWILIO_URL": await twilio.url(),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_NUMBER": SENDER,
            "ENGINE_TWILIO_AUTH_TOKEN": TOKEN,
            "ENGINE_ALLOW_HOSTS": ",".join(LOOPBACK),
        }
        serve = ["engine", "serve", "--host", "127.0.0.1", "--port", "0"]
        serve += ["--database", f"sqlite:///{folder / 'engine.db'}"]
        serve += ["--processes", str(processes or example_folder("bench").parent)]
        async with child(serve, folder=folder, environment=variables) as engine:
            url = await engine.url()
            async with http_client(url, Settings()) as client:
                yield Stage(url, engine, client)


def submission(process: str, data: dict[str, Any], ref: str = "") -> Request:
    """Makes the request that submits a task."""
    return _post(process, {"ref": ref, "data": data})


def submissions(process: str, data: Sequence[dict[str, Any]]) -> Request:
    """Makes the request that submits many tasks."""
    return _post(process, [{"ref": "", "data": each} for each in data])


def sms(number: int) -> Request:
    """Makes the request that sends the SMS of this number."""
    data = {
        "AccountSid": ACCOUNT,
        "AuthToken": TOKEN,
        "number_from": SENDER,
        "number_to": f"+1555867{number % 10_000:04}",
        "body": f"hello {number}",
    }
    return submission("sending-sms", data)


def _post(process: str, body: Any) -> Request:
    path = f"/v1/processes/{process}/tasks"
    return Request("POST", path, msgspec.json.encode(body).decode(), JSON)
