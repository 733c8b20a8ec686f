"""Prefect: background tasks through its server, on SQLite."""

from dataclasses import replace
from pathlib import Path

from benchmarks.peers.installing import FOR_PROGRAMS, python_packages
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.postgres import free_port
from benchmarks.peers.processes import Command
from benchmarks.peers.program import program

VERSION = "3.8.8"
FASTAPI = "fastapi==0.139.2"
"""Its server does not start with newer ones, which it allows."""


class Prefect(Peer):
    """Prefect's server and a task worker beside the process that answers HTTP."""

    name = "prefect"
    title = f"Prefect {VERSION}, SQLite"
    sizes = Sizes(tasks=50, flows=25, killed=20)
    connections = 4
    installed_as = "prefect"
    look_every_s = 0.5

    def install(self, folder: Path) -> None:
        python_packages(folder, [f"prefect=={VERSION}", FASTAPI, *FOR_PROGRAMS])

    def command(self, place: Place) -> Command:
        port = str(free_port())
        home = place.folder / "prefect"
        found = program("prefect_program", place, "")
        variables = {
            **found.variables,
            "PEER_SERVER_PORT": port,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
        }
        return replace(found, variables=variables)
