"""What machine this is, and what a process takes of it."""

import os
import platform
import resource
import statistics
import subprocess
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.store.sqlite.file import sqlite_version

SYNCS = 50
PAGE = 4096


def machine_facts(folder: Path) -> dict[str, Any]:
    """Gives what the numbers depend on; `folder` is where the databases lie."""
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(terse=True),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite_version(),
        "fsync_ms": round(fsync_ms(folder), 3),
    }


def fsync_ms(folder: Path) -> float:
    """Measures how long it takes until a page is safe on disk."""
    file = folder / "fsync"
    taken: list[float] = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(SYNCS):
            opened.write(bytes(PAGE))
            started = perf_counter()
            os.fsync(opened.fileno())
            taken.append((perf_counter() - started) * 1000)
    file.unlink()
    return statistics.median(taken)


def cpu_seconds(pid: int) -> float:
    """Gives the processor time that a process has taken so far."""
    if pid == os.getpid():
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return _seconds(_ask_ps(pid, "time="))
    # The name in brackets may hold spaces; user and system time are the 12th and 13th after it.
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Gives the memory that a process holds now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return int(_ask_ps(pid, "rss=") or 0) / 1024
    for line in status.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _ask_ps(pid: int, column: str) -> str:
    command = ["ps", "-o", column, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 -- our own numbers


def _seconds(text: str) -> float:
    """Reads `[[hours:]minutes:]seconds`."""
    seconds = 0.0
    for part in text.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part or 0)
    return seconds
