"""Drivers that block: threads that are late, and what the errors of PyMySQL mean."""

import asyncio
import sqlite3
import threading
from dataclasses import replace
from types import SimpleNamespace

import pymysql
import pytest
from sqlalchemy import event, make_url

from engine.core.command import (
    CallFailed,
    CallFailure,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
)
from engine.outside.database.mysql import _abandon, _failure_of, _prepare
from engine.outside.database.sqlite import open_sqlite
from engine.outside.database.threads import Limit, ThreadedDatabase

LATE = StatementFailed(StatementFailure.TIMEOUT, "the statement took longer than 0.02 s")


def statement(sql, **more):
    usual = {"time_limit_s": 60.0, "max_rows": 1000, "max_response_bytes": 2**20}
    return RunStatement("shop", sql, {}, **(usual | more))


@pytest.fixture
def way(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return open_sqlite(make_url(f"sqlite:///{tmp_path}/shop.db"), 1, "")._way


@pytest.fixture
def go_on():
    """What a thread waits for."""
    let = threading.Event()
    yield let
    let.set()


async def test_a_thread_that_is_late_keeps_its_place_and_never_commits(way, go_on):
    def wait(connection, statement, limit):
        way.prepare(connection, statement, limit)
        connection.set_progress_handler(None, 0)
        go_on.wait()

    database = ThreadedDatabase(replace(way, prepare=wait), 1, grace_s=0.0)

    failed = await database.run(statement("INSERT INTO t VALUES (1)", time_limit_s=0.02))
    is_taken = database._slots.locked()
    go_on.set()
    left = await database.run(statement("SELECT x FROM t"))
    await database.aclose()

    assert failed == LATE
    assert is_taken
    assert left == StatementAnswer(0, [])


async def test_a_thread_that_does_not_come_back_from_its_commit_leaves_a_doubt(way, go_on):
    event.listen(way.engine, "commit", lambda connection: go_on.wait())
    database = ThreadedDatabase(way, 1, grace_s=0.0)

    failed = await database.run(statement("INSERT INTO t VALUES (1)", time_limit_s=0.5))
    go_on.set()
    await database.run(statement("SELECT x FROM t"))
    await database.aclose()

    assert failed == CallFailed(
        CallFailure.BROKEN,
        "the connection was lost during the commit: the database does not answer",
    )


@pytest.fixture
def with_late_constraint(way, tmp_path):
    """Adds a constraint that SQLite looks at when it commits."""
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    connection.execute(
        "CREATE TABLE child (of REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    connection.close()
    event.listen(way.engine, "connect", lambda made, _: made.execute("PRAGMA foreign_keys = ON"))
    return way


async def test_a_failed_constraint_at_the_commit_changes_nothing(with_late_constraint):
    database = ThreadedDatabase(with_late_constraint, 1)

    failed = await database.run(statement("INSERT INTO child VALUES (7)"))
    left = await database.run(statement("SELECT of FROM child"))
    await database.aclose()

    assert failed == StatementFailed(StatementFailure.REFUSED, "FOREIGN KEY constraint failed")
    assert left == StatementAnswer(0, [])


async def test_a_connection_lost_during_the_commit_leaves_a_doubt(with_late_constraint):
    lost = replace(with_late_constraint, failure_of=lambda error: StatementFailure.UNREACHABLE)
    database = ThreadedDatabase(lost, 1)

    failed = await database.run(statement("INSERT INTO child VALUES (7)"))
    before = await database.run(statement("INSERT INTO nobody VALUES (7)"))
    await database.aclose()

    assert isinstance(failed, CallFailed)
    assert failed.is_in_doubt
    assert before == StatementFailed(StatementFailure.UNREACHABLE, "no such table: nobody")


async def test_closing_ends_what_is_out(way):
    database = ThreadedDatabase(way, 1)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    out = asyncio.create_task(database.run(statement(endless)))
    while not database._out:
        await asyncio.sleep(0)
    await database.aclose()

    assert (await out).failure == StatementFailure.TIMEOUT


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (pymysql.err.OperationalError(1213, "Deadlock"), StatementFailure.CONFLICT),
        (pymysql.err.OperationalError(1205, "Lock wait timeout"), StatementFailure.CONFLICT),
        (pymysql.err.OperationalError(3024, "maximum execution time"), StatementFailure.TIMEOUT),
        (pymysql.err.DataError(1264, "Out of range"), StatementFailure.PARAMETER),
        (pymysql.err.OperationalError(1366, "Incorrect integer"), StatementFailure.PARAMETER),
        (pymysql.err.OperationalError(2013, "Lost connection"), StatementFailure.UNREACHABLE),
        (pymysql.err.OperationalError(1045, "Access denied"), StatementFailure.UNREACHABLE),
        (pymysql.err.InterfaceError(0, ""), StatementFailure.UNREACHABLE),
        (pymysql.err.ProgrammingError(1064, "syntax"), StatementFailure.REFUSED),
        (pymysql.err.IntegrityError(1062, "Duplicate entry"), StatementFailure.REFUSED),
        (pymysql.err.InternalError("Packet sequence number wrong"), StatementFailure.REFUSED),
    ],
)
def test_an_error_of_mysql_is_told_by_its_number(error, failure):
    assert _failure_of(error) == failure


def test_the_socket_of_mysql_has_the_time_that_is_left():
    connection = SimpleNamespace(_read_timeout=10, _write_timeout=10)

    _prepare(connection, statement("SELECT 1"), Limit(0.0))

    assert (connection._read_timeout, connection._write_timeout) == (0.001, 0.001)


def test_rows_of_mysql_that_nobody_wants_are_not_read():
    result = SimpleNamespace(unbuffered_active=True)

    _abandon(SimpleNamespace(_result=result))
    _abandon(SimpleNamespace(_result=None))

    assert result.unbuffered_active is False


def test_pymysql_has_what_the_limits_are_set_on():
    connection = pymysql.Connection(defer_connect=True)

    assert {"_read_timeout", "_write_timeout", "_result"} <= vars(connection).keys()
    assert pymysql.connections.MySQLResult(connection).unbuffered_active is False
