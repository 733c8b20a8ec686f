"""Half an hour of SMS flows at a steady rate: does anything grow, does anything get slower?

Every minute it prints the engine's memory, the slowest percent of the answers to submits and the
size of the database. Finished tasks are kept for two minutes, so that the file must stop growing.

    python -m benchmarks.soak [--minutes 30] [--per-second 900] [--folder FOLDER]
"""

import argparse
import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from engine.cli.bench_runs import SENDING, percentile
from engine.cli.bench_stage import Stage, sms, stage
from engine.cli.examples import example_folder
from engine.cli.machine import cpu_seconds, memory_mb

MINUTE_S = 60
KEPT = "2m"


def processes(folder: Path) -> Path:
    """Copies the examples, with a short retention."""
    copied = folder / "processes"
    shutil.copytree(example_folder("sms"), copied)
    for file in copied.glob("*.yaml"):
        file.write_text(re.sub(r"retention: \w+", f"retention: {KEPT}", file.read_text()))
    return copied


def size_mb(folder: Path) -> float:
    """Gives the size of a database with its log."""
    return sum(file.stat().st_size for file in folder.glob("engine.db*")) / 2**20


async def minute(found: Stage, folder: Path, number: int, per_second: float) -> str:
    """Sends a minute's flows; gives a line of what was seen."""
    first = round(number * MINUTE_S * per_second)
    requests = [sms(first + each) for each in range(round(MINUTE_S * per_second))]
    before = cpu_seconds(found.engine.pid)
    measured = await found.send(requests, per_second=per_second)
    took_ms = (cpu_seconds(found.engine.pid) - before) / len(requests) * 1000
    latencies = measured.latencies_ms
    columns = (
        number + 1,
        f"{memory_mb(found.engine.pid):.1f}",
        f"{size_mb(folder):.0f}",
        f"{percentile(latencies, 0.5):.1f}",
        f"{percentile(latencies, 0.99):.1f}",
        f"{took_ms:.2f}",
        await found.came(SENDING, "sent"),
    )
    return "\t".join(map(str, columns))


async def soak(folder: Path, minutes: int, per_second: float) -> None:
    """Runs for so many minutes."""
    print("minute\tMB\tdatabase MB\tp50 ms\tp99 ms\tCPU ms\tflows ended", flush=True)
    async with stage(folder, processes(folder)) as found:
        for number in range(minutes):
            print(await minute(found, folder, number, per_second), flush=True)


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--per-second", type=float, default=900)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conveyor-soak-", dir=given.folder) as place:
        asyncio.run(soak(Path(place), given.minutes, given.per_second))


if __name__ == "__main__":
    main()
