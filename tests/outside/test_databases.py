"""Statements on a real SQLite and a real PostgreSQL: what they give, and how they fail."""

import asyncio
import sqlite3

import pytest

from engine.core.command import RunStatement, StatementAnswer, StatementFailed, StatementFailure
from engine.outside.database.databases import Databases

TABLE = "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE)"
PEOPLE = "INSERT INTO person VALUES (1, 'Anna', '1990-05-01'), (2, 'Bo', NULL)"
NASTY = "'; DROP TABLE person; --"
TIMED_OUT = StatementFailed(StatementFailure.TIMEOUT, "the statement took longer than 0.05 s")


def statement(sql, connection="shop", **more):
    params = more.pop("params", {})
    usual = {"time_limit_s": 60.0, "max_rows": 1000, "max_response_bytes": 2**20}
    return RunStatement(connection, sql, params, **(usual | more))


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    return request.param


@pytest.fixture
def url(kind, request, tmp_path):
    """A database with two people."""
    if kind == "sqlite":
        connection = sqlite3.connect(tmp_path / "shop.db")
        connection.execute(TABLE)
        connection.execute(PEOPLE)
        connection.commit()
        connection.close()
        return f"sqlite:///{tmp_path}/shop.db"
    server = request.getfixturevalue("postgres_server")
    server.sql("DROP TABLE IF EXISTS person", TABLE, PEOPLE)
    return server.url()


@pytest.fixture
async def databases(url):
    opened = Databases({"shop": url}, 2, "sqlite:///engine.db")
    yield opened
    await opened.aclose()


@pytest.fixture
def run(databases):
    async def perform(sql, **more):
        return await databases.perform(statement(sql, **more))

    return perform


async def people(run):
    return (await run("SELECT name FROM person ORDER BY id")).rows


async def test_rows_are_objects(run):
    answer = await run("SELECT id, name, born FROM person ORDER BY id")

    assert answer == StatementAnswer(
        2,
        [
            {"id": 1, "name": "Anna", "born": "1990-05-01"},
            {"id": 2, "name": "Bo", "born": None},
        ],
    )


async def test_a_statement_without_rows_says_how_many_it_changed(run):
    assert await run("UPDATE person SET name = upper(name)") == StatementAnswer(2)
    assert await people(run) == [{"name": "ANNA"}, {"name": "BO"}]


async def test_a_statement_that_writes_may_give_rows(run):
    answer = await run(
        "INSERT INTO person (id, name) VALUES (:id, :name) RETURNING id",
        params={"id": 3, "name": "Cy"},
    )

    assert answer == StatementAnswer(1, [{"id": 3}])
    assert len(await people(run)) == 3


async def test_a_statement_whose_rows_nobody_wants_gives_none(run):
    answer = await run("UPDATE person SET name = 'x' WHERE id = 1 RETURNING id", wants_rows=False)

    assert answer.rows is None
    assert await people(run) == [{"name": "x"}, {"name": "Bo"}]


async def test_no_rows_are_an_empty_list(run):
    assert await run("SELECT id FROM person WHERE id = 9") == StatementAnswer(0, [])


@pytest.mark.parametrize(
    "value",
    [NASTY, "a' OR '1'='1", '"; --', "$1", ":name", "%s", "?", "{{ env.HOME }}", "\\", "ї🙂"],
)
async def test_a_value_never_becomes_a_part_of_the_statement(run, value):
    added = await run("INSERT INTO person (id, name) VALUES (3, :name)", params={"name": value})
    found = await run("SELECT id FROM person WHERE name = :name", params={"name": value})

    assert added == StatementAnswer(1)
    assert found.rows == [{"id": 3}]
    assert len(await people(run)) == 3


async def test_a_name_may_be_bound_twice_and_a_colon_may_be_one(run):
    answer = await run(
        r"SELECT id, 'a\:b' AS text FROM person WHERE id = :id OR id = :id", params={"id": 2}
    )

    assert answer.rows == [{"id": 2, "text": "a:b"}]


async def test_a_date_is_bound_as_text(run):
    answer = await run("SELECT name FROM person WHERE born < :day", params={"day": "1991-01-01"})

    assert answer.rows == [{"name": "Anna"}]


async def test_null_is_bound_as_null(run):
    await run("UPDATE person SET born = :day", params={"day": None})

    answer = await run("SELECT id FROM person WHERE born IS NULL ORDER BY id")

    assert answer.rows == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("sql", "params", "failure", "words"),
    [
        ("SELEC 1", {}, StatementFailure.REFUSED, "syntax error"),
        ("SELECT * FROM nobody", {}, StatementFailure.REFUSED, "nobody"),
        ("INSERT INTO person VALUES (1, 'x', NULL)", {}, StatementFailure.REFUSED, "onstraint"),
        ("INSERT INTO person VALUES (7, :name, NULL)", {"name": None}, StatementFailure.REFUSED,
         "name"),
        ("SELECT 1; DROP TABLE person", {}, StatementFailure.REFUSED, ""),
        ("SELECT id, id FROM person", {}, StatementFailure.REFUSED, "two columns are called 'id'"),
        ("SELECT name FROM person WHERE id = :id", {"id": 10**30}, StatementFailure.PARAMETER, ""),
        ("SELECT name FROM person WHERE name = :n", {"n": "\ud800"}, StatementFailure.PARAMETER,
         ""),
    ],
)  # fmt: skip
async def test_what_a_database_refuses_is_a_value(run, sql, params, failure, words):
    failed = await run(sql, params=params)

    assert failed.failure == failure
    assert words in failed.description
    assert await people(run) == [{"name": "Anna"}, {"name": "Bo"}]


async def test_one_row_too_many_is_told_and_nothing_is_changed(run):
    failed = await run("UPDATE person SET name = 'x' RETURNING id", max_rows=1)

    assert failed == StatementFailed(
        StatementFailure.TOO_MANY, "the statement gives more than one row"
    )
    assert await people(run) == [{"name": "Anna"}, {"name": "Bo"}]


async def test_rows_that_are_too_large_are_told_and_nothing_is_changed(run):
    failed = await run("UPDATE person SET name = 'x' RETURNING id, name", max_response_bytes=30)

    assert failed == StatementFailed(
        StatementFailure.TOO_LARGE, "the statement gives more than 30 bytes"
    )
    assert await people(run) == [{"name": "Anna"}, {"name": "Bo"}]


MANY = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000)"
    " SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series(1, 1000000) AS i",
}


@pytest.mark.parametrize(
    ("more", "failure"),
    [
        ({"max_rows": 10}, StatementFailure.TOO_MANY),
        ({"max_rows": 10**7, "max_response_bytes": 10_000}, StatementFailure.TOO_LARGE),
        ({"max_rows": 10**7, "max_response_bytes": 2 * 10**6}, StatementFailure.TOO_LARGE),
    ],
)
async def test_a_million_rows_are_not_read(run, kind, more, failure):
    failed = await run(MANY[kind], **more)

    assert failed.failure == failure
    assert len(await people(run)) == 2


HUGE = {
    "sqlite": "SELECT zeroblob(500000000) AS cell",
    "postgresql": "SELECT repeat('x', 200000000) AS cell",
}


async def test_a_huge_cell_is_not_read(run, kind):
    failed = await run(HUGE[kind])

    assert failed.failure == StatementFailure.TOO_LARGE
    assert len(await people(run)) == 2


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


async def test_a_statement_that_never_ends_is_ended(run, kind):
    failed = await run(ENDLESS[kind], time_limit_s=0.05)

    assert failed.failure == StatementFailure.TIMEOUT
    assert failed.description.startswith("the statement took longer than 0.05 s")
    assert len(await people(run)) == 2


async def test_while_a_statement_is_out_others_run(databases, run, kind):
    endless = asyncio.create_task(databases.perform(statement(ENDLESS[kind])))
    await asyncio.sleep(0)

    found = await people(run)

    assert (len(found), endless.done()) == (2, False)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless


async def test_what_is_more_than_the_connections_waits_and_its_time_has_not_begun(databases, kind):
    several = [databases.perform(statement(ENDLESS[kind], time_limit_s=0.05)) for _ in range(5)]

    failed = await asyncio.gather(*several)

    assert {each.failure for each in failed} == {StatementFailure.TIMEOUT}


async def test_a_cancelled_statement_changes_nothing_and_its_place_is_free(databases, run, kind):
    slow = {
        "sqlite": "INSERT INTO person (name) WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "postgresql": "INSERT INTO person SELECT 5, pg_sleep(600)::text",
    }[kind]
    for _ in range(4):
        out = asyncio.create_task(databases.perform(statement(slow)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        out.cancel()
        with pytest.raises(asyncio.CancelledError):
            await out

    assert len(await people(run)) == 2


async def test_a_connection_that_is_not_set_is_told_with_what_to_do(databases):
    failed = await databases.perform(statement("SELECT 1", "stock"))

    assert failed == StatementFailed(
        StatementFailure.UNREACHABLE,
        "the connection 'stock' is not set: give its URL in engine.toml under [connections],"
        " or as ENGINE_CONNECTION_STOCK",
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("sqlite:///engine.db", "leads to the engine's own database"),
        ("postgresql://anna:sesame@127.0.0.1:1/x", "onnect"),
        ("postgresql+psycopg://anna:sesame@127.0.0.1:1/x", "onnect"),
        ("postgresql://anna:sesame@127.0.0.1:0x/x", "a URL that can't be read"),
        ("oracle://anna:sesame@127.0.0.1/x", "a database of a kind that is not offered"),
        ("mysql://anna:sesame@127.0.0.1:1/x", "onnect"),
        ("://anna:sesame", "a URL that can't be read"),
    ],
)
async def test_a_database_that_is_away_is_told_without_its_password(url, words):
    databases = Databases({"shop": url}, 2, "sqlite:///engine.db")

    failed = await databases.perform(statement("SELECT 1"))
    await databases.aclose()

    assert failed.failure == StatementFailure.UNREACHABLE
    assert words in failed.description
    assert "sesame" not in failed.description
