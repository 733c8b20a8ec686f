"""Statements on real databases: what they give, what fails them, and that they end in time."""

import asyncio

import pytest
from pysqlite3 import dbapi2

from engine.core.command import (
    Rows,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
)
from engine.outside.databases import Databases
from tests.store.postgres_server import PostgresServer

MAX_BYTES = 100_000
SLEEPS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(3600)",
}
MANY = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000)"
    " SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series(1, 1000000) AS i",
}


@pytest.fixture(scope="module")
def server():
    server = PostgresServer()
    server.start()
    server.sql("CREATE DATABASE shop")
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
async def shop(request, tmp_path):
    """A database with a table of orders; `shop.kind` is what it is."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/shop.db"
    else:
        url = request.getfixturevalue("server").url("shop")
    databases = Databases({"shop": url}, MAX_BYTES)
    shop = Shop(databases, request.param)
    await shop.run("DROP TABLE IF EXISTS orders")
    await shop.run("CREATE TABLE orders (id integer PRIMARY KEY, ref text UNIQUE, price real)")
    yield shop
    await databases.aclose()


class Shop:
    def __init__(self, databases, kind):
        self.databases = databases
        self.kind = kind

    async def run(self, sql, rows=Rows.ALL, limit_s=20.0, max_rows=1000, **parameters):
        call = RunStatement("shop", sql, parameters, rows, max_rows, limit_s, 5)
        return await self.databases.perform(call)


async def test_rows_are_objects(shop):
    added = await shop.run(
        "INSERT INTO orders VALUES (1, :ref, :price), (2, 'b', NULL)", ref="a", price=1.5
    )
    found = await shop.run("SELECT id, ref, price FROM orders ORDER BY id")

    assert added == StatementAnswer(2)
    assert found == StatementAnswer(
        [{"id": 1, "ref": "a", "price": 1.5}, {"id": 2, "ref": "b", "price": None}]
    )


async def test_one_row_is_an_object_and_none_is_null(shop):
    await shop.run("INSERT INTO orders VALUES (1, 'a', 2), (2, 'b', 3)")
    one = "SELECT ref FROM orders WHERE id = :id"

    assert await shop.run(one, Rows.ONE, id=2) == StatementAnswer({"ref": "b"})
    assert await shop.run(one, Rows.ONE, id=3) == StatementAnswer(None)


async def test_a_number_of_rows_is_given_where_no_row_is_wanted(shop):
    await shop.run("INSERT INTO orders VALUES (1, 'a', 2), (2, 'b', 3)")

    assert await shop.run("UPDATE orders SET price = 0", Rows.NONE) == StatementAnswer(2)


@pytest.mark.parametrize(
    "value",
    [
        "'; DROP TABLE orders; --",
        "a' OR '1'='1",
        "\\'; DELETE FROM orders; --",
        "{{ 7 * 7 }}",
        ":ref",
        "%s %(ref)s ?",
        "Ω " * 50,
    ],
)
async def test_a_value_is_a_value_whatever_it_says(shop, value):
    await shop.run("INSERT INTO orders VALUES (1, :ref, 1)", ref=value)

    found = await shop.run("SELECT ref FROM orders WHERE ref = :ref", ref=value)

    assert found == StatementAnswer([{"ref": value}])


async def test_arrays_and_objects_are_bound_as_json(shop):
    await shop.run("INSERT INTO orders VALUES (1, :ref, 1)", ref={"a": [1]})

    assert await shop.run("SELECT ref FROM orders") == StatementAnswer([{"ref": '{"a":[1]}'}])


async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_works(shop):
    ended = await shop.run(SLEEPS[shop.kind], limit_s=0.2)
    after = await shop.run("SELECT 1 AS one")

    assert (ended.failure, "longer than 0.2 s" in ended.description) == (
        StatementFailure.TIMEOUT,
        True,
    )
    assert after == StatementAnswer([{"one": 1}])


async def test_more_statements_than_connections_wait_in_line_and_time_out_there_too(shop):
    slow = [shop.run(SLEEPS[shop.kind], limit_s=1.0) for _ in range(12)]

    results = await asyncio.gather(*slow)

    assert {each.failure for each in results} == {StatementFailure.TIMEOUT}
    assert await shop.run("SELECT 1 AS one") == StatementAnswer([{"one": 1}])


async def test_a_statement_whose_task_has_left_is_ended(shop):
    running = asyncio.ensure_future(shop.run(SLEEPS[shop.kind], limit_s=600))
    await shop.run("SELECT 1")

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert await shop.run("SELECT 1 AS one") == StatementAnswer([{"one": 1}])


async def test_more_rows_than_allowed_are_an_error(shop):
    result = await shop.run(MANY[shop.kind], max_rows=10)

    assert result == StatementFailed(StatementFailure.TOO_LARGE, "the result has more than 10 rows")


async def test_a_result_larger_than_a_task_is_an_error_and_changes_nothing(shop):
    insert = "INSERT INTO orders VALUES (:id, :ref, 1)"
    for number in range(3):
        await shop.run(insert, id=number, ref=str(number) * 40_000)

    many = await shop.run("UPDATE orders SET price = 9 RETURNING ref, price")
    one = await shop.run("SELECT ref || ref || ref AS much FROM orders WHERE id = 1", Rows.ONE)

    assert {many.failure, one.failure} == {StatementFailure.TOO_LARGE}
    prices = await shop.run("SELECT DISTINCT price FROM orders")
    assert prices == StatementAnswer([{"price": 1.0}])


@pytest.mark.parametrize(
    "sql",
    [
        "SELEKT 1",
        "SELECT nothing FROM orders",
        "SELECT * FROM nowhere",
        "INSERT INTO orders VALUES (1, 'a', 1), (1, 'a', 1)",
    ],
)
async def test_what_the_database_refuses_is_told_in_its_words_without_the_statement(shop, sql):
    failed = await shop.run(sql)

    assert failed.failure is StatementFailure.REFUSED
    assert failed.description
    assert "[SQL:" not in failed.description
    assert "sqlalche.me" not in failed.description


async def test_values_that_are_no_json_are_written_as_json(server):
    databases = Databases({"shop": server.url("shop")}, MAX_BYTES)
    sql = (
        "SELECT 1.50::numeric AS price, 2::numeric AS whole, 'NaN'::float AS nan,"
        " DATE '2026-11-23' AS day, TIMESTAMPTZ '2026-11-23 10:00:00+00' AS moment,"
        " '\\x00ff'::bytea AS bytes, ARRAY[1, 2] AS list, '{\"a\": 1.5}'::jsonb AS object,"
        " '8f14e45f-ceea-467f-9c1a-000000000000'::uuid AS id, INTERVAL '90 seconds' AS time"
    )

    answer = await databases.perform(RunStatement("shop", sql, {}, Rows.ONE, 1, 20.0, 5))

    await databases.aclose()
    assert answer.result == {
        "price": 1.5,
        "whole": 2,
        "nan": None,
        "day": "2026-11-23",
        "moment": "2026-11-23T10:00:00+00:00",
        "bytes": "AP8=",
        "list": [1, 2],
        "object": {"a": 1.5},
        "id": "8f14e45f-ceea-467f-9c1a-000000000000",
        "time": 90.0,
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hunter22@127.0.0.1:1/shop", "onnection"),
        ("oracle://me:hunter22@there/shop", "needs the package"),
        ("nothing://me:hunter22@there/shop", "can't be understood"),
        ("hunter22", "can't be understood"),
        ("sqlite:////no/such/folder/hunter22/shop.db", "unable to open"),
    ],
)
async def test_a_database_that_can_not_be_reached_is_told_without_its_password(url, said):
    databases = Databases({"shop": url}, MAX_BYTES)

    failed = await databases.perform(RunStatement("shop", "SELECT 1", {}, Rows.ALL, 1, 20.0, 5))

    await databases.aclose()
    assert failed.failure is StatementFailure.UNREACHABLE
    assert said in failed.description
    assert "hunter22" not in failed.description


async def test_a_connection_that_the_settings_do_not_name_is_told(tmp_path):
    databases = Databases({}, MAX_BYTES)

    failed = await databases.perform(RunStatement("shop", "SELECT 1", {}, Rows.ALL, 1, 20.0, 5))

    assert failed == StatementFailed(
        StatementFailure.UNREACHABLE,
        "the settings have no connection 'shop': name its URL under [connections]",
    )


async def test_a_locked_file_is_a_matter_of_time(tmp_path):
    file = tmp_path / "shop.db"
    other = dbapi2.connect(str(file), isolation_level=None)
    other.execute("CREATE TABLE orders (id integer)")
    other.execute("BEGIN EXCLUSIVE")
    databases = Databases({"shop": f"sqlite:///{file}?timeout=0.01"}, MAX_BYTES)
    call = RunStatement("shop", "INSERT INTO orders VALUES (1)", {}, Rows.NONE, 1, 20.0, 5)

    locked = await databases.perform(call)
    other.execute("COMMIT")
    written = await databases.perform(call)

    other.close()
    await databases.aclose()
    assert (locked.failure, written) == (StatementFailure.UNREACHABLE, StatementAnswer(1))


async def test_a_server_that_comes_back_is_used_again():
    server = PostgresServer()
    server.start()
    databases = Databases({"shop": server.url("postgres")}, MAX_BYTES)
    call = RunStatement("shop", "SELECT 1 AS one", {}, Rows.ALL, 1, 20.0, 5)
    await databases.perform(call)

    server.stop("immediate")
    away = await databases.perform(call)
    server.start()
    back = await databases.perform(call)

    await databases.aclose()
    server.remove()
    assert away.failure is StatementFailure.UNREACHABLE
    assert back == StatementAnswer([{"one": 1}])
