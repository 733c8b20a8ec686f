"""What is particular to PostgreSQL: its types, and its network."""

import asyncio

import pytest
from sqlalchemy import make_url

from engine.core.command import (
    CallFailed,
    CallFailure,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
)
from engine.outside.database.postgres import PostgresDatabase
from tests.store.postgres_server import PostgresServer


def statement(sql, params=None, **more):
    usual = {"time_limit_s": 60.0, "max_rows": 1000, "max_response_bytes": 2**20}
    return RunStatement("shop", sql, params or {}, **(usual | more))


@pytest.fixture
async def database(postgres_server):
    opened = PostgresDatabase(make_url(postgres_server.url()), 2)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("1::int2", 1),
        ("9007199254740993::int8", 9007199254740993),
        ("0.5::float4", 0.5),
        ("'NaN'::float8", "nan"),
        ("12.50::numeric", 12.5),
        ("12::numeric", 12),
        ("0.1::numeric", 0.1),
        ("12345678901234567.89::numeric", "12345678901234567.89"),
        ("1e30::numeric", 1e30),
        ("'NaN'::numeric", "NaN"),
        ("true", True),
        ("'x'::char(3)", "x  "),
        ("'2024-02-29'::date", "2024-02-29"),
        ("'12:30'::time", "12:30:00"),
        ("'2024-02-29 12:00'::timestamp", "2024-02-29T12:00:00"),
        ("'2024-02-29 12:00+02'::timestamptz", "2024-02-29T10:00:00+00:00"),
        ("'infinity'::timestamptz", "infinity"),
        ("'1 day 2 hours'::interval", "1 day 02:00:00"),
        ("'{\"a\": [1, null]}'::jsonb", {"a": [1, None]}),
        ("'[1]'::json", [1]),
        ("ARRAY[1, 2, NULL]", [1, 2, None]),
        ("ARRAY[ARRAY['a', 'b,\"c'], ARRAY['', 'NULL']]", [["a", 'b,"c'], ["", "NULL"]]),
        ("ARRAY['2024-02-29'::timestamp]", ["2024-02-29T00:00:00"]),
        ("'\\x00ff'::bytea", "AP8="),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("'00000000-0000-0000-0000-000000000001'::uuid", "00000000-0000-0000-0000-000000000001"),
        ("B'101'", "101"),
        ("'(1,2)'::point", [1.0, 2.0]),
    ],
)
async def test_every_type_becomes_json(database, sql, value):
    answer = await database.run(statement(f"SELECT {sql.replace(':', chr(92) + ':')} AS value"))

    assert answer.rows == [{"value": value}]


@pytest.mark.parametrize(
    ("type_name", "given", "read"),
    [
        ("int4", "5", 5),
        ("int4", 5.0, 5),
        ("text", 5, "5"),
        ("text", "5", "5"),
        ("text", "", ""),
        ("numeric", 0.1, 0.1),
        ("bool", True, True),
        ("bool", 1, True),
        ("timestamptz", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00+00:00"),
        ("date", "2024-02-29", "2024-02-29"),
        ("interval", "90 minutes", "01:30:00"),
        ("uuid", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
        ("jsonb", {"a": "ї"}, {"a": "ї"}),
        ("jsonb", [1, 2], [1, 2]),
        ("int4[]", [1, "2", None], [1, 2, None]),
        ("text[]", ["a,b", 'c"d', None, "NULL"], ["a,b", 'c"d', None, "NULL"]),
        ("int4", None, None),
    ],
)
async def test_a_value_is_read_for_the_type_at_its_place(database, type_name, given, read):
    answer = await database.run(
        statement(f"SELECT CAST(:value AS {type_name}) AS value", {"value": given})
    )

    assert answer == StatementAnswer(1, [{"value": read}])


@pytest.mark.parametrize(
    ("type_name", "given"),
    [
        ("int4", "five"),
        ("int4", 5.5),
        ("int2", 100_000),
        ("date", "2024-02-30"),
        ("uuid", "x"),
        ("jsonb", "{"),
        ("text", "a\0b"),
        ("int4[]", 5),
        ("bytea", 5),
    ],
)
async def test_a_value_that_is_none_of_the_type_is_told(database, type_name, given):
    failed = await database.run(
        statement(f"SELECT CAST(:value AS {type_name}) AS value", {"value": given})
    )

    assert failed.failure == StatementFailure.PARAMETER


@pytest.mark.parametrize("sql", ["ROW(true)", "ARRAY[ROW(1, 'a')]", "int4range(1, 5)"])
async def test_a_type_of_several_values_is_refused_with_what_to_do(database, sql):
    failed = await database.run(statement(f"SELECT {sql} AS value"))
    told = await database.run(statement(f"SELECT to_jsonb({sql}) AS value"))

    assert failed.failure == StatementFailure.REFUSED
    assert "to_jsonb" in failed.description
    assert len(told.rows) == 1


async def test_a_list_may_be_searched_in(database):
    answer = await database.run(
        statement("SELECT i FROM generate_series(1, 9) AS i WHERE i = ANY(:some)", {"some": [2, 7]})
    )

    assert answer.rows == [{"i": 2}, {"i": 7}]


async def test_what_a_statement_sets_for_its_session_is_gone_with_it(database):
    await database.run(statement("SET search_path = nowhere"))

    answer = await database.run(statement("SHOW search_path"))

    assert answer.rows == [{"search_path": '"$user", public'}]


async def test_a_failed_constraint_at_the_commit_is_a_refusal(database):
    await database.run(statement("DROP TABLE IF EXISTS late"))
    await database.run(statement("CREATE TABLE late (x int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))

    failed = await database.run(statement("INSERT INTO late VALUES (1), (1)"))
    left = await database.run(statement("SELECT x FROM late"))

    assert failed.failure == StatementFailure.REFUSED
    assert left.rows == []


async def test_a_lock_is_waited_for_no_longer_than_the_limit(database, postgres_server):
    await database.run(statement("DROP TABLE IF EXISTS locked"))
    await database.run(statement("CREATE TABLE locked (x int)"))
    holding = asyncio.create_task(
        database.run(statement("SELECT x FROM locked, pg_sleep(600) FOR UPDATE"))
    )
    while not (
        await database.run(
            statement("SELECT 1 FROM pg_locks WHERE relation = 'locked'\\:\\:regclass")
        )
    ).rows:
        pass

    failed = await database.run(statement("DROP TABLE locked", time_limit_s=0.05))
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)

    assert failed == StatementFailed(
        StatementFailure.TIMEOUT, "the statement took longer than 0.05 s"
    )


class Between:
    """Passes bytes on between a client and the server, until the client says a word."""

    def __init__(self, port, word, *, is_silent):
        self.port, self.word, self.is_silent = port, word, is_silent
        self.visitors = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self.server.close()
        await asyncio.gather(*self.visitors)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    async def serve(self, reader, writer):
        self.visitors.add(asyncio.current_task())
        back, forth = await asyncio.open_connection("127.0.0.1", self.port)
        answers = asyncio.create_task(self.copy(back, writer))
        while data := await reader.read(65536):
            if self.word in data:
                answers.cancel()
                if not self.is_silent:
                    break
                await reader.read()
                break
            forth.write(data)
        writer.transport.abort()
        forth.transport.abort()
        await asyncio.gather(answers, return_exceptions=True)

    async def copy(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_connection_lost_during_the_commit_leaves_a_doubt(postgres_server, is_silent):
    async with Between(postgres_server.port, b"COMMIT", is_silent=is_silent) as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        database = PostgresDatabase(make_url(url), 1, grace_s=0.0)
        failed = await database.run(statement("SELECT 1 AS x", time_limit_s=0.5))
        await database.aclose()

    assert isinstance(failed, CallFailed)
    assert (failed.failure, failed.is_in_doubt) == (CallFailure.BROKEN, True)
    assert failed.description.startswith("the connection was lost during the commit: ")


@pytest.mark.parametrize(
    ("word", "is_silent", "failure"),
    [
        (b"BEGIN", False, StatementFailure.UNREACHABLE),
        (b"now_or_never", False, StatementFailure.UNREACHABLE),
        (b"now_or_never", True, StatementFailure.TIMEOUT),
    ],
)
async def test_a_connection_lost_before_the_commit_leaves_none(
    postgres_server, word, is_silent, failure
):
    async with Between(postgres_server.port, word, is_silent=is_silent) as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        database = PostgresDatabase(make_url(url), 1, grace_s=0.0)
        failed = await database.run(statement("SELECT 1 AS now_or_never", time_limit_s=0.5))
        again = await database.run(statement("SELECT 1 AS now_or_never", time_limit_s=0.5))
        await database.aclose()

    assert isinstance(failed, StatementFailed)
    assert (failed.failure, again.failure) == (failure, failure)


async def test_a_server_that_says_nothing_is_given_up():
    gone = asyncio.Event()

    async def keep(reader, writer):
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = PostgresDatabase(make_url(f"postgresql://a:b@127.0.0.1:{port}/x"), 1, grace_s=0.0)

    failed = await database.run(statement("SELECT 1", time_limit_s=0.05))
    await gone.wait()
    server.close()

    assert failed == StatementFailed(StatementFailure.UNREACHABLE, "the database does not answer")


async def test_after_a_restart_of_the_server_the_next_statement_works():
    server = PostgresServer(auth="scram-sha-256", password="sesame")
    server.start()
    database = PostgresDatabase(make_url(server.url(login="postgres:sesame")), 2)
    try:
        before = await database.run(statement("SELECT 1 AS x"))
        await asyncio.to_thread(server.stop)
        away = await database.run(statement("SELECT 1 AS x"))
        await asyncio.to_thread(server.start)
        after = await database.run(statement("SELECT 1 AS x"))
        refused = await PostgresDatabase(make_url(server.url(login="postgres:wrong")), 2).run(
            statement("SELECT 1")
        )
    finally:
        await database.aclose()
        server.remove()

    assert (before.rows, after.rows) == ([{"x": 1}], [{"x": 1}])
    assert away.failure == StatementFailure.UNREACHABLE
    assert refused.failure == StatementFailure.UNREACHABLE
    assert refused.description == 'password authentication failed for user "postgres"'
