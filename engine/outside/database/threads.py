"""Databases whose drivers block: each statement in a thread, by SQLAlchemy.

A thread can't be ended from outside. So whoever waits for one stops waiting a little after the
limit, and the thread looks at the limit itself: it never commits when the limit is over.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from engine.core.command import (
    CallFailed,
    CallFailure,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    StatementResult,
)
from engine.outside.database.value import Rows, Stopped, as_scalar

GRACE_S = 2.0
_AT_ONCE = 100


class Limit:
    """How long a statement may go on, as its thread sees it."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds
        self.is_committing = False

    @property
    def left_s(self) -> float:
        return max(self._end - monotonic(), 0.0)

    def is_over(self) -> bool:
        return monotonic() >= self._end

    def give_up(self) -> None:
        """Ends it now."""
        self._end = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """What is particular to one kind of database."""

    engine: Engine
    prepare: Callable[[Any, RunStatement, Limit], None]
    """Puts the limits of a statement on a connection of the driver."""
    failure_of: Callable[[BaseException], StatementFailure]
    """Tells what an error of the driver means."""
    abandon: Callable[[Any], None]
    """Has a connection of the driver forget the rows that are still to come."""
    options: Mapping[str, Any]
    """Execution options of SQLAlchemy."""


class ThreadedDatabase:
    """Runs statements in threads, as many as it may have connections."""

    def __init__(self, way: Way, size: int, *, grace_s: float = GRACE_S) -> None:
        """Takes how long after its time limit a statement is waited for."""
        self._way = way
        self._grace_s = grace_s
        self._slots = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="database")
        self._out: dict[asyncio.Future[StatementResult], Limit] = {}

    async def run(self, statement: RunStatement) -> StatementResult:
        await self._slots.acquire()
        limit = Limit(statement.time_limit_s)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._work, statement, limit)
        self._out[work] = limit
        work.add_done_callback(self._ended)
        try:
            await asyncio.wait({work}, timeout=statement.time_limit_s + self._grace_s)
        finally:
            limit.give_up()
        return work.result() if work.done() else _given_up(statement, limit)

    async def aclose(self) -> None:
        for limit in self._out.values():
            limit.give_up()
        if self._out:
            await asyncio.wait(list(self._out), timeout=self._grace_s)
        self._threads.shutdown(wait=False)
        self._way.engine.dispose()

    def _ended(self, work: "asyncio.Future[StatementResult]") -> None:
        """Frees the place when the thread is free, which is perhaps later than the call."""
        del self._out[work]
        self._slots.release()
        work.exception()  # one that nobody waits for any more is told to nobody

    def _work(self, statement: RunStatement, limit: Limit) -> StatementResult:
        try:
            connection = self._way.engine.connect()
        except SQLAlchemyError as error:
            return StatementFailed(StatementFailure.UNREACHABLE, _words(error))
        with connection:
            try:
                return self._transact(connection, statement, limit)
            except Stopped as stopped:
                self._drop(connection)
                return stopped.failed
            except (SQLAlchemyError, OverflowError, UnicodeError) as error:
                failed = self._told(error, statement, limit)
                try:
                    connection.rollback()
                except SQLAlchemyError:
                    self._drop(connection)
                return failed

    def _transact(
        self, connection: Connection, statement: RunStatement, limit: Limit
    ) -> StatementResult:
        self._way.prepare(connection.connection.driver_connection, statement, limit)
        params = {name: as_scalar(value) for name, value in statement.params.items()}
        result = connection.execution_options(**self._way.options).execute(
            text(statement.sql), params
        )
        rows = None
        if result.returns_rows and statement.wants_rows:
            collected = Rows(list(result.keys()), statement)
            while batch := result.fetchmany(min(_AT_ONCE, statement.max_rows + 1)):
                for row in batch:
                    collected.add(row)
                if limit.is_over():
                    break
            rows = collected.found
        affected = len(rows) if rows is not None else max(result.rowcount, 0)
        result.close()
        if limit.is_over():
            raise Stopped(StatementFailure.TIMEOUT, _late(statement))
        limit.is_committing = True
        connection.commit()
        return StatementAnswer(affected, rows)

    def _drop(self, connection: Connection) -> None:
        """Closes a connection on which something is still to come, without reading that."""
        if not connection.invalidated:
            self._way.abandon(connection.connection.driver_connection)
            connection.invalidate()

    def _told(
        self, error: Exception, statement: RunStatement, limit: Limit
    ) -> StatementFailed | CallFailed:
        failure = StatementFailure.PARAMETER
        if isinstance(error, DBAPIError) and error.orig is not None:
            failure = self._way.failure_of(error.orig)
        elif isinstance(error, SQLAlchemyError) and not isinstance(error, StatementError):
            failure = StatementFailure.REFUSED
        if failure is StatementFailure.UNREACHABLE and limit.is_committing:
            return in_doubt(_words(error))
        if failure is StatementFailure.UNREACHABLE and limit.is_over():
            failure = StatementFailure.TIMEOUT
        if failure is StatementFailure.TIMEOUT:
            return StatementFailed(failure, f"{_late(statement)}: {_words(error)}")
        return StatementFailed(failure, _words(error))


def in_doubt(why: str) -> CallFailed:
    """Makes the failure of a statement whose commit was sent, and no more is known."""
    return CallFailed(CallFailure.BROKEN, f"the connection was lost during the commit: {why}")


def _given_up(statement: RunStatement, limit: Limit) -> StatementFailed | CallFailed:
    if limit.is_committing:
        return in_doubt("the database does not answer")
    return StatementFailed(StatementFailure.TIMEOUT, _late(statement))


def _late(statement: RunStatement) -> str:
    return f"the statement took longer than {statement.time_limit_s:g} s"


def _words(error: Exception) -> str:
    """Gives what the driver said, without the statement and the values that SQLAlchemy adds."""
    said = error.orig if isinstance(error, StatementError) and error.orig else error
    return str(said.args[-1] if said.args else said)
