"""What is particular to files of SQLite."""

import sqlite3
from pathlib import Path

import pytest

from engine.core.command import RunStatement, StatementAnswer, StatementFailure
from engine.outside.database.databases import Databases


def statement(sql, params=None, **more):
    usual = {"time_limit_s": 60.0, "max_rows": 1000, "max_response_bytes": 2**20}
    return RunStatement("shop", sql, params or {}, **(usual | more))


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "a 100% shop?.db"
    connection = sqlite3.connect(made)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    return made


@pytest.fixture
async def databases(file):
    opened = Databases({"shop": f"sqlite:///{str(file).replace('?', '%3F')}"}, 1, "")
    yield opened
    await opened.aclose()


@pytest.fixture
async def plain(tmp_path):
    (tmp_path / "plain.db").touch()
    opened = Databases({"shop": f"sqlite:///{tmp_path}/plain.db"}, 2, "postgresql://x/y")
    yield opened
    await opened.aclose()


async def test_a_file_is_not_made(tmp_path):
    databases = Databases({"shop": f"sqlite:///{tmp_path}/new.db"}, 1, "")

    failed = await databases.perform(statement("SELECT 1"))
    await databases.aclose()

    assert failed.failure == StatementFailure.UNREACHABLE
    assert not Path(tmp_path / "new.db").exists()


async def test_another_file_cannot_be_attached(plain, tmp_path):
    failed = await plain.perform(statement(f"ATTACH '{tmp_path}/other.db' AS other"))

    assert failed.failure == StatementFailure.REFUSED


async def test_a_file_that_is_none_of_sqlite_is_told(tmp_path):
    (tmp_path / "text.db").write_text("no database" * 1000)
    databases = Databases({"shop": f"sqlite:///{tmp_path}/text.db"}, 1, "")

    failed = await databases.perform(statement("SELECT * FROM t"))
    await databases.aclose()

    assert failed.failure == StatementFailure.UNREACHABLE


async def test_a_file_that_another_holds_is_waited_for(plain, tmp_path):
    await plain.perform(statement("CREATE TABLE t (x)"))
    other = sqlite3.connect(tmp_path / "plain.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    failed = await plain.perform(statement("INSERT INTO t VALUES (1)", time_limit_s=0.05))
    other.execute("ROLLBACK")
    other.close()
    written = await plain.perform(statement("INSERT INTO t VALUES (1)"))

    assert failed.failure == StatementFailure.TIMEOUT
    assert written == StatementAnswer(1)


async def test_values_of_any_type_become_json(plain):
    answer = await plain.perform(
        statement(
            "SELECT :list AS list, :object AS object, :yes AS yes, 1.5 AS real,"
            " x'00ff' AS bytes, CAST(x'ff41' AS TEXT) AS broken, 9e999 AS endless",
            {"list": [1, "a"], "object": {"b": None}, "yes": True},
        )
    )

    assert answer.rows == [
        {
            "list": '[1,"a"]', "object": '{"b":null}', "yes": 1, "real": 1.5,
            "bytes": "AP8=", "broken": "�A", "endless": "inf",
        }
    ]  # fmt: skip


async def test_a_pattern_that_would_take_for_ever_is_refused(plain):
    failed = await plain.perform(
        statement("SELECT :text LIKE :pattern", {"text": "a" * 9000, "pattern": "%a" * 2000 + "b"})
    )

    assert failed.failure == StatementFailure.REFUSED


async def test_a_table_can_be_made_and_is_rolled_back_with_its_transaction(plain):
    made = await plain.perform(statement("CREATE TABLE t AS SELECT 1 AS x"))
    failed = await plain.perform(
        statement("WITH n AS (SELECT 1) INSERT INTO t SELECT 2 UNION SELECT 3 RETURNING x",
                  max_rows=1)
    )  # fmt: skip
    found = await plain.perform(statement("SELECT x FROM t"))

    assert (made, failed.failure) == (StatementAnswer(0), StatementFailure.TOO_MANY)
    assert found.rows == [{"x": 1}]
