"""Works on a database that the command has opened itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from engine.cli.client import Client, Json, Listing
from engine.core.batch import Answer
from engine.core.explain import explain
from engine.core.task import Task
from engine.core.view import history_view
from engine.errors import EngineError
from engine.runtime.order import order_of
from engine.runtime.plan_view import plan_view
from engine.settings import Settings
from engine.workspace import TaskQuery, Workspace, has_stopped


@asynccontextmanager
async def local_client(
    settings: Settings, *, writes: bool, moves: bool, loads: bool = True
) -> AsyncIterator[Client]:
    """Opens the database; with `writes` an engine runs on it, with `moves` it calls outside."""
    workspace = await Workspace.open(settings, read_only=not writes)
    try:
        if writes and loads:
            await workspace.deploy_folder([Path(settings.processes)], may_be_missing=True)
        if writes:
            await workspace.start(is_front=not moves)
        yield LocalClient(workspace)
    finally:
        await workspace.stop()


class LocalClient:
    """Asks the workspace."""

    goes_on = False

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        workspace = self._workspace
        task = _task_of(await workspace.submit(process, data, ref))
        # One that has ended already may not be kept, and then nobody tells of its end any more.
        if wait_s is not None and not has_stopped(task):
            task = await workspace.ended(task.task_id, process, wait_s)
        return workspace.view(task)

    async def submit_many(
        self, process: str, items: Sequence[tuple[str, Json]]
    ) -> list[Json | EngineError]:
        results = await self._workspace.submit_many(process, [(*item, None) for item in items])
        return [
            result if isinstance(result, EngineError) else self._workspace.view(_task_of(result))
            for result in results
        ]

    async def show(self, process: str, ref: str) -> Json:
        task = await self._workspace.task(process, ref)
        history = await self._workspace.history(task)
        return self._workspace.view(task) | {
            "history": history_view(history, task),
            "explanation": explain(task, self._workspace.graph_of(task)),
        }

    async def tasks(self, listing: Listing) -> list[Json]:
        query = TaskQuery(
            listing.process, listing.node, listing.status, listing.limit, since=listing.since
        )
        return [self._workspace.view(task) for task in await self._workspace.tasks(query)]

    async def modify(self, process: str, ref: str, data: Json) -> Json:
        return self._workspace.view(_task_of(await self._workspace.modify(process, ref, data)))

    async def rerun(self, process: str, ref: str, node: str) -> Json:
        return self._workspace.view(_task_of(await self._workspace.rerun(process, ref, node)))

    async def delete(self, process: str, ref: str) -> None:
        await self._workspace.delete(process, ref)

    async def deploy(self, order: Json, *, is_rehearsal: bool) -> Json:
        return plan_view(
            await self._workspace.carry_out(order_of(order), is_rehearsal=is_rehearsal)
        )

    async def processes(self) -> list[Json]:
        return await self._workspace.view_processes(self._workspace.graphs())

    async def callback_url(self, process: str, node: str, plugin: str) -> str:
        return self._workspace.callback_url(process, node, plugin)


def _task_of(answer: Answer) -> Task:
    assert answer.task is not None  # noqa: S101 -- an answer without an error has one
    return answer.task
