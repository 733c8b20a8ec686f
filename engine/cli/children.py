"""Processes of their own beside a command: the simulator, an engine, a client that makes load."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import engine
from engine.errors import EngineUnreachable

# Wide enough for the latencies of a long job on one line.
LONGEST_LINE = 2**26
URL = re.compile(r"https?://[^\s\x1b]+")
STOP_S = 5.0


class Child:
    """A process that says on a line where it listens, or what it found."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._unread: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def url(self) -> str:
        """Waits for the first line with a URL.

        Raises:
            EngineUnreachable: the process ended without one.
        """
        said: list[str] = []
        async for line in self._lines():
            if found := URL.search(line):
                self._unread = asyncio.create_task(self._read_on())
                return found[0]
            said.append(line)
        raise EngineUnreachable(f"a part of it did not start: {' '.join(said).strip()}")

    async def line(self) -> str:
        """Waits for the next line.

        Raises:
            EngineUnreachable: the process ended.
        """
        async for line in self._lines():
            return line.strip()
        raise EngineUnreachable("a part of it ended too early")

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self._process.stdin is not None  # noqa: S101 -- it was opened with a pipe
        self._process.stdin.write(f"{line}\n".encode())

    async def _lines(self) -> AsyncIterator[str]:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 -- it was opened with a pipe
        async for line in stream:
            yield line.decode(errors="replace")

    async def _read_on(self) -> None:
        """Keeps the pipe empty: a full one would stop the process in the middle of a line."""
        async for _ in self._lines():
            pass

    async def stop(self) -> None:
        """Asks it to end, and ends it if it does not."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._unread is not None:
            await self._unread


@asynccontextmanager
async def child(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    reads: bool = False,
) -> AsyncIterator[Child]:
    """Runs a Python module while the block runs. A Ctrl-C meant for us does not reach it.

    It ends with us also if we are killed. One that `reads` what it is told must see to that
    itself: its standard input ends then.
    """
    command = command if reads else ["engine.cli.beside", *command]
    # A start that is cancelled half-way could leave a process that nobody knows.
    starting = asyncio.ensure_future(_start(command, folder, environment or {}))
    try:
        yield await asyncio.shield(starting)
    finally:
        await asyncio.shield(_stop(starting))


async def _start(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str]
) -> Child:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": _import_path(), **environment},
        start_new_session=True,
        limit=LONGEST_LINE,
    )
    return Child(process)


async def _stop(starting: asyncio.Future[Child]) -> None:
    started = await starting
    await started.stop()


def _import_path() -> str:
    """Lets the process find this very package, wherever it is started."""
    ours = str(Path(engine.__file__).parent.parent)
    return os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH", ""))))
