"""How many tasks a second the SQLite store takes, by the size of a batch.

A pure task is a row and its history, as a task leaves them that never waits. A waiting task is
written, then loaded by its ref and changed: what a callback costs.

    python -m benchmarks.store [FOLDER]
"""

import asyncio
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from engine.core.batch import Batch, Step, Wants
from engine.core.task import Memo, Task, TaskState
from engine.store.interface import Store
from engine.store.opening import open_store

SIZES = (1, 20, 200, 1000)
ROUNDS = 3
NOW = 1_700_000_000_000_000
Measure = Callable[[Store, int, int, int], Awaitable[float]]


def ids(first: int, count: int) -> Iterator[str]:
    """Gives ids as the engine makes them, some twenty a millisecond."""
    for number in range(first, first + count):
        yield f"{NOW // 1000 + number // 20:012x}{number * 977:012x}"


def task(task_id: str, state: TaskState) -> Task:
    """Makes a task with half a kilobyte of data."""
    data = {"phone": "+380501234567", "text": "x" * 430, "amount": 12345}
    is_over = state is TaskState.SUCCESS
    return Task(
        task_id, task_id if is_over else f"order-{task_id}", "shop", 1, "end", state, data,
        Memo(entered=NOW, previous="start"), 4, None if is_over else NOW, NOW, NOW,
        NOW if is_over else None, 0, 500,
    )  # fmt: skip


def steps(visit: int = 1) -> list[Step]:
    """Makes the visits of a burst."""
    return [Step(visit + each, f"node_{each}", NOW, NOW, "next") for each in range(3)]


async def pure(store: Store, size: int, count: int, first: int) -> float:
    """Measures tasks that end in the batch that creates them."""
    every = [task(each, TaskState.SUCCESS) for each in ids(first, count)]
    start = time.perf_counter()
    for at in range(0, count, size):
        part = every[at : at + size]
        await store.commit(
            Batch(
                NOW,
                created=part,
                histories=[(each.task_id, steps()) for each in part],
                counts={("shop", "end"): [len(part), 0]},
            )
        )
    return count / (time.perf_counter() - start)


async def waiting(store: Store, size: int, count: int, first: int) -> float:
    """Measures tasks that wait and are taken on by their ref."""
    every = [task(each, TaskState.WAITING) for each in ids(first, count)]
    for at in range(0, count, 200):
        await store.commit(Batch(NOW, created=every[at : at + 200]))
    start = time.perf_counter()
    for at in range(0, count, size):
        keys = {(each.process, each.ref) for each in every[at : at + size]}
        found = await store.load(Wants(keys=keys))
        changed = [
            dataclasses.replace(each, state=TaskState.SUCCESS, due=None, finished=NOW)
            for each in found.by_key.values()
        ]
        histories = [(each.task_id, steps(each.visit)) for each in changed]
        await store.commit(Batch(NOW, changed=changed, histories=histories))
    return count / (time.perf_counter() - start)


async def main() -> None:
    """Prints the median of the rounds for each kind and size of batch."""
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{'tasks a batch':>14}{'pure /s':>12}{'resumed /s':>12}")
    for size in SIZES:
        count = 2000 if size == 1 else 20_000
        medians = [await median(measure, size, count, folder) for measure in (pure, waiting)]
        print(f"{size:>14}" + "".join(f"{rate:>12,.0f}" for rate in medians))


async def median(measure: Measure, size: int, count: int, folder: str | None) -> float:
    """Gives the median of some rounds on a new database."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        store = await open_store(f"sqlite:///{Path(place) / 'engine.db'}")
        rates = [await measure(store, size, count, turn * count) for turn in range(ROUNDS)]
        await store.aclose()
    return statistics.median(rates)


if __name__ == "__main__":
    asyncio.run(main())
