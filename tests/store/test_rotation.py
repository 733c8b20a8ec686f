"""A new key takes the old one's place, whatever happens on the way."""

import pytest

from engine.errors import KeyMissing, StoreError
from engine.store import rotation
from engine.store.interface import NewVersion
from engine.store.opening import open_store
from engine.store.rotation import rotate
from engine.store.sealing import Keyring
from tests.store.store_values import NOW, batch, make_kept, make_task, task_id

HOUR = 3_600_000_000
CANARY = "cAnArY-in-the-coal-mine"
DATA = {"token": CANARY}
VERSION = NewVersion("shop", "d1", f"title: {CANARY}", "shop.yaml", None, "hash", is_sealed=True)
OPEN = NewVersion("open", "d1", "title: x", "open.yaml", None, "hash")
TASKS = 1203


def nothing(*_):
    pass


@pytest.fixture(params=["file", "postgres"])
def place(request, tmp_path):
    """Where a database is, and a key file with one key."""
    keys = Keyring(tmp_path / "keys")
    keys.add()
    if request.param == "file":
        return f"sqlite:///{tmp_path}/engine.db", keys
    return request.getfixturevalue("postgres_url"), keys


async def written(place):
    url, keys = place
    store = await open_store(url, key_file=str(keys.file))
    await store.deploy([VERSION, OPEN], NOW)
    await store.commit(
        batch(
            created=[
                *(make_task(n, data=DATA, is_sealed=True) for n in range(TASKS)),
                make_task(5000, process="open", data={"open": "to all"}),
                # As it was kept before its parameter was secret.
                make_task(5001, data=DATA),
            ],
            kept=[make_kept(data=DATA, is_sealed=True)],
        )
    )
    return store


def new_key(store, keys):
    if store.is_shared:
        keys.add()


async def kept(store):
    """Each text that is kept, with the key it is sealed with."""

    def read(connection):
        return [
            row[0]
            for statement in (
                "SELECT data FROM task",
                "SELECT data FROM message",
                "SELECT source FROM version WHERE process = 'shop'",
            )
            for row in connection.exec_driver_sql(statement)
        ]

    return await store._read(read)


async def test_everything_is_sealed_with_the_new_key(place):
    store = await written(place)
    old = store.keys.current
    new_key(store, place[1])

    rotated = await rotate(store, NOW, nothing, lease_s=0)

    texts = await kept(store)
    assert rotated.key_id == store.keys.newest != old
    assert rotated.rows == TASKS + 3
    assert [text for text in texts if not text.startswith(f"sealed:1:{rotated.key_id}:")] == [
        '{"open":"to all"}'
    ]
    assert (await store.task(("shop", task_id(7)))).data == DATA
    assert (await store.task(("shop", task_id(5001)))).data == DATA
    assert (await store.versions())[-1].source == VERSION.source
    await store.aclose()


async def test_the_old_key_is_not_needed_any_more(place):
    store = await written(place)
    new_key(store, place[1])
    await rotate(store, NOW, nothing, lease_s=0)
    await store.aclose()
    lines = place[1].file.read_text().splitlines()
    place[1].file.write_text(lines[-1])

    again = await open_store(place[0], key_file=str(place[1].file))

    assert (await again.task(("shop", task_id(7)))).data == DATA
    assert len(await again.tasks(rotation_query())) == 50
    await again.aclose()


def rotation_query():
    from engine.store.interface import TaskQuery

    return TaskQuery("shop")


@pytest.mark.parametrize("step", range(5))
async def test_a_rotation_that_was_broken_off_goes_on(place, step):
    store = await written(place)
    new_key(store, place[1])
    await broken_off(store, step)
    store = await open_store(place[0], key_file=str(place[1].file))
    # What is read meanwhile is read with either key.
    assert (await store.task(("shop", task_id(1)))).data == DATA
    assert (await store.task(("shop", task_id(1200)))).data == DATA

    rotated = await rotate(store, NOW, nothing, lease_s=0)

    assert len([text for text in await kept(store) if rotated.key_id in text]) == TASKS + 3
    place[1].read()
    assert rotated.key_id == place[1].newest
    assert len(place[1].file.read_text().splitlines()) == 4
    await store.aclose()


async def broken_off(store, step):
    """Rotates until so many transactions are through; then the process dies."""

    class Died(BaseException):
        pass

    left = [step]
    change = store.change

    async def dying(work):
        if left[0] == 0:
            raise Died
        left[0] -= 1
        return await change(work)

    store.change = dying
    with pytest.raises(Died):
        await rotate(store, NOW, nothing, lease_s=0)
    await store.aclose()
    # A file's key is made before anything is noted: the second try finds and takes it.


async def test_nothing_of_the_old_is_left_in_the_file(tmp_path):
    store = await written((f"sqlite:///{tmp_path}/engine.db", one_key(tmp_path)))
    old = store.keys.current.encode()
    assert CANARY.encode() in bytes_of(tmp_path)  # of the task that was kept in plain

    await rotate(store, NOW, nothing, lease_s=0)
    await store.aclose()

    assert CANARY.encode() not in bytes_of(tmp_path)
    assert b"sealed:1:" + old not in bytes_of(tmp_path)


def one_key(folder):
    keys = Keyring(folder / "keys")
    keys.add()
    return keys


def bytes_of(folder):
    return b"".join(file.read_bytes() for file in folder.glob("engine.db*"))


async def test_an_engine_beside_learns_of_the_new_key(postgres_url, tmp_path):
    keys = one_key(tmp_path)
    store = await written((postgres_url, keys))
    engine = await open_store(postgres_url, key_file=str(keys.file))
    await engine.join("engine", HOUR, holds=True)
    before = engine.keys.current
    keys.add()

    rotated = await rotate(store, NOW, nothing, lease_s=0)

    # It meets rows of the new key before it has heard of it.
    assert engine.keys.current == before
    assert (await engine.task(("shop", task_id(7)))).data == DATA
    await engine.renew()
    assert engine.keys.current == rotated.key_id
    await engine.commit(batch(created=[make_task(6000, data=DATA, is_sealed=True)]))
    assert (await store.task(("shop", task_id(6000)))).data == DATA
    await engine.aclose()
    await store.aclose()


async def test_what_an_engine_wrote_with_the_old_key_meanwhile_is_sealed_anew(
    postgres_url, tmp_path
):
    keys = one_key(tmp_path)
    store = await written((postgres_url, keys))
    engine = await open_store(postgres_url, key_file=str(keys.file))
    keys.add()
    late = [batch(created=[make_task(0, task_id="0" * 24, data=DATA, is_sealed=True)])]

    async def write_late():
        while late:
            await engine.commit(late.pop())

    rotated = await rotate_beside(store, write_late)

    texts = await kept(store)
    assert len([text for text in texts if text.startswith(f"sealed:1:{rotated.key_id}")]) == (
        TASKS + 4
    )
    await engine.aclose()
    await store.aclose()


async def rotate_beside(store, work):
    """Rotates while somebody else writes behind it."""
    change, calls = store.change, []

    async def changing(asked):
        result = await change(asked)
        calls.append(asked)
        if len(calls) == 5:
            await work()
        return result

    store.change = changing
    return await rotate(store, NOW, nothing, lease_s=0)


async def test_on_a_server_the_new_key_must_be_there_before(postgres_url, tmp_path):
    store = await written((postgres_url, one_key(tmp_path)))

    with pytest.raises(StoreError, match="no newer key") as caught:
        await rotate(store, NOW, nothing, lease_s=0)

    assert "copy the file to every machine" in caught.value.hint
    await store.aclose()


async def test_an_engine_without_the_new_key_writes_no_more(postgres_url, tmp_path):
    keys = one_key(tmp_path)
    store = await written((postgres_url, keys))
    (tmp_path / "elsewhere").write_text(keys.file.read_text())
    engine = await open_store(postgres_url, key_file=f"{tmp_path}/elsewhere")
    await engine.join("engine", HOUR, holds=True)
    keys.add()
    await rotate(store, NOW, nothing, lease_s=0)

    with pytest.raises(KeyMissing):
        await engine.renew()

    await engine.aclose()
    await store.aclose()


async def test_rotating_where_nothing_is_secret_yet_makes_a_key(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path}/engine.db")

    rotated = await rotate(store, NOW, nothing, lease_s=0)

    assert rotated.rows == 0
    assert rotated.key_id == store.keys.current
    assert (tmp_path / "engine.db.key").exists()
    await store.aclose()


def test_windows_are_smaller_than_what_these_tests_write():
    assert rotation.AT_ONCE < TASKS
