"""`kill -9` at random moments: what was acknowledged is there, and happened once.

`ENGINE_TEST_KILLS` sets how often (200), `ENGINE_TEST_SEED` repeats a run. The judge looks at the
clients' own record, never at the engine's log.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import time

import pytest

from tests.promises import killed_engine
from tests.promises.records import Clients, judge

KILLS = int(os.environ.get("ENGINE_TEST_KILLS", "200"))
SHARDS = 4
SEED = os.environ.get("ENGINE_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
NEW_ORDERS = 12
LONGEST_LIFE_S = 0.1

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs fork"
    ),
]


class Engine:
    """One life of the engine, as a process of its own."""

    def __init__(self, database, folder):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.promises.warm_engine"])
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=killed_engine.run, args=(other, database, str(folder)), daemon=True
        )
        self.process.start()
        other.close()

    def talk(self, clients, until):
        """Lets the clients ask and hear until that moment, or until they have nothing to ask."""
        while (left := until - time.monotonic()) > 0:
            for request in clients.requests():
                self.pipe.send(request)
            if not clients.asked:
                return
            if self.pipe.poll(left):
                clients.hear(*self.pipe.recv())

    def is_ready(self, until):
        """Waits until it serves; says whether it did before that moment."""
        if not self.pipe.poll(max(until - time.monotonic(), 0)):
            return False
        assert self.pipe.recv() == (0, "ready")
        return True

    def kill(self, clients):
        """Kills it. What it answered before is an answer, though nobody read it yet."""
        self.process.kill()
        self.process.join()
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                number, answer = self.pipe.recv()
                if number:
                    clients.hear(number, answer)
        clients.forget_questions()
        self.pipe.close()
        assert self.process.exitcode == -9
        self.process.close()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(shard, tmp_path):
    seed = f"{SEED}-{shard}"
    print(f"to repeat: ENGINE_TEST_SEED={SEED}, shard {shard}")
    chance = random.Random(seed)
    clients = Clients(seed)
    database, folder = f"sqlite:///{tmp_path}/engine.db", tmp_path / "processes"
    killed_engine.write_files(folder)

    for _ in range(max(KILLS // SHARDS, 1)):
        clients.begin(NEW_ORDERS)
        engine = Engine(database, folder)
        # Now and then it dies while it starts, and takes on what the one before left.
        dies_early = chance.random() < 0.1
        patience = chance.random() * 0.05 if dies_early else 60
        if engine.is_ready(time.monotonic() + patience):
            engine.talk(clients, time.monotonic() + chance.random() * LONGEST_LIFE_S)
        engine.kill(clients)
    engine = Engine(database, folder)
    assert engine.is_ready(time.monotonic() + 60)
    engine.talk(clients, time.monotonic() + 60)
    engine.kill(clients)

    assert clients.open == {}
    asyncio.run(judge(database, clients))
    assert len(clients.orders) >= NEW_ORDERS
