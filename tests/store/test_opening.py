"""What people meet when a database is opened, and who may open it."""

import os
import subprocess
import sys

import pytest
from pysqlite3 import dbapi2

from engine.errors import SchemaTooNew, SettingsError, StoreError, StoreInUse
from engine.store import lock
from engine.store.lock import Address
from engine.store.opening import announce, open_store, path_of, serving
from engine.store.sqlite.file import check_library, sqlite_version
from tests.store.store_values import batch, make_task, task_id


@pytest.fixture
def file(tmp_path):
    return tmp_path / "engine.db"


@pytest.fixture
def url(file):
    return f"sqlite:///{file}"


@pytest.fixture
async def opened(url):
    store = await open_store(url)
    yield store
    await store.aclose()


# URLs.


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///engine.db", "engine.db"),
        ("sqlite:///data/engine.db", "data/engine.db"),
        ("sqlite:////var/lib/engine.db", "/var/lib/engine.db"),
    ],
)
def test_url_names_a_file(url, path):
    assert str(path_of(url)) == path


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_url_without_a_path_is_memory(url):
    assert path_of(url) is None


@pytest.mark.parametrize("url", ["mysql://host/db", "engine.db", "sqlite:///", "sqlite://host/x"])
async def test_unknown_url_is_refused_with_those_that_are_known(url):
    with pytest.raises(SettingsError, match=r"sqlite:///engine\.db"):
        await open_store(url)


# Places where no database can be.


async def test_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match=rf"the folder '{tmp_path}/data' .* does not exist"):
        await open_store(f"sqlite:///{tmp_path}/data/engine.db")

    assert list(tmp_path.iterdir()) == []


async def test_path_under_a_file_is_refused(file):
    file.write_text("")

    with pytest.raises(StoreError, match=rf"the folder '{file}' .* does not exist"):
        await open_store(f"sqlite:///{file}/engine.db")


async def test_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        await open_store(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_folder_that_may_not_be_written_to_is_refused(tmp_path, url):
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match="can't write beside the database"):
        await open_store(url)


async def test_lock_that_can_not_be_made_is_told(file, url):
    file.with_name("engine.db.lock").mkdir()

    with pytest.raises(StoreError, match="can't write beside the database"):
        await open_store(url)


async def test_file_that_is_no_database_is_refused_and_left_alone(file, url):
    file.write_text("a text that is long enough to be taken for a database's header" * 20)

    with pytest.raises(StoreError, match="the file is not a database"):
        await open_store(url)

    assert file.read_text().startswith("a text")


async def test_database_of_another_program_is_refused_and_left_alone(file, url):
    with dbapi2.connect(str(file)) as connection:
        connection.execute("CREATE TABLE album (title)")
    connection.close()
    before = file.read_bytes()

    with pytest.raises(StoreError, match="belongs to another program: it has a table 'album'"):
        await open_store(url)

    assert file.read_bytes() == before


async def test_failed_opening_leaves_no_lock(file, url):
    file.write_text("no database" * 100)
    with pytest.raises(StoreError):
        await open_store(url)
    file.unlink()

    store = await open_store(url)

    await store.aclose()


@pytest.mark.parametrize("version", ["3.7.17", "3.40.1", "3.51.2"])
def test_library_that_may_lose_data_is_refused(version):
    with pytest.raises(StoreError, match=f"the SQLite library is {version}"):
        check_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "4.0.0"])
def test_library_without_the_fault_is_taken(version):
    check_library(version)


def test_library_in_use_is_taken():
    check_library(sqlite_version())


def test_process_has_one_sqlite_library_only():
    program = "import sys, engine.store.sqlite.opening; sys.exit('_sqlite3' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0


# One engine a database.


async def test_second_opening_is_refused_with_the_first_one_named(opened, url):
    announce(url, "http://127.0.0.1:8080")

    with pytest.raises(StoreInUse, match=rf"process {os.getpid()}\).* at http://127.0.0.1:8080"):
        await open_store(url)


async def test_second_opening_is_refused_before_the_first_one_listens(opened, url):
    with pytest.raises(StoreInUse, match=rf"another engine \(process {os.getpid()}\) works on"):
        await open_store(url)


async def test_closed_database_can_be_opened_again(url):
    await (await open_store(url)).aclose()

    store = await open_store(url)

    await store.aclose()


async def test_serving_engine_is_found_until_it_closes(url):
    store = await open_store(url)
    assert serving(url) is None
    announce(url, "http://127.0.0.1:8080")

    assert serving(url) == Address("http://127.0.0.1:8080", os.getpid())

    await store.aclose()
    assert serving(url) is None


def test_note_of_a_dead_engine_is_not_believed(file, url):
    lock.note(file, "http://127.0.0.1:8080")

    assert serving(url) is None


def test_broken_note_is_no_engine(file, url):
    file.with_name("engine.db.address").write_text("{")

    assert serving(url) is None


async def test_memory_is_served_by_nobody():
    announce("sqlite://", "http://127.0.0.1:8080")

    assert serving("sqlite://") is None


async def test_two_databases_in_memory_are_two():
    first, second = await open_store("sqlite://"), await open_store("sqlite://")

    await first.commit(batch(created=[make_task()]))

    assert await second.task(("shop", task_id(1))) is None
    await first.aclose()
    await second.aclose()


# For reading only.


async def test_reader_sees_what_the_serving_engine_writes(opened, url):
    reader = await open_store(url, read_only=True)

    await opened.commit(batch(created=[make_task()]))

    assert (await reader.task(("shop", task_id(1)))).visit == 1
    await reader.aclose()


async def test_reader_can_not_write(opened, url):
    reader = await open_store(url, read_only=True)

    with pytest.raises(StoreError, match="for reading only"):
        await reader.commit(batch(created=[make_task()]))
    with pytest.raises(StoreError, match="for reading only"):
        await reader.deploy([], 0)

    await reader.aclose()


async def test_reader_does_not_take_the_lock(url):
    await (await open_store(url)).aclose()
    reader = await open_store(url, read_only=True)

    writer = await open_store(url)

    await writer.aclose()
    await reader.aclose()


async def test_reader_makes_no_database(file, url):
    with pytest.raises(StoreError, match="there is no database"):
        await open_store(url, read_only=True)

    assert not file.exists()


async def test_reader_refuses_an_older_database(file, url):
    file.touch()

    with pytest.raises(StoreError, match="older than this engine"):
        await open_store(url, read_only=True)


@pytest.mark.parametrize("read_only", [False, True])
async def test_database_of_a_newer_engine_is_refused_and_left_alone(file, url, read_only):
    await (await open_store(url)).aclose()
    connection = dbapi2.connect(str(file), isolation_level=None)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()

    with pytest.raises(SchemaTooNew, match="has the schema '9999'"):
        await open_store(url, read_only=read_only)

    assert file.read_bytes() == before
