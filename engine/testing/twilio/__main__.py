"""`python -m engine.testing.twilio`: the simulator as a process of its own."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import uvicorn

from engine.errors import SettingsError
from engine.testing.twilio.server import serve
from engine.testing.twilio.settings import DEFAULT_PORT, SimulatorSettings

REFUSED = 2
UNABLE = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the simulator until it is told to stop; gives the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = SimulatorSettings(
            host=chosen.host,
            port=chosen.port,
            speed=chosen.speed,
            auth_token=chosen.auth_token,
            max_messages=chosen.max_messages,
        )
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return _run(settings)


def _run(settings: SimulatorSettings) -> int:
    # The server knows the fastest loop of this machine.
    loop_factory = uvicorn.Config(app="", log_config=None).get_loop_factory()
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(serve(settings, ready=_announce))
    except SettingsError as error:
        sys.stderr.write(f"{error} {error.hint}\n")
        return UNABLE
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(f"Twilio simulator at {url}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.testing.twilio",
        description="A stand-in for Twilio's Messages API that sends nothing.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free port")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every delay")
    parser.add_argument("--auth-token", help="the only token taken; any one if left out")
    parser.add_argument(
        "--max-messages", type=int, default=100_000, help="how many messages are remembered"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
