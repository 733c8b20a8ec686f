"""Runs functions of repositories: the file is fetched, then it is a script like any other."""

from engine.core.command import (
    CallFailed,
    CallFailure,
    RunRepositoryFunction,
    RunScript,
    ScriptFailed,
    ScriptFailure,
    ScriptResult,
)
from engine.outside.git import NotReached, NotThere, Repositories
from engine.outside.guard import NotAllowed
from engine.outside.scripts.functions import PythonFunctions
from engine.outside.scripts.pool import ScriptPool


class RepositoryFunctions:
    """Performs calls of functions that git repositories hold."""

    def __init__(
        self, scripts: ScriptPool, python: PythonFunctions, repositories: Repositories
    ) -> None:
        self._scripts = scripts
        self._python = python
        self._repositories = repositories

    async def perform(self, call: RunRepositoryFunction) -> ScriptResult | CallFailed:
        """Runs the function on the data and returns what it made of it."""
        try:
            source = await self._repositories.read(call.repository, call.revision, call.path)
        except NotThere as error:
            return ScriptFailed(ScriptFailure.EXCEPTION, f"{call.path}: {error}")
        except NotReached as error:
            return CallFailed(CallFailure.UNREACHABLE, f"the repository can't be read: {error}")
        except NotAllowed as error:
            return CallFailed(CallFailure.NOT_ALLOWED, str(error))
        script = RunScript(
            source, call.data, b"{}", call.time_limit_s, call.memory_bytes, call.function
        )
        if call.path.endswith(".py"):
            return await self._python.perform(script)
        return await self._scripts.perform(script)

    def close(self) -> None:
        """Removes what was fetched."""
        self._repositories.close()
