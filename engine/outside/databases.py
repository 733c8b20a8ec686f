"""Statements on databases by SQLAlchemy, in threads: drivers that wait, one thread a connection."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from engine.core.command import (
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    StatementResult,
)
from engine.outside.database import Database, open_database

CONNECTIONS = 8
"""Connections to one database at most; statements beyond wait in line."""
ENDING_S = 2.0
"""How long a statement that was told to end may take to do so."""


class Databases:
    """Performs statements; a database is opened when the first task needs it."""

    def __init__(self, urls: Mapping[str, str], max_bytes: int) -> None:
        self._urls = urls
        self._max_bytes = max_bytes
        self._open: dict[str, tuple[Database, ThreadPoolExecutor]] = {}

    async def perform(self, call: RunStatement) -> StatementResult:
        """Runs a statement in a transaction of its own. What can happen is a value."""
        # Names are as in variables of the environment, which know no other letters.
        name = call.connection.lower().replace("-", "_")
        try:
            database, threads = self._find(name)
        except (LookupError, ImportError, ArgumentError, NoSuchModuleError) as error:
            return StatementFailed(StatementFailure.UNREACHABLE, _about(call.connection, error))
        statement = database.statement(call, self._max_bytes)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(threads, statement.run)
        try:
            return await asyncio.wait_for(asyncio.shield(running), call.time_limit_s)
        except TimeoutError:
            return await self._ended(running, statement.end, call.time_limit_s)
        except asyncio.CancelledError:
            await loop.run_in_executor(None, statement.end)
            raise

    async def _ended(
        self, running: "asyncio.Future[StatementResult]", end: Callable[[], None], limit_s: float
    ) -> StatementResult:
        """Ends a statement that takes too long; one that ended just now gives its result."""
        await asyncio.get_running_loop().run_in_executor(None, end)
        done, _ = await asyncio.wait([running], timeout=ENDING_S)
        if done and isinstance(result := running.result(), StatementAnswer):
            return result
        return StatementFailed(
            StatementFailure.TIMEOUT, f"the statement took longer than {limit_s:g} s"
        )

    def _find(self, name: str) -> tuple[Database, ThreadPoolExecutor]:
        if name not in self._open:
            threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix=f"database-{name}")
            self._open[name] = (open_database(self._urls[name], CONNECTIONS), threads)
        return self._open[name]

    async def aclose(self) -> None:
        """Closes all connections."""
        for database, threads in self._open.values():
            threads.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(database.close)


def _about(name: str, error: Exception) -> str:
    """Says why a database can't be opened, without its URL."""
    if isinstance(error, ImportError):
        return f"the database '{name}' needs the package '{error.name}' (see the page of db_call)"
    if isinstance(error, LookupError):
        return f"the settings have no connection '{name}': name its URL under [connections]"
    return f"the URL of the connection '{name}' can't be understood"
