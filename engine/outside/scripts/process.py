"""One worker process: started, given jobs, asked for answers, ended."""

import asyncio
import contextlib
import sys

from engine.outside.scripts.frame import Job, pack

START_S = 60.0
PATIENCE_S = 2.0
"""How long after its time limit a worker that the kernel should have ended is ended by us."""
_LAUNCH = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"


class WorkerDied(Exception):
    """The worker ended without an answer."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("its time was over" if is_late else "it ended by itself")
        self.is_late = is_late


class WorkerProcess:
    """A worker that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, largest_answer: int, module: str) -> "WorkerProcess":
        """Starts one that runs a module and waits until it can take jobs.

        Raises:
            WorkerDied: it can't be started.
        """
        path = [each for each in sys.path if each]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", _LAUNCH.format(path=path, module=module),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=largest_answer, env={"TZ": "UTC"}, cwd="/", start_new_session=True,
            )  # fmt: skip
        except OSError:
            raise WorkerDied(is_late=False) from None
        worker = cls(process)
        try:
            await worker.answer(START_S)  # READY, if anything
        except BaseException:
            await worker.end()
            raise
        return worker

    def send(self, jobs: list[Job]) -> None:
        """Gives it jobs."""
        assert self._process.stdin is not None  # noqa: S101 -- it was started with a pipe
        self._process.stdin.write(b"".join(map(pack, jobs)))

    async def answer(self, time_limit_s: float) -> bytes:
        """Gives the line that answers the job in hand.

        Raises:
            WorkerDied: there will be none.
        """
        assert self._process.stdout is not None  # noqa: S101 -- it was started with a pipe
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(time_limit_s + PATIENCE_S):
                return await self._process.stdout.readuntil(b"\n")
        except TimeoutError:
            raise WorkerDied(is_late=True) from None
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            raise WorkerDied(is_late=clock() - began >= time_limit_s) from None

    async def end(self) -> None:
        """Ends it at once."""
        assert self._process.stdin is not None  # noqa: S101 -- it was started with pipes
        assert self._process.stdout is not None  # noqa: S101 -- as above
        if not self._process.stdout.at_eof():  # to kill one that has ended takes its exit away
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        self._process.stdin.close()
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.wait_closed()
