"""What people meet when a database on a server is opened; no message ever tells a password."""

import subprocess
import sys

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from engine.core.batch import Wants
from engine.errors import SchemaTooNew, SettingsError, StoreError, StoreUnavailable
from engine.store.migrations.upgrade import upgrade
from engine.store.opening import announce, open_store, serving
from engine.store.postgres.line import connect
from engine.store.postgres.place import Place
from engine.store.rows import readable, storable
from engine.store.tables import Row
from tests.store.postgres_server import PostgresServer, free_port
from tests.store.store_values import batch, make_task, task_id

SECRET = "hush-hush"


@pytest.fixture(scope="module")
def guarded():
    """A server that asks for a password."""
    own = PostgresServer(auth="scram-sha-256", password=SECRET)
    own.start()
    yield own
    own.remove()


@pytest.fixture
def fresh_url(postgres_server):
    """A database with nothing in it."""
    postgres_server.sql("DROP DATABASE IF EXISTS fresh WITH (FORCE)", "CREATE DATABASE fresh")
    return postgres_server.url("fresh")


async def refusal(url, kind=StoreError, **options):
    with pytest.raises(kind) as refused:
        await open_store(url, **options)
    assert SECRET not in f"{refused.value} {refused.value.hint} {refused.value!r}"
    return f"{refused.value} / {refused.value.hint}"


# URLs.


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_database_is_opened_by_any_of_its_schemes(postgres_url, scheme):
    store = await open_store(postgres_url.replace("postgresql", scheme, 1))

    await store.commit(batch(created=[make_task()]))

    assert store.is_shared
    assert (await store.task(("shop", task_id(1)))).visit == 1
    await store.aclose()


@pytest.mark.parametrize(
    ("url", "name", "user"),
    [
        ("postgresql://me:p@db.example:5432/engine", "db.example:5432/engine", "me"),
        ("postgres://db.example/engine?sslmode=require", "db.example/engine", ""),
        ("postgresql://m%40e:p%40@a:1,b:2/engine", "a:1,b:2/engine", "m@e"),
        ("postgresql:///engine?host=/run/sock&user=me", "/run/sock/engine", "me"),
    ],
)
def test_url_names_a_database(url, name, user):
    place = Place.of(url)

    assert (place.name, place.user) == (name, user)


async def test_url_without_a_database_is_refused():
    told = await refusal(f"postgresql://me:{SECRET}@127.0.0.1:5432/", SettingsError)

    assert "names no database" in told


def test_database_on_a_server_is_served_by_nobody_that_is_known():
    announce("postgresql://me@db.example/engine", "http://127.0.0.1:1")

    assert serving("postgresql://me@db.example/engine") is None


# Refused.


async def test_wrong_password_is_told(guarded):
    guarded.sql("CREATE DATABASE engine", login=f"postgres:{SECRET}")

    told = await refusal(guarded.url("engine", "postgres:wrong"))

    assert "the user 'postgres' was refused / is the password right?" in told
    assert "wrong" not in told


async def test_right_password_opens(guarded):
    store = await open_store(guarded.url(login=f"postgres:{SECRET}"))

    assert await store.check() == []
    await store.aclose()


async def test_missing_database_is_told(guarded):
    told = await refusal(guarded.url("nowhere", f"postgres:{SECRET}"))

    assert "there is no database 'nowhere' / create it: CREATE DATABASE nowhere" in told


async def test_host_that_does_not_exist_is_told():
    told = await refusal(f"postgresql://me:{SECRET}@no-such-host.invalid/engine", StoreUnavailable)

    assert "can't open the database 'no-such-host.invalid/engine'" in told
    assert "are host and port right?" in told


async def test_port_where_nobody_listens_is_told():
    told = await refusal(f"postgresql://me:{SECRET}@127.0.0.1:{free_port()}/e", StoreUnavailable)

    assert "nobody listens there / is the server running" in told


async def test_user_who_may_not_make_tables_is_told(postgres_server, fresh_url):
    postgres_server.sql("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN", database="fresh")

    told = await refusal(fresh_url.replace("postgres@", "guest@"))

    assert "may the user 'guest' create tables in this database?" in told


async def test_database_of_another_program_is_left_alone(postgres_server, fresh_url):
    postgres_server.sql("CREATE TABLE task (id int)", database="fresh")

    told = await refusal(fresh_url)

    assert "belongs to another program: it has a table 'task'" in told
    assert postgres_server.sql("SELECT * FROM task", database="fresh") == []


async def test_database_beside_other_tables_is_used(postgres_server, fresh_url):
    postgres_server.sql("CREATE TABLE invoice (id int)", database="fresh")

    await (await open_store(fresh_url)).aclose()

    assert len(postgres_server.sql("SELECT * FROM alembic_version", database="fresh")) == 1


async def test_newer_database_is_refused(postgres_server, fresh_url):
    await (await open_store(fresh_url)).aclose()
    postgres_server.sql("UPDATE alembic_version SET version_num = '9999'", database="fresh")

    assert "the schema '9999'" in await refusal(fresh_url, SchemaTooNew)


async def test_other_encoding_is_refused(postgres_server):
    postgres_server.sql(
        "DROP DATABASE IF EXISTS latin",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    )

    assert "has the encoding LATIN1" in await refusal(postgres_server.url("latin"))


async def test_tables_in_use_elsewhere_are_given_up(postgres_server, fresh_url, monkeypatch):
    monkeypatch.setattr("engine.store.postgres.opening.LOCK_MS", 50)
    await (await open_store(fresh_url)).aclose()
    postgres_server.sql(
        "UPDATE alembic_version SET version_num = '0001'", "DROP TABLE worker", database="fresh"
    )
    other = await connect(Place.of(fresh_url))
    await other.execute("BEGIN; LOCK TABLE task")

    told = await refusal(fresh_url)

    await other.close()
    assert "its tables are in use and can't be changed now" in told


@pytest.mark.parametrize("package", ["asyncpg", "greenlet"])
def test_missing_package_is_told(package):
    program = (
        "import asyncio, sys\n"
        f"sys.modules['{package}'] = None\n"
        "from engine.errors import StoreError\n"
        "from engine.store.opening import open_store\n"
        "try:\n"
        "    asyncio.run(open_store('postgresql://me:hush@127.0.0.1/engine'))\n"
        "except StoreError as error:\n"
        "    print(error, '/', error.hint)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert done.stderr == ""
    assert done.stdout == (
        f"a database on a PostgreSQL server needs the package '{package}'"
        " / pip install 'conveyor-engine[postgres]'\n"
    )


# For reading only.


async def test_database_opened_for_reading_is_not_changed(postgres_url):
    writing = await open_store(postgres_url)
    await writing.commit(batch(created=[make_task()]))
    reading = await open_store(postgres_url, read_only=True)

    assert len((await reading.load(Wants(ids={task_id(1)}))).tasks) == 1
    for work in (
        reading.commit(batch(created=[make_task(2)])),
        reading.deploy([], 0),
        reading.join("host/1", 1, holds=True),
        reading.forget("shop", 0, 1),
        reading.forget_answers(0),
    ):
        with pytest.raises(StoreError, match="was opened for reading only"):
            await work
    await reading.aclose()
    await writing.aclose()


async def test_empty_database_is_not_made_by_a_reader(fresh_url):
    assert "is older than this engine" in await refusal(fresh_url, read_only=True)


# Schema.


async def columns_and_indexes(connection):
    rows = await connection.execute(
        sqlalchemy.text(
            "SELECT table_name || '.' || column_name, data_type || is_nullable"
            " || coalesce(collation_name, '') FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name <> 'alembic_version'"
            " UNION ALL SELECT indexname, regexp_replace(indexdef, ' ON \\w+\\.', ' ON ')"
            " FROM pg_indexes WHERE schemaname = current_schema()"
            " AND tablename <> 'alembic_version'"
        )
    )
    return dict(map(tuple, rows))


def is_for_postgresql(thing, *_):
    return getattr(thing, "info", {}).get("only") in (None, "postgresql")


def compare(connection):
    context = MigrationContext.configure(connection, opts={"include_object": is_for_postgresql})
    return compare_metadata(context, Row.metadata)


async def test_migrations_build_what_the_tables_say(postgres_server, fresh_url):
    await (await open_store(fresh_url)).aclose()
    engine = create_async_engine(fresh_url.replace("postgresql", "postgresql+asyncpg"))

    async with engine.connect() as connection:
        differences = await connection.run_sync(compare)
        migrated = await columns_and_indexes(connection)
        await connection.exec_driver_sql("CREATE SCHEMA built")
        await connection.exec_driver_sql("SET search_path = built")
        await connection.run_sync(Row.metadata.create_all)
        built = await columns_and_indexes(connection)

    await engine.dispose()
    assert differences == []
    assert migrated == built


async def test_schema_of_ones_own_is_used(postgres_server, fresh_url):
    postgres_server.sql("CREATE SCHEMA apart", database="fresh")

    store = await open_store(f"{fresh_url}?search_path=apart")
    await store.commit(batch(created=[make_task()]))
    await store.aclose()

    assert len(postgres_server.sql("SELECT * FROM apart.task", database="fresh")) == 1


async def test_upgrade_that_breaks_off_leaves_nothing_behind(postgres_server, fresh_url):
    engine = create_async_engine(fresh_url.replace("postgresql", "postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.rollback()
    await engine.dispose()

    tables = "SELECT FROM pg_tables WHERE schemaname = 'public'"
    assert postgres_server.sql(tables, database="fresh") == []
    store = await open_store(fresh_url)
    await store.commit(batch(created=[make_task()]))
    await store.aclose()


# Settings of the server.


async def test_acknowledged_means_on_disk_whatever_the_server_is_set_to(postgres_server, fresh_url):
    postgres_server.sql("ALTER DATABASE fresh SET synchronous_commit = off")
    store = await open_store(fresh_url)

    async with store._turns.use() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"

    await store.aclose()


@pytest.mark.parametrize("text", ["", "order-1", "a\0b", "\0", "\ufdd0", "\ufdd00", "\ufdd01\0"])
def test_text_with_any_sign_is_storable(text):
    assert "\0" not in storable(text)
    assert readable(storable(text)) == text
