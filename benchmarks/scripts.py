"""Scripts a second: what a code node costs, alone and many at once.

python benchmarks/scripts.py [seconds a figure]
"""

import asyncio
import sys
from time import perf_counter, process_time

from engine.core.command import RunScript
from engine.outside.scripts.pool import ScriptPool

SOURCE = "data.sum = data.a + 2; data.items = data.b.map(function (x) { return x * 2 })"
TINY = RunScript(SOURCE, b'{"a":1,"b":[1,2,3]}', b'{"ref":"r"}', 1.0, 64 * 2**20)


async def measure(workers: int, at_once: int, seconds: float) -> None:
    """Prints the rate of one setting."""
    pool = ScriptPool(128 * 1024, workers)
    await pool.perform(TINY)
    count, began, cpu = 0, perf_counter(), process_time()
    while perf_counter() - began < seconds:
        await asyncio.gather(*(pool.perform(TINY) for _ in range(at_once)))
        count += at_once
    rate = count / (perf_counter() - began)
    cpu_us = (process_time() - cpu) / count * 1e6
    print(
        f"{workers} workers, {at_once:4} at once: {rate:6.0f}/s, {cpu_us:4.0f} us of the engine's"
    )
    await pool.aclose()


async def main() -> None:
    """Prints all figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    for workers in (1, 2):
        for at_once in (1, 8, 64, 1000):
            await measure(workers, at_once, seconds)


asyncio.run(main())
