"""How long answers to callbacks of one process take while another one has its hands full.

Usage: python -m benchmarks.fairness [--seconds 5] [--per-second 100]
One engine on a SQLite file. Callbacks come at a fixed rate, whether or not the last was answered:
alone, beside tasks in endless loops, and beside 100,000 tasks that all have just come.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from time import perf_counter

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.errors import Busy
from engine.settings import Settings
from engine.workspace import Workspace

WAIT = """
process: wait
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: done}, next: done}
  done: {type: end}
"""
ROUND = """
process: round
nodes:
  start: {type: start, next: turn}
  turn: {type: set_parameter, set: {n: "{{ n | default(0) + 1 }}"}, next: again, error: rest}
  again: {type: condition, cases: [{when: n < 0, next: done}], else: turn, error: rest}
  rest: {type: delay, for: 1ms, next: turn}
  done: {type: end}
"""
CROWD = """
process: crowd
nodes:
  start: {type: start, next: note}
  note: {type: set_parameter, set: {n: "1"}, next: pause}
  pause: {type: delay, for: 2s, next: last}
  last: {type: set_parameter, set: {n: "2"}, next: done}
  done: {type: end}
"""
LOOPS = 200
CROWD_SIZE = 100_000
AT_ONCE = 500


@contextlib.asynccontextmanager
async def engine() -> AsyncIterator[Workspace]:
    """Opens an engine on a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/engine.db"
        workspace = await Workspace.open(Settings(database=url, stop_grace_seconds=0))
        read = [read_definition(text, "", Catalog.installed())[0] for text in (WAIT, ROUND, CROWD)]
        await workspace.deploy([each for each in read if each is not None])
        await workspace.start()
        yield workspace
        await workspace.stop()


async def beside_nothing(workspace: Workspace) -> None:
    """Has nothing else to do."""


async def beside_loops(workspace: Workspace) -> None:
    """Has tasks that go round for ever."""
    await asyncio.gather(*(workspace.submit("round", {}, "") for _ in range(LOOPS)))


async def beside_a_crowd(workspace: Workspace) -> None:
    """Has 100,000 tasks that come as fast as they are taken."""
    for _ in range(0, CROWD_SIZE, AT_ONCE):
        with contextlib.suppress(Busy):
            await asyncio.gather(*(workspace.submit("crowd", {}, "") for _ in range(AT_ONCE)))


async def answer_times(workspace: Workspace, count: int, per_second: int) -> list[float]:
    """Sends callbacks at a fixed rate; gives how long each answer took, in milliseconds."""
    url = workspace.callback_url("wait", "wait")
    hex_id, _, digest = url.rpartition("callback/")[2].partition("/")
    target = workspace.target(hex_id, digest)
    times: list[float] = []

    async def send(number: int) -> None:
        began = perf_counter()
        await workspace.callback(target, {"id": f"w{number}"})
        times.append((perf_counter() - began) * 1000)

    sent, began = [], perf_counter()
    for number in range(count):
        await asyncio.sleep(max(began + number / per_second - perf_counter(), 0))
        sent.append(asyncio.create_task(send(number)))
    await asyncio.gather(*sent)
    return sorted(times)


async def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--per-second", type=int, default=100)
    given = parser.parse_args()
    count, alone = given.seconds * given.per_second, 0.0
    for name, burden in (
        ("alone", beside_nothing),
        (f"beside {LOOPS} endless loops", beside_loops),
        (f"beside {CROWD_SIZE:,} tasks", beside_a_crowd),
    ):
        async with engine() as workspace:
            await asyncio.gather(*(workspace.submit("wait", {}, f"w{n}") for n in range(count)))
            heavy = asyncio.create_task(burden(workspace))
            await asyncio.sleep(0.2)
            times = await answer_times(workspace, count, given.per_second)
            heavy.cancel()
            await asyncio.gather(heavy, return_exceptions=True)
        p50, p99 = median(times), times[int(len(times) * 0.99) - 1]
        alone = alone or p99
        print(f"{name:28} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   p99 {p99 / alone:5.1f} x alone")


if __name__ == "__main__":
    asyncio.run(main())
