"""Connections: how they are made, and a line that is connected anew when it was cut. HOT.

Nothing waits for ever. To connect and to run a statement have their time, and the server ends what
a frozen engine left open, so its locks never hold up others.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg

from engine.errors import StoreError
from engine.store.postgres.place import LOST, Place, failure

Connection: TypeAlias = Any
"""The driver ships no types."""

CONNECT_S = 10.0
STATEMENT_S = 30.0
LOCK_MS = 10_000
"""How long a statement waits for a row that another engine is writing."""
FROZEN_MS = 15_000
"""After this the server ends a transaction in which its engine does nothing."""

# A server may be told to be more careful than this, never less. 'lz4' where it is built in.
_SETTINGS = f"""
SELECT set_config(name, CASE name
    WHEN 'synchronous_commit' THEN CASE setting WHEN 'remote_apply' THEN setting ELSE 'on' END
    WHEN 'default_toast_compression' THEN
        CASE WHEN 'lz4' = ANY(enumvals) THEN 'lz4' ELSE setting END
    WHEN 'lock_timeout' THEN '{LOCK_MS}'
    WHEN 'idle_in_transaction_session_timeout' THEN '{FROZEN_MS}'
    WHEN 'tcp_keepalives_idle' THEN '30'
    WHEN 'tcp_keepalives_interval' THEN '10'
    WHEN 'tcp_keepalives_count' THEN '3'
    ELSE 'off' END, false)
FROM pg_settings WHERE name IN ('synchronous_commit', 'default_toast_compression', 'lock_timeout',
    'idle_in_transaction_session_timeout', 'tcp_keepalives_idle', 'tcp_keepalives_interval',
    'tcp_keepalives_count', 'jit')
"""  # noqa: S608 - numbers of ours
# What a turn runs is planned once, and has one good plan: by the index. A table that was empty
# when the engine started must not be read as a whole when it has a million rows.
_BY_INDEX = (
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    " SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off;"
    " SET max_parallel_workers_per_gather = 0"
)


async def connect(
    place: Place,
    *,
    is_turn: bool = False,
    is_read_only: bool = False,
    statement_s: float | None = STATEMENT_S,
) -> Connection:
    """Makes a connection and sets what every one of ours has."""
    connection = await asyncpg.connect(
        place.url,
        timeout=CONNECT_S,
        command_timeout=statement_s,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": "conveyor"},
        # Of several servers the one that can be written to.
        target_session_attrs="any" if is_read_only else "read-write",
    )
    try:
        await connection.execute(_SETTINGS)
        if is_turn:
            await connection.execute(_BY_INDEX)
        if is_read_only:
            await connection.execute("SET default_transaction_read_only = on")
    except BaseException:
        connection.terminate()
        raise
    return connection


class Line:
    """One connection, used by one at a time; what was cut is connected anew on the next use."""

    def __init__(self, place: Place, make: Callable[[], Awaitable[Connection]]) -> None:
        self._place = place
        self._make = make
        self._turn = asyncio.Lock()
        self._connection: Connection = None
        self.users = 0

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """Lends the connection; a transaction that is open when an error leaves is rolled back.

        Raises:
            StoreUnavailable: the database does not answer, or did not in time.
            Overtaken: somebody else was faster.
            StoreError: it refused a row.
        """
        self.users += 1
        try:
            async with self._turn, self._lent() as connection:
                yield connection
        finally:
            self.users -= 1

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._make()
            yield self._connection
        except LOST as error:
            self._cut()
            raise failure(error, self._place) from error
        except asyncpg.PostgresError as error:
            await self._roll_back()
            raise failure(error, self._place) from error
        except StoreError:
            await self._roll_back()
            raise
        except BaseException:
            # Cancelled, or a fault of ours: nobody knows how far the server has come.
            self._cut()
            raise

    async def close(self) -> None:
        """Ends the connection."""
        async with self._turn:
            if self._connection is not None and not self._connection.is_closed():
                with contextlib.suppress(*LOST, asyncpg.PostgresError):
                    await self._connection.close(timeout=CONNECT_S)
            self._connection = None

    async def _roll_back(self) -> None:
        if self._connection is None or not self._connection.is_in_transaction():
            return
        try:
            await self._connection.execute("ROLLBACK")
        except (*LOST, asyncpg.PostgresError):
            self._cut()

    def _cut(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
