"""What the demo plays on: simulator, engine and HTTP server, all of it for a moment only."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.addresses import LOOPBACK
from engine.cli.children import child
from engine.cli.examples import example_folder
from engine.settings import Settings
from engine.testing.twilio import Simulator, SimulatorSettings
from engine.workspace import Workspace

ACCOUNT = "AC" + "0" * 32
TOKEN = "the-demo-sends-nothing"  # noqa: S105 -- known to the simulator beside it only
SENDER = "+15017122661"


@dataclass(frozen=True, slots=True)
class Scene:
    """A running engine, and where its HTTP server and the simulator listen."""

    workspace: Workspace
    url: str
    twilio_url: str


@asynccontextmanager
async def scene(speed: float, *, apart: bool) -> AsyncIterator[Scene]:
    """Sets everything up in a temporary folder, and clears it away.

    With `apart` the simulator is a process of its own, so that it takes no time from the engine.
    """
    simulator = _simulator_apart(speed) if apart else _simulator_here(speed)
    with tempfile.TemporaryDirectory(prefix="conveyor-demo-", ignore_cleanup_errors=True) as folder:
        async with (
            simulator as twilio_url,
            _engine(_settings(Path(folder), twilio_url)) as (workspace, url),
        ):
            yield Scene(workspace, url, twilio_url)


def _settings(folder: Path, twilio_url: str) -> Settings:
    return Settings(
        database=f"sqlite:///{folder / 'engine.db'}",
        port=0,
        twilio_auth_token=TOKEN,
        allow_hosts=LOOPBACK,
        # Nothing is worth waiting for when somebody stops a demo.
        stop_grace_seconds=0,
        variables={
            "TWILIO_URL": twilio_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_NUMBER": SENDER,
        },
    )


@asynccontextmanager
async def _simulator_here(speed: float) -> AsyncIterator[str]:
    async with Simulator(SimulatorSettings(port=0, speed=speed, auth_token=TOKEN)) as simulator:
        yield simulator.url


@asynccontextmanager
async def _simulator_apart(speed: float) -> AsyncIterator[str]:
    command = ["engine.testing.twilio", "--port", "0", "--speed", str(speed)]
    async with child([*command, "--auth-token", TOKEN]) as simulator:
        yield await simulator.url()


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[tuple[Workspace, str]]:
    from engine.web.server import listen, serve  # noqa: PLC0415 -- slow to import

    workspace = await Workspace.open(settings)
    try:
        listening = listen(settings)
        workspace.set_public_url(listening.url)
        await workspace.deploy_folder([example_folder("sms")])
        await workspace.start()
        server = asyncio.create_task(
            serve(workspace, settings, ready=_need_not_know, listening=listening)
        )
        try:
            yield workspace, listening.url
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server
    finally:
        await workspace.stop()


def _need_not_know(url: str) -> None:
    """Takes no notice: who connects before it serves waits for it."""
