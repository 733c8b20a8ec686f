"""The power goes: what was answered is on disk, and a torn end of the log harms nothing before it."""

import asyncio
import os
import random
import shutil

import pytest

from engine.store.interface import TaskQuery
from engine.store.opening import open_store
from engine.store.sqlite import file

SEED = int(os.environ.get("ENGINE_TEST_SEED") or random.SystemRandom().getrandbits(32))
CUTS = 40
SHOP = """
process: shop
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: done}, next: done}
  done: {type: end}
"""


@pytest.fixture
def chance():
    print(f"to repeat: ENGINE_TEST_SEED={SEED}")
    return random.Random(SEED)


class Witness:
    """Notes at each commit what was answered by then, and how long the log was."""

    def __init__(self, database):
        self.log = database.with_name(f"{database.name}-wal")
        self.refs = frozenset()
        self.seen = []

    def __call__(self, batch):
        self.refs |= {task.ref for task in batch.created}
        self.seen.append((self.log.stat().st_size, self.refs))


async def work(workspace, chance, number):
    """Submits tasks, now one alone, now many at once."""
    submitted = 0
    while submitted < number:
        at_once = chance.choice((1, 1, 3, 20))
        refs = [f"t{submitted + n}" for n in range(at_once)]
        submitted += at_once
        await asyncio.gather(
            *(workspace.submit("shop", {"fill": "x" * chance.randrange(2000)}, ref) for ref in refs)
        )


async def refs_in(database):
    """Opens a copy as the engine would after the power came back; gives the refs of its tasks."""
    store = await open_store(f"sqlite:///{database}")
    try:
        assert await store.check() == []
        tasks = await store.tasks(TaskQuery("shop", limit=10_000))
        ends = [await store.history(task.task_id) for task in tasks]
        assert all([step.node for step in steps] == ["start"] for steps in ends)
        return {task.ref for task in tasks}
    finally:
        await store.aclose()


async def test_a_torn_end_of_the_log_costs_only_what_was_not_answered(opened, tmp_path, chance):
    database = tmp_path / "engine.db"
    workspace = await opened(SHOP)
    witness = Witness(database)
    workspace.listen(witness)
    begun = witness.log.stat().st_size
    await work(workspace, chance, 150)
    whole = witness.log.read_bytes()
    # The log only grew: each commit has a place in it.
    sizes = [begun, *(size for size, _ in witness.seen)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(whole)

    for cut in (chance.randrange(begun, len(whole)) for _ in range(CUTS)):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir(exist_ok=True)
        shutil.copy(database, folder / "engine.db")
        torn = chance.randbytes(chance.choice((0, 1, 512, 4096)))
        (folder / "engine.db-wal").write_bytes(whole[:cut] + torn)

        found = await refs_in(folder / "engine.db")

        answered = [refs for size, refs in witness.seen if size <= cut]
        assert found == (answered[-1] if answered else set()), f"cut at {cut} of {len(whole)}"


async def test_a_copy_taken_at_any_commit_has_all_that_was_answered(
    opened, tmp_path, chance, monkeypatch
):
    """Also while the log is written back into the file and begun anew."""
    monkeypatch.setattr(file, "CHECKPOINT_PAGES", 20)
    database = tmp_path / "engine.db"
    workspace = await opened(SHOP)
    witness = Witness(database)
    copies = []

    def copy(batch):
        witness(batch)
        if chance.random() < 0.3:
            folder = tmp_path / f"copy{len(copies)}"
            folder.mkdir()
            for path in (database, witness.log):
                shutil.copy(path, folder)
            copies.append((folder / "engine.db", witness.refs))

    workspace.listen(copy)
    await work(workspace, chance, 300)

    sizes = [size for size, _ in witness.seen]
    assert max(sizes) < 40 * 4096 * 20, "the log was never written back"
    assert len(copies) > 3
    for path, answered in copies:
        assert await refs_in(path) == answered


async def test_a_database_is_whole_after_an_engine_that_only_vanished(opened, tmp_path, chance):
    """No log is written back, nothing is closed: the files as they lie there."""
    workspace = await opened(SHOP)
    await work(workspace, chance, 50)
    folder = tmp_path / "after"
    folder.mkdir()
    for path in tmp_path.glob("engine.db*"):
        shutil.copy(path, folder)

    assert len(await refs_in(folder / "engine.db")) >= 50
