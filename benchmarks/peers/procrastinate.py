"""Procrastinate: a queue of jobs in PostgreSQL."""

from pathlib import Path

from benchmarks.peers.installing import FOR_PROGRAMS, POSTGRES, python_packages
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.processes import Command
from benchmarks.peers.program import program

VERSION = "3.10.0"


class Procrastinate(Peer):
    """Procrastinate with a worker process beside the one that answers HTTP."""

    name = "procrastinate"
    title = f"Procrastinate {VERSION}, PostgreSQL"
    sizes = Sizes(tasks=1_000, flows=500, killed=100)
    installed_as = "procrastinate"
    runs_in_process = True
    wants_postgres = True
    look_every_s = 0.2
    patience_s = 150.0
    """A worker is thought dead after half a minute, which is looked for every minute."""

    def install(self, folder: Path) -> None:
        python_packages(folder, [f"procrastinate=={VERSION}", *FOR_PROGRAMS, *POSTGRES])

    def command(self, place: Place) -> Command:
        return program("procrastinate_program", place, place.database)
