"""Runs Python functions: each in a process of its own, started for it and ended after it."""

import asyncio

from engine.core.command import RunScript, ScriptFailed, ScriptFailure, ScriptResult
from engine.outside.scripts.frame import Job
from engine.outside.scripts.process import WorkerDied, WorkerProcess
from engine.outside.scripts.result import largest_line, read_result

MODULE = "engine.outside.scripts.python_worker"


class PythonFunctions:
    """Runs functions, so many at once."""

    def __init__(self, max_answer: int, workers: int) -> None:
        self._max_answer = max_answer
        self._free = asyncio.Semaphore(workers)

    async def perform(self, script: RunScript) -> ScriptResult:
        """Runs a function and returns what it made of its data, or why there is nothing."""
        job = Job(
            script.time_limit_s, script.memory_bytes, self._max_answer, script.source.encode(),
            script.data, b"", (script.function or "").encode(),
        )  # fmt: skip
        async with self._free:
            try:
                process = await WorkerProcess.start(largest_line(self._max_answer), MODULE)
            except WorkerDied:
                return ScriptFailed(ScriptFailure.DIED, "a worker for Python can't be started")
            try:
                process.send([job])
                return read_result(await process.answer(job.time_limit_s), job)
            except WorkerDied as death:
                kind = ScriptFailure.TIMEOUT if death.is_late else ScriptFailure.DIED
                return ScriptFailed(kind, "the sandbox ended without an answer")
            finally:
                await process.end()
