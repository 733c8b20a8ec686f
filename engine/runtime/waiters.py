"""Who waits for the end of a task, and is told of it."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.core.batch import Batch, Key
from engine.core.task import Task, TaskState
from engine.errors import UnknownTask, WaitedInVain

STOPPED = frozenset({TaskState.SUCCESS, TaskState.ERROR, TaskState.PARKED})


class Waiters:
    """Tells those who wait for a task when it has stopped, or is gone."""

    def __init__(self) -> None:
        self._waiters: dict[str, list[asyncio.Future[Task]]] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def tell(self, batch: Batch) -> None:
        """Tells of a batch that is safe on disk."""
        if not self._waiters:
            return
        for task in batch.stopped:
            for waiter in self._waiters.get(task.task_id, ()):
                if not waiter.done() and has_stopped(task):
                    waiter.set_result(task)
        for task_id in batch.deleted:
            for waiter in self._waiters.get(task_id, ()):
                if not waiter.done():
                    waiter.set_exception(_gone(task_id))

    async def ended(
        self,
        key: Key,
        find: Callable[[Key], Awaitable[Task | None]],
        timeout_s: float | None,
        look_every_s: float | None = None,
    ) -> Task:
        """Waits until the task of a process with this id has stopped; `find` looks it up.

        It is looked up again and again where other engines may end it, who tell nobody here.

        Raises:
            WaitedInVain: it did not in the time given.
            UnknownTask: it is not there any more.
        """
        process, task_id = key
        waiter: asyncio.Future[Task] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(task_id, [])
        waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                while not waiter.done():
                    task = await find(key)
                    if task is not None and has_stopped(task):
                        return task
                    if task is None and not waiter.done():
                        raise _gone(task_id)
                    await asyncio.wait([waiter], timeout=look_every_s)
                return waiter.result()
        except TimeoutError:
            raise WaitedInVain(
                f"the task '{task_id}' of '{process}' did not end within {timeout_s:g} s",
                hint="it goes on; ask again with 'engine show' or GET",
            ) from None
        finally:
            waiters.remove(waiter)
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # asked for: else it would be logged as forgotten
            if not waiters:
                self._waiters.pop(task_id, None)

    def cancel(self) -> None:
        """Lets nobody wait any longer."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.cancel()


def has_stopped(task: Task) -> bool:
    """Whether a task has ended, or stands failed where nothing will move it."""
    return task.state in STOPPED


def _gone(task_id: str) -> UnknownTask:
    return UnknownTask(
        f"the task '{task_id}' is not there any more",
        hint="its end node keeps no tasks, or somebody removed it",
    )
