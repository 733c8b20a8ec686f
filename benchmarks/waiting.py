"""A million tasks that wait for callbacks, and a million timers over the next day.

Fills a SQLite workspace, then starts `engine serve` on it and measures: how long it takes to be
ready, its memory, callbacks at 200 a second, how late timers ring, and the size of the file.

    python -m benchmarks.waiting [--tasks 1000000] [--timers 1000000] [--seconds 30]
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pysqlite3 import dbapi2

from engine.cli.bench_runs import percentile
from engine.cli.bench_stage import Stage
from engine.cli.children import child
from engine.cli.http_client import http_client
from engine.cli.load import Request
from engine.cli.machine import memory_mb
from engine.runtime.clock import SystemClock
from engine.settings import Settings
from engine.workspace import Workspace

PROCESSES = {
    "wait": """
process: wait
nodes:
  start: {type: start, next: wait}
  wait:
    type: waiting_for_callback
    match: {ref: ref}
    timeout: {after: 30d, next: late}
    next: done
  done: {type: end}
  late: {type: end, result: error}
""",
    "timer": """
process: timer
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, until: "{{ at }}", next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
""",
}
DAY_S = 86_400
AT_ONCE = 2_000
CALLBACKS_PER_SECOND = 200
BEFORE_S = 40
"""Timers begin after the time that filling and starting take, so that none is due before."""
LATENESS = (
    "SELECT (changed - json_extract(data, '$.at') * 1000000) / 1000.0 FROM task"
    " WHERE process = 'timer' AND finished IS NOT NULL ORDER BY 1"
)
Numbers = dict[str, float]


async def fill(database: str, folder: Path, tasks: int, timers: int) -> float:
    """Lets so many tasks wait; gives when the first timer is due."""
    workspace = await Workspace.open(Settings(database=database))
    await workspace.deploy_folder([folder])
    await workspace.start()
    for start in range(0, tasks, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, tasks))
        rows = [(f"r{n}", {"number": n, "text": "x" * 100}, None) for n in numbers]
        await workspace.submit_many("wait", rows)
    # The first ones while we look, the others over the day.
    first = SystemClock().now() / 1e6 + BEFORE_S + timers / 10_000
    for start in range(0, timers, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, timers))
        rows = [("", {"at": round(first + n * DAY_S / timers, 3)}, None) for n in numbers]
        await workspace.submit_many("timer", rows)
    await workspace.stop()
    return first


async def measure(database: str, folder: Path, tasks: int, seconds: int, first: float) -> Numbers:
    """Starts the engine on what waits, and asks it."""
    serve = ["engine", "serve", "--port", "0", "--database", database, "--processes", str(folder)]
    started = time.perf_counter()
    async with child(serve) as engine:
        url = await engine.url()
        async with http_client(url, Settings()) as client, httpx.AsyncClient() as http:
            while (await http.get(f"{url}/ready")).status_code != 200:  # noqa: ASYNC110 -- over HTTP
                await asyncio.sleep(0.01)
            ready_s = time.perf_counter() - started
            stage = Stage(url, engine, client)
            path = urlsplit(await client.callback_url("wait", "wait", "")).path
            step = max(tasks // (CALLBACKS_PER_SECOND * seconds), 1)
            callbacks = [
                Request("POST", path, f'{{"ref": "r{n}"}}', {"Content-Type": "application/json"})
                for n in range(0, min(tasks, step * CALLBACKS_PER_SECOND * seconds), step)
            ]
            found = await stage.send(callbacks, connections=16, per_second=CALLBACKS_PER_SECOND)
            await asyncio.sleep(max(0.0, first - SystemClock().now() / 1e6) + seconds)
            return {
                "ready_s": ready_s,
                "memory_mb": memory_mb(engine.pid),
                "callback_p50_ms": percentile(found.latencies_ms, 0.5),
                "callback_p99_ms": percentile(found.latencies_ms, 0.99),
            }


def lateness(file: Path) -> Numbers:
    """Reads from the file how late timers rang; before their time would be less than nothing."""
    connection = dbapi2.connect(str(file))
    late = connection.execute(LATENESS).fetchall()
    connection.close()
    values = [row[0] for row in late]
    if not values:
        return {"timers_rung": 0}
    return {
        "timers_rung": len(values),
        "timer_earliest_ms": values[0],
        "timer_p50_late_ms": percentile(values, 0.5),
        "timer_p99_late_ms": percentile(values, 0.99),
    }


def fill_apart(database: str, folder: Path, tasks: int, timers: int) -> float:
    """Fills in a process of its own, which gives way to whoever else works on this machine."""
    with ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)) as pool:
        return pool.submit(_fill, database, folder, tasks, timers).result()


def _fill(database: str, folder: Path, tasks: int, timers: int) -> float:
    return asyncio.run(fill(database, folder, tasks, timers))


def main() -> None:
    """Measures and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--timers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conveyor-waiting-") as place:
        folder, file = Path(place) / "processes", Path(place) / "engine.db"
        folder.mkdir()
        for name, text in PROCESSES.items():
            (folder / f"{name}.yaml").write_text(text)
        database = f"sqlite:///{file}"
        began = time.perf_counter()
        first = fill_apart(database, folder, given.tasks, given.timers)
        found: Numbers = {"fill_s": time.perf_counter() - began}
        found["bytes_per_task"] = file.stat().st_size / (given.tasks + given.timers)
        found |= asyncio.run(measure(database, folder, given.tasks, given.seconds, first))
        found |= lateness(file)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=2))


if __name__ == "__main__":
    main()
