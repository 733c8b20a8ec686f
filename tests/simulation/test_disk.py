"""The database of the simulation, where it is not SQLite itself."""

import contextlib

from engine.testing.simulation.disk import Died, Disk


async def test_an_engine_that_dies_while_it_takes_back_leaves_no_transaction():
    disk = Disk(is_shared=False)

    def fails(writer):
        disk.store.die_after(0)  # the next statement is the one that takes back
        raise ValueError(writer)

    with contextlib.suppress(Died, ValueError):
        await disk.store._write(fails)
    disk.store.live_on()

    await disk.store.deploy([], 1)
