"""The migrations build what the tables say, in a database with data in it too."""

import subprocess
import sys

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pysqlite3 import dbapi2

from engine.store.migrations import NEWEST
from engine.store.migrations.upgrade import known, upgrade
from engine.store.opening import open_store
from engine.store.tables import Row
from tests.store.store_values import batch, make_task, task_id


def engine_for(file):
    return sqlalchemy.create_engine(f"sqlite+pysqlite:///{file}", module=dbapi2)


def is_for(dialect):
    """Whether a database of this kind has a thing of the schema."""
    return lambda thing, *_: getattr(thing, "info", {}).get("only") in (None, dialect)


def shape_of(file):
    """Gives columns and indexes: a column that was added stands behind the constraints."""
    connection = dbapi2.connect(str(file))
    shape = {name: text for name, text in schema_of(file).items() if "INDEX" in text}
    for table in [name for name, text in schema_of(file).items() if "TABLE" in text]:
        shape[table] = connection.execute(f"PRAGMA table_info({table})").fetchall()
    connection.close()
    return shape


def schema_of(file):
    connection = dbapi2.connect(str(file))
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    ).fetchall()
    connection.close()
    return dict(rows)


@pytest.fixture
async def migrated(tmp_path):
    file = tmp_path / "engine.db"
    await (await open_store(f"sqlite:///{file}")).aclose()
    return file


def test_newest_revision_is_the_one_tables_are_written_for():
    revisions = known()

    assert max(revisions) == NEWEST


def test_alembic_finds_no_difference_to_the_tables(migrated):
    engine = engine_for(migrated)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_for("sqlite")})
        differences = compare_metadata(context, Row.metadata)

    engine.dispose()
    assert differences == []


def test_migrated_schema_is_the_schema_of_the_tables(migrated, tmp_path):
    built = tmp_path / "built.db"
    engine = engine_for(built)
    Row.metadata.create_all(engine)
    engine.dispose()

    assert shape_of(migrated) == shape_of(built)


async def test_migrated_database_is_not_migrated_again(migrated):
    before = migrated.read_bytes()

    await (await open_store(f"sqlite:///{migrated}")).aclose()

    assert migrated.read_bytes() == before


def test_database_that_is_up_to_date_opens_without_alembic(migrated):
    program = (
        "import asyncio, sys\n"
        "from engine.store.opening import open_store\n"
        "async def run():\n"
        f"    await (await open_store('sqlite:///{migrated}')).aclose()\n"
        "asyncio.run(run())\n"
        "sys.exit('alembic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0


async def test_upgrade_that_breaks_off_leaves_nothing_behind(tmp_path):
    file = tmp_path / "engine.db"
    engine = engine_for(file)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection)
        connection.rollback()
    engine.dispose()

    assert schema_of(file) == {}
    store = await open_store(f"sqlite:///{file}")
    await store.commit(batch(created=[make_task()]))
    assert (await store.task(("shop", task_id(1)))).visit == 1
    await store.aclose()
