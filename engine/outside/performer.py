"""Performs any outside command: each kind has a performer of its own."""

from typing import assert_never

from engine.addresses import AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import (
    CallResult,
    HttpCall,
    OutsideCommand,
    RunRepositoryFunction,
    RunScript,
    RunStatement,
)
from engine.outside.database.databases import Databases
from engine.outside.functions import RepositoryFunctions
from engine.outside.git import Repositories
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, open_transport
from engine.outside.scripts.functions import PythonFunctions
from engine.outside.scripts.pool import ScriptPool, default_workers
from engine.settings import Settings


class Outside:
    """All performers of one engine."""

    def __init__(self, settings: Settings, circuits: Circuits) -> None:
        max_task_bytes = settings.max_task_bytes
        self._guard = Guard(AllowedHosts.read(settings.allow_hosts))
        self._http = HttpPerformer(open_transport(), self._guard, circuits)
        self._scripts = ScriptPool(max_task_bytes)
        self._functions = RepositoryFunctions(
            self._scripts,
            PythonFunctions(max_task_bytes, default_workers()),
            Repositories(self._guard),
        )
        self._databases = Databases(
            settings.connections, settings.max_connections, settings.database
        )

    async def perform(self, command: OutsideCommand) -> CallResult:
        """Performs a command and returns its answer. What can happen is a value."""
        match command:
            case HttpCall():
                return await self._http.perform(command)
            case RunScript():
                return await self._scripts.perform(command)
            case RunRepositoryFunction():
                return await self._functions.perform(command)
            case RunStatement():
                return await self._databases.perform(command)
            case _:
                assert_never(command)

    async def aclose(self) -> None:
        """Ends what is still out and closes connections and workers."""
        await self._scripts.aclose()
        self._functions.close()
        await self._databases.aclose()
        await self._http.aclose()
        await self._guard.aclose()
