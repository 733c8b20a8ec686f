"""The file of results, and the table that is made of it."""

import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.measuring import Plan
from benchmarks.peers.peer import Peer
from engine.cli.machine import machine_facts

COLUMNS = (
    ("pure_in_process_per_s", "pure tasks/s in process"),
    ("pure_per_s", "pure tasks/s over HTTP"),
    ("pure_cpu_ms", "CPU ms a task"),
    ("sms_per_s", "SMS flows/s"),
    ("sms_cpu_ms", "CPU ms a flow"),
    ("memory_idle_mb", "MB idle"),
    ("memory_busy_mb", "MB after"),
)
OURS = "conveyor"
EVERY = 0.9995


def add(file: Path, peer: Peer, plan: Plan, found: dict[str, float] | str) -> None:
    """Writes what was found, or why nothing was, beside what is in the file."""
    document = _read(file) or {"machine": _machine(file), "peers": {}}
    size = {
        "tasks": plan.sizes.tasks,
        "flows": plan.sizes.flows,
        "connections": peer.connections,
        "repeat": plan.repeat,
        "provider_speed": plan.speed,
    }
    numbers = {"failed": found} if isinstance(found, str) else {"numbers": found}
    document["peers"][peer.name] = {"title": peer.title, **size, **numbers}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=1) + "\n")


def table(file: Path) -> str:
    """Gives the table as Markdown; in brackets, how many times the engine's number it is."""
    document = _read(file)
    if document is None:
        return f"There is no {file}: measure a peer first.\n"
    ours = document["peers"].get(OURS, {}).get("numbers", {})
    heads = ["", *(title for _, title in COLUMNS), "survived kill -9"]
    lines = [heads, ["---"] * len(heads)]
    failures = []
    for each in document["peers"].values():
        if "failed" in each:
            failures.append(f"{each['title']}: {each['failed']}")
        else:
            lines.append(_line(each["title"], each["numbers"], ours))
    machine = ", ".join(f"{name} {value}" for name, value in document["machine"].items())
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([*rows, "", machine, *failures, ""])


def _line(title: str, numbers: dict[str, float], ours: dict[str, float]) -> list[str]:
    cells = [title]
    for name, _ in COLUMNS:
        cell = "-"
        if name in numbers:
            cell = _number(numbers[name])
            database = numbers.get(name.replace("_cpu_", "_database_cpu_"), 0.0)
            if name.endswith("_cpu_ms") and database:
                cell += f" + {_number(database)}"
            if numbers is not ours and ours.get(name):
                cell += f" ({_ratio(numbers[name] / ours[name])})"
            job = name.partition("_")[0]
            if name.endswith("_per_s") and numbers.get(f"{job}_ended_part", 1.0) < EVERY:
                cell += f", {numbers[f'{job}_ended_part']:.0%} ended"
        cells.append(cell)
    survived, acknowledged = numbers["killed_survived"], numbers["killed_acknowledged"]
    return [*cells, f"{survived:.0f} of {acknowledged:.0f}"]


def _ratio(value: float) -> str:
    return f"{_number(value)}x" if value >= 1 else f"1/{_number(1 / value)}"


def _number(value: float) -> str:
    """Writes a number with two or three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _machine(file: Path) -> dict[str, Any]:
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = machine_facts(file.parent)
    facts["processor"] = _processor() or facts["processor"]
    return {
        "date": time.strftime("%Y-%m-%d"),
        **facts,
        "load_before": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    """Gives the processor's name as it gives it itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return ""


def _read(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    document: dict[str, Any] = json.loads(file.read_text())
    return document
