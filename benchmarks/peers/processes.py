"""Processes of a peer: started in a session of their own, measured by /proc, killed as a whole."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError

PATIENCE_S = 120.0
LOOK_EVERY_S = 0.1
STOP_S = 10.0


class PeerDidNotStart(Exception):
    """A process ended, or answered nothing, before it was ready."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start; `user` is who runs it, if not we ourselves."""

    words: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


class Running:
    """A process with all that it starts."""

    def __init__(self, command: Command) -> None:
        self._log = command.folder / "output.log"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command.words,
                cwd=command.folder,
                env={**os.environ, **command.variables},
                user=command.user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The number of the first process."""
        return self._process.pid

    async def ready(self, client: Client, url: str) -> None:
        """Waits until a URL is answered with success.

        Raises:
            PeerDidNotStart: it is not.
        """
        began = perf_counter()
        while perf_counter() - began < PATIENCE_S and self._process.poll() is None:
            try:
                if (await client.get(url).build().send()).status < 300:
                    return
            except PyreqwestError:
                pass
            await asyncio.sleep(LOOK_EVERY_S)
        raise PeerDidNotStart(f"{url} did not answer; it said: {self.said()}")

    def said(self) -> str:
        """Gives the end of what it printed."""
        return self._log.read_text(errors="replace")[-2000:]

    def kill(self) -> None:
        """Kills all of it at once, as a power cut does."""
        family = tree(self.pid)
        for pid in family:
            _send(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Asks it to end, then ends what is left."""
        family = tree(self.pid)
        _send(self.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        for pid in family:
            _send(pid, signal.SIGKILL)
        self._process.wait()


def tree(root: int) -> list[int]:
    """Gives a process and everything below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Gives the processor time that a tree has taken, with those of its processes that ended."""
    ticks = 0
    for pid in tree(root):
        if fields := _stat(pid):
            ticks += sum(int(each) for each in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(root: int) -> float:
    """Gives the memory that the processes of a tree hold now."""
    pages = 0
    for pid in tree(root):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _stat(pid: int) -> list[str]:
    """Gives what follows the name of a process: its state, its parent and so on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
