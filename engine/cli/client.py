"""One way to an engine for every command, wherever it runs.

`--server URL` names an engine on another machine. Without it, the engine that serves this
database is asked over HTTP; if none serves it, the command opens the database itself.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from engine.core.task import TaskStatus
from engine.errors import EngineError
from engine.settings import Settings
from engine.store.opening import serving

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """Which tasks to list; `since` is Unix microseconds."""

    process: str
    node: str = ""
    status: TaskStatus | None = None
    limit: int = 50
    since: int | None = None


class Client(Protocol):
    """What commands ask of an engine. Every method raises the errors of `engine.errors`.

    `goes_on` says whether tasks still move when the command has ended.
    """

    goes_on: bool

    async def submit(self, process: str, data: Json, ref: str, wait_s: float | None) -> Json:
        """Submits a task, and with `wait_s` waits for its end."""

    async def submit_many(
        self, process: str, items: Sequence[tuple[str, Json]]
    ) -> list[Json | EngineError]:
        """Submits tasks, each on its own."""

    async def show(self, process: str, ref: str) -> Json:
        """Gives a task with its history."""

    async def tasks(self, listing: Listing) -> list[Json]:
        """Lists tasks, newest first."""

    async def modify(self, process: str, ref: str, data: Json) -> Json:
        """Changes a task's data."""

    async def rerun(self, process: str, ref: str, node: str) -> Json:
        """Puts a failed task back."""

    async def delete(self, process: str, ref: str) -> None:
        """Removes a task."""

    async def deploy(self, order: Json, *, is_rehearsal: bool) -> Json:
        """Puts processes into force, or only says what that would do; gives the plan."""

    async def processes(self) -> list[Json]:
        """Gives every process with its counts per node."""

    async def callback_url(self, process: str, node: str, plugin: str) -> str:
        """Gives a node's callback URL."""


@asynccontextmanager
async def connect(
    settings: Settings, *, writes: bool = False, moves: bool = False, loads: bool = True
) -> AsyncIterator[Client]:
    """Finds the engine to ask, or opens the database.

    With `writes` the processes of the folder are put into force first, unless `loads` is False;
    with `moves` tasks that call the outside do so too, until the command ends.
    """
    # Either way in takes a while to import, and a command takes only one.
    url = settings.server or _served_at(settings.database)
    if url:
        from engine.cli.http_client import http_client  # noqa: PLC0415

        async with http_client(url, settings) as client:
            yield client
    else:
        from engine.cli.local_client import local_client  # noqa: PLC0415

        async with local_client(settings, writes=writes, moves=moves, loads=loads) as client:
            yield client


def _served_at(database: str) -> str:
    address = serving(database)
    return address.url if address is not None else ""
