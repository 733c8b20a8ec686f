"""How a program of ours is run with the Python of a peer."""

from pathlib import Path

from benchmarks.peers.peer import Place
from benchmarks.peers.processes import Command

ROOT = Path(__file__).parents[2]


def program(name: str, place: Place, database: str, *arguments: str) -> Command:
    """Gives the command for a module of `programs`."""
    variables = {
        "PYTHONPATH": str(ROOT),
        "PEER_PORT": str(place.port),
        "PEER_TWILIO": place.twilio,
        "PEER_DATABASE": database,
    }
    python = str(place.installed / "bin" / "python")
    module = f"benchmarks.peers.programs.{name}"
    return Command([python, "-m", module, *arguments], place.folder, variables)
