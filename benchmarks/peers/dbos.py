"""DBOS, on SQLite and on PostgreSQL."""

from pathlib import Path
from typing import ClassVar

from benchmarks.peers.installing import FOR_PROGRAMS, POSTGRES, python_packages
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.processes import Command
from benchmarks.peers.program import program

VERSION = "3.4.0"


class Dbos(Peer):
    """DBOS with the database it takes if nothing is said."""

    name = "dbos-sqlite"
    title = f"DBOS {VERSION}, SQLite"
    installed_as = "dbos"
    sizes = Sizes(tasks=500, flows=300, killed=100)
    runs_in_process = True

    def install(self, folder: Path) -> None:
        python_packages(folder, [f"dbos=={VERSION}", *FOR_PROGRAMS, *POSTGRES])

    def command(self, place: Place) -> Command:
        database = place.database or f"sqlite:///{place.folder / 'dbos.sqlite'}"
        return program("dbos_program", place, database)


class DbosPostgres(Dbos):
    """DBOS with the database that its documentation recommends for production."""

    name = "dbos-postgres"
    title = f"DBOS {VERSION}, PostgreSQL"
    wants_postgres: ClassVar[bool] = True
