"""What is secret is encrypted in the database, with keys that are not in it."""

import stat
from base64 import b64encode

import pytest

from engine.core.batch import Wants
from engine.errors import KeyMissing, StoreError
from engine.store.interface import NewVersion
from engine.store.opening import keyring_of, open_store
from engine.store.sealing import Keyring
from tests.store.store_values import NOW, batch, make_kept, make_task, task_id

CANARY = "cAnArY-in-the-coal-mine"
DATA = {"token": CANARY}
VERSION = NewVersion("shop", "d1", f"title: {CANARY}", "shop.yaml", None, "hash", is_sealed=True)


def url_of(folder):
    return f"sqlite:///{folder}/engine.db"


def bytes_of(folder):
    """All that lies in a folder, but the keys."""
    return b"".join(
        file.read_bytes()
        for file in folder.iterdir()
        if file.is_file() and not file.name.endswith(".key")
    )


async def written(url, **options):
    """A database with a task, a message and a version that have secrets."""
    store = await open_store(url, **options)
    await store.deploy([VERSION], NOW)
    await store.commit(
        batch(
            created=[make_task(data=DATA, is_sealed=True)],
            kept=[make_kept(data=DATA, is_sealed=True)],
        )
    )
    return store


async def test_sealed_data_is_given_back_as_it_was(store):
    if not hasattr(store, "keys"):
        pytest.skip("keeps nothing on disk")
    store.keys = Keyring.in_memory()
    await store.commit(
        batch(
            created=[make_task(data=DATA, is_sealed=True)],
            kept=[make_kept(data=DATA, is_sealed=True)],
        )
    )

    found = await store.load(Wants(ids={task_id(1)}, keys={("shop", "order-1")}))

    assert found.tasks[task_id(1)].data == DATA
    assert found.tasks[task_id(1)].is_sealed
    assert found.tasks[task_id(1)].size == len('{"token":"cAnArY-in-the-coal-mine"}')
    assert [kept.data for kept in found.mail] == [DATA]
    assert found.mail[0].is_sealed


async def test_nothing_secret_is_in_the_file_or_its_log(tmp_path):
    store = await written(url_of(tmp_path))

    while_it_works = bytes_of(tmp_path)
    await store.aclose()

    assert b"order-1" in while_it_works
    assert CANARY.encode() not in while_it_works
    assert CANARY.encode() not in bytes_of(tmp_path)


async def test_the_first_key_is_made_beside_the_file_for_its_owner_only(tmp_path):
    await (await written(url_of(tmp_path))).aclose()

    key = tmp_path / "engine.db.key"

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len([line for line in key.read_text().splitlines() if line[0] != "#"]) == 1


async def test_no_key_is_made_where_nothing_is_secret(tmp_path):
    store = await open_store(url_of(tmp_path))
    await store.deploy([NewVersion("shop", "d1", "title: x", "shop.yaml", None, "hash")], NOW)
    await store.commit(batch(created=[make_task()]))
    await store.aclose()

    assert not (tmp_path / "engine.db.key").exists()


async def test_a_database_is_read_again_with_its_key(tmp_path):
    await (await written(url_of(tmp_path))).aclose()

    store = await open_store(url_of(tmp_path))

    assert (await store.task(("shop", task_id(1)))).data == DATA
    assert [version.source for version in await store.versions()] == [VERSION.source]
    await store.aclose()


@pytest.mark.parametrize("replaced", [None, b64encode(bytes(32)).decode()])
async def test_without_its_key_a_database_is_not_opened_and_no_key_is_made(tmp_path, replaced):
    await (await written(url_of(tmp_path))).aclose()
    (tmp_path / "engine.db.key").unlink()
    if replaced:
        (tmp_path / "engine.db.key").write_text(replaced)

    with pytest.raises(KeyMissing, match="with which this database's secrets are encrypted"):
        await open_store(url_of(tmp_path))

    assert (tmp_path / "engine.db.key").exists() == bool(replaced)
    (tmp_path / "engine.db.lock").unlink(missing_ok=True)


async def test_a_key_file_that_is_named_is_not_made(tmp_path):
    store = await open_store(url_of(tmp_path), key_file=f"{tmp_path}/keys/mine")

    with pytest.raises(KeyMissing, match=r"no key in '.*/keys/mine'"):
        await store.deploy([VERSION], NOW)

    assert await store.versions() == []
    await store.aclose()


async def test_a_server_needs_a_key_file(postgres_url):
    store = await open_store(postgres_url)

    with pytest.raises(KeyMissing, match="no key to encrypt them with") as caught:
        await store.deploy([VERSION], NOW)

    assert "new-key" in caught.value.hint
    assert await store.versions() == []
    await store.aclose()


async def test_engines_on_a_server_must_have_the_same_key(postgres_url, tmp_path):
    first, second = Keyring(tmp_path / "first"), Keyring(tmp_path / "second")
    first.add(), second.add()
    one = await written(postgres_url, key_file=str(first.file))

    with pytest.raises(KeyMissing, match=f"the key '{first.newest}'"):
        await open_store(postgres_url, key_file=str(second.file))

    other = await open_store(postgres_url, key_file=str(first.file))
    assert (await other.task(("shop", task_id(1)))).data == DATA
    await one.aclose()
    await other.aclose()


async def test_a_version_that_was_kept_in_plain_is_sealed_when_it_is_deployed_again(tmp_path):
    store = await open_store(url_of(tmp_path))
    plain = NewVersion("shop", "d1", VERSION.source, "shop.yaml", None, "hash")
    await store.deploy([plain], NOW)
    await store.deploy([VERSION], NOW)

    (version,) = await store.versions()

    assert (version.version, version.source) == (1, VERSION.source)
    rows = await store._read(
        lambda connection: connection.exec_driver_sql("SELECT source FROM version").fetchall()
    )
    assert rows[0][0].startswith("sealed:1:")
    await store.aclose()


def test_what_was_changed_or_moved_is_not_opened():
    keys = Keyring.in_memory()
    sealed = keys.seal("hush", "task-1")

    assert keys.unseal(sealed, "task-1") == "hush"
    for text, place in (
        (sealed, "task-2"),
        (sealed[:-4] + "AAA=", "task-1"),
        (sealed[:-4], "task-1"),
        (sealed + "!", "task-1"),
    ):
        with pytest.raises(StoreError, match="was changed, or belongs elsewhere"):
            keys.unseal(text, place)


def test_the_same_text_is_sealed_differently_each_time():
    keys = Keyring.in_memory()

    assert keys.seal("hush", "a") != keys.seal("hush", "a")


def test_keys_are_added_at_the_end_of_the_file(tmp_path):
    keys = Keyring(tmp_path / "keys")
    first = keys.add()
    second = keys.add()

    again = Keyring(tmp_path / "keys")
    again.read()

    assert again.newest == second != first
    again.use(first)
    assert keys.unseal(again.seal("hush", "a"), "a") == "hush"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["keys"]


@pytest.mark.parametrize("line", ["hush", "aGFsbG8=", "ü" * 44])
def test_what_is_no_key_is_told_by_its_line(tmp_path, line):
    (tmp_path / "keys").write_text(f"# keys\n\n{line}\n")

    with pytest.raises(KeyMissing, match=r"line 3 of .* is no key") as caught:
        Keyring(tmp_path / "keys").read()

    assert line not in str(caught.value)


def test_a_key_may_be_written_with_the_other_alphabet(tmp_path):
    key = b"\xfb\xff" * 16
    (tmp_path / "a").write_text(b64encode(key).decode())
    (tmp_path / "b").write_text(b64encode(key, b"-_").decode())
    one, other = Keyring(tmp_path / "a"), Keyring(tmp_path / "b")
    one.make_ready()
    other.make_ready()

    assert other.unseal(one.seal("hush", "x"), "x") == "hush"


def test_a_key_file_that_can_not_be_written_is_told(tmp_path):
    with pytest.raises(KeyMissing, match="can't be written: No such file"):
        Keyring(tmp_path / "nowhere" / "keys").add()
    with pytest.raises(KeyMissing, match="can't be read"):
        Keyring(tmp_path).read()


def test_the_keys_of_a_file_lie_beside_it_and_those_of_memory_nowhere(tmp_path):
    assert keyring_of(url_of(tmp_path)).file == tmp_path / "engine.db.key"
    assert keyring_of("sqlite://").file is None
    assert keyring_of("postgresql://localhost/engine").file is None
    assert keyring_of(url_of(tmp_path), "other").file.name == "other"
