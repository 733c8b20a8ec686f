"""The pool: runs scripts in worker processes that are started when there is work.

A script that breaks a limit takes its worker with it, and another one is started in its place;
whatever else that worker had been given is run again. A script reaches nothing outside itself, so
to run it again is to run it once.
"""

import asyncio
import logging
import os
from contextlib import suppress

from engine.core.command import (
    RunScript,
    ScriptFailed,
    ScriptFailure,
    ScriptResult,
)
from engine.outside.scripts.frame import Job, Kind
from engine.outside.scripts.line import Line, Waiting
from engine.outside.scripts.process import WorkerDied, WorkerProcess
from engine.outside.scripts.result import failed, largest_line, read_result

log = logging.getLogger("engine.scripts")

MODULE = "engine.outside.scripts.worker"
DEATHS = 2
_BROKEN_LIMITS = frozenset({Kind.TIMEOUT, Kind.MEMORY})
_DIED = ScriptFailed(ScriptFailure.DIED, "the sandbox ended without an answer")


def default_workers() -> int:
    """Gives how many workers suit this machine: never one, which a slow script could hold."""
    return min(max(os.cpu_count() or 1, 2), 4)


class ScriptPool:
    """Runs scripts. What can happen to one is a value, never an exception."""

    def __init__(self, max_answer: int, workers: int = 0) -> None:
        """Keeps at most so many workers; an answer has at most so many bytes."""
        self._max_answer = max_answer
        self._line = Line(workers or default_workers())
        self._resting: list[asyncio.Event] = []
        self._parts: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def perform(self, script: RunScript) -> ScriptResult:
        """Runs a script and returns what it made of its data, or why there is nothing."""
        if self._is_closed:
            return _DIED
        job = Job(
            script.time_limit_s, script.memory_bytes, self._max_answer,
            script.source.encode(), script.data, script.meta, (script.function or "").encode(),
            script.function is not None,
        )  # fmt: skip
        waiting = Waiting(job, asyncio.get_running_loop().create_future())
        self._line.put(waiting)
        self._wake()
        return await waiting.answer

    async def aclose(self) -> None:
        """Ends all workers; scripts that still run have no answer."""
        self._is_closed = True
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        for waiting in self._line.drain():
            _tell(waiting, _DIED)

    def _wake(self) -> None:
        """Has a worker look at the line, a new one if all are busy."""
        if self._resting:
            self._resting.pop().set()
        elif len(self._parts) < self._line.workers:
            part = asyncio.create_task(self._work())
            self._parts.add(part)
            part.add_done_callback(self._ended)

    def _ended(self, part: asyncio.Task[None]) -> None:
        """Has another try if the last worker could not be started and scripts still wait."""
        self._parts.discard(part)
        if self._line and not self._parts and not self._is_closed:
            self._wake()

    async def _work(self) -> None:
        """Does what is in line with one worker process after another.

        The next is started as soon as one has ended, not when there is work for it again.
        """
        process: WorkerProcess | None = None
        try:
            while True:
                if process is None:
                    process = await WorkerProcess.start(largest_line(self._max_answer), MODULE)
                batch = self._line.take()
                if not batch:
                    await self._rest()
                elif not await self._do(process, batch):
                    await process.end()
                    process = None
        except WorkerDied:
            log.exception("a worker for scripts can't be started: no memory, or no processes?")
            for waiting in self._line.take():
                self._line.gave(waiting, None)
                _tell(waiting, _DIED)
        finally:
            if process is not None:
                await process.end()

    async def _rest(self) -> None:
        event = asyncio.Event()
        self._resting.append(event)
        try:
            await event.wait()
        finally:
            with suppress(ValueError):
                self._resting.remove(event)

    async def _do(self, process: WorkerProcess, batch: list[Waiting]) -> bool:
        """Has a batch done; says whether the worker may be used again."""
        done = 0
        clock = asyncio.get_running_loop().time
        try:
            began = clock()
            process.send([waiting.job for waiting in batch])
            for waiting in batch:
                text = await process.answer(waiting.job.time_limit_s)
                done += 1
                began, took_s = clock(), clock() - began
                self._line.gave(waiting, took_s)
                _tell(waiting, read_result(text, waiting.job))
                if text[:1].decode() in _BROKEN_LIMITS:
                    return False
        except WorkerDied as death:
            self._died(batch[done], death)
            return False
        else:
            return True
        finally:
            self._put_back(batch[done:])
            if self._line:  # others rest because what is in line was not for them: look again
                self._wake()

    def _died(self, waiting: Waiting, death: WorkerDied) -> None:
        """Answers the job in whose hands a worker ended; by itself that may happen once."""
        waiting.deaths += 1
        if death.is_late:
            self._line.gave(waiting, waiting.job.time_limit_s)
            _tell(waiting, failed(Kind.TIMEOUT))
        elif waiting.deaths >= DEATHS:
            _tell(waiting, _DIED)

    def _put_back(self, left: list[Waiting]) -> None:
        for waiting in reversed(left):
            self._line.gave(waiting, None)
            if waiting.answer.done():
                continue
            if self._is_closed:
                _tell(waiting, _DIED)
            else:
                self._line.put(waiting, is_first=True)


def _tell(waiting: Waiting, result: ScriptResult) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(result)
