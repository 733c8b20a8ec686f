"""`engine bench`: measures this machine."""

import statistics
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from engine.cli import bench_runs
from engine.cli.bench_stage import stage
from engine.cli.machine import machine_facts, memory_mb
from engine.cli.output import Exit, Output
from engine.cli.run import Json, run
from engine.settings import Settings

Results = dict[str, dict[str, float]]

TITLES = {
    ("pure", "tasks_per_s"): ("pure tasks, in process", "{:,.0f} / s"),
    ("pure", "http_tasks_per_s"): ("pure tasks, a request each", "{:,.0f} / s"),
    ("pure", "http_batch_tasks_per_s"): ("pure tasks, 100 a request", "{:,.0f} / s"),
    ("sms", "flows_per_s"): ("SMS flows", "{:,.0f} / s"),
    ("sms", "cpu_ms_per_flow"): ("engine's processor time a flow", "{:.2f} ms"),
    ("sms", "late_callbacks_per_s"): ("late and duplicate callbacks", "{:,.0f} / s"),
    ("latency_ms", "ack_p50"): ("answer to a submit, median", "{:.1f} ms"),
    ("latency_ms", "ack_p99"): ("answer to a submit, p99", "{:.1f} ms"),
    ("latency_ms", "callback_p99"): ("callback to next node at half load, p99", "{:.1f} ms"),
    ("memory_mb", "idle"): ("engine's memory, idle", "{:.0f} MB"),
    ("memory_mb", "busy"): ("engine's memory, after the load", "{:.0f} MB"),
}


class Part(StrEnum):
    """What can be measured by itself."""

    PURE = "pure"
    SMS = "sms"
    LATENCY = "latency"


def bench(
    *,
    tasks: Annotated[int, typer.Option("--tasks", min=100, help="How many pure tasks.")] = 20_000,
    flows: Annotated[int, typer.Option("--flows", min=10, help="How many SMS flows.")] = 2_000,
    only: Annotated[Part | None, typer.Option("--only", help="Measure only this.")] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, help="How often; the median counts.")
    ] = 1,
    json: Json = False,
) -> None:
    """Measure this machine: tasks a second, SMS flows a second, latency, memory.

    Engine, Twilio simulator and client are processes of their own on loopback, the database is a
    file in the folder for temporary files (TMPDIR), and every commit is synced to disk.

    Example: [bold]engine bench --repeat 3[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        del settings
        rounds: list[Results] = []
        with tempfile.TemporaryDirectory(prefix="conveyor-bench-") as place:
            machine = machine_facts(Path(place))
            for number in range(repeat):
                folder = Path(place) / str(number)
                folder.mkdir()
                rounds.append(await _measure(folder, tasks, flows, only, output))
        results = _medians(rounds)
        if output.is_json:
            output.document({"machine": machine, **results})
        else:
            _print(output, machine, results)
        return Exit.DONE

    run(work, is_json=json)


async def _measure(
    folder: Path, tasks: int, flows: int, only: Part | None, output: Output
) -> Results:
    """Measures everything once."""
    results: Results = {}
    if only in (None, Part.PURE):
        _say(output, "pure tasks in process")
        rate = await bench_runs.pure_in_process(folder, tasks)
        results["pure"] = {"tasks_per_s": rate}
    async with stage(folder) as found:
        results["memory_mb"] = {"idle": memory_mb(found.engine.pid)}
        if only in (None, Part.PURE):
            _say(output, "pure tasks over HTTP")
            results["pure"] |= await bench_runs.pure_over_http(found, tasks // 2)
        if only in (None, Part.SMS, Part.LATENCY):
            _say(output, "SMS flows")
            results["sms"] = await bench_runs.sms_flows(found, flows)
        if only in (None, Part.SMS):
            _say(output, "late callbacks")
            results["sms"]["late_callbacks_per_s"] = await bench_runs.late_callbacks(found)
        if only in (None, Part.LATENCY):
            _say(output, "latency of answers")
            results["latency_ms"] = await bench_runs.ack_latency(found)
            _say(output, "latency of callbacks under load")
            results["latency_ms"]["callback_p99"] = await bench_runs.callback_latency(
                found, results["sms"]["flows_per_s"]
            )
        results["memory_mb"]["busy"] = memory_mb(found.engine.pid)
    return results


def _say(output: Output, what: str) -> None:
    if not output.is_json:
        output.note(f"[dim]measuring {what} …[/]")


def _medians(rounds: list[Results]) -> Results:
    return {
        section: {
            name: round(statistics.median(each[section][name] for each in rounds), 3)
            for name in numbers
        }
        for section, numbers in rounds[0].items()
    }


def _print(output: Output, machine: dict[str, Any], results: Results) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("measured")
    table.add_column("", justify="right")
    for (section, name), (title, form) in TITLES.items():
        if name in results.get(section, {}):
            table.add_row(title, form.format(results[section][name]))
    output.console.print(table)
    output.console.print(
        f"\n{machine['cores']} cores {machine['processor']}, {machine['platform']}, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}, fsync {machine['fsync_ms']} ms",
        markup=False,
    )
