"""`engine doctor`: examines database, settings and machine, beside a working engine."""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from engine.cli.output import Exit, Output, counted
from engine.cli.run import Database, Json, Processes, run
from engine.doctor import Examined, Finding, Severity, examine
from engine.runtime.clock import SystemClock
from engine.settings import Settings, read_settings

if TYPE_CHECKING:
    from engine.errors import SettingsError

_WORDS = {Severity.ERROR: "[red]fault[/]  ", Severity.WARNING: "[yellow]warning[/]"}


def doctor(*, database: Database = None, processes: Processes = None, json: Json = False) -> None:
    """Examine database, settings and machine: every fault with what to do.

    Example: [bold]engine doctor[/]
    """
    faults: list[SettingsError] = []

    def read(given: Mapping[str, Any]) -> Settings:
        settings, found = read_settings(given)
        faults.extend(found)
        return settings

    async def work(settings: Settings, output: Output) -> int:
        async def pause() -> None:
            output.note("[dim]looking again, at what engines that share a database mend…[/]")
            await asyncio.sleep(settings.lease_seconds)

        began = time.perf_counter()
        examined = await examine(settings, faults, os.environ, SystemClock(), pause)
        _print(output, examined, time.perf_counter() - began)
        return Exit.FAILED if examined.faults else Exit.DONE

    run(work, is_json=json, load=read, database=database, processes=processes)


def _print(output: Output, examined: Examined, seconds: float) -> None:
    if output.is_json:
        output.document(
            {
                "tasks": examined.tasks,
                "seconds": round(seconds, 3),
                "faults": [_view(each) for each in examined.findings],
            }
        )
        return
    for each in examined.findings:
        rows = f" [dim]({', '.join(each.rows)})[/]" if each.rows else ""
        output.say(f"{_WORDS[each.severity]} {escape(each.message)}{rows}")
        if each.hint:
            output.say(f"        [dim]{escape(each.hint)}[/]")
    faults = len(examined.faults)
    warnings = len(examined.findings) - faults
    verdict = f"[red]{counted(faults, 'fault')}[/]" if faults else "[green]no faults[/]"
    output.say(
        f"{verdict}, {counted(warnings, 'warning')};"
        f" looked at {counted(examined.tasks, 'unfinished task')} in {seconds:.1f} s"
    )


def _view(each: Finding) -> dict[str, Any]:
    return {
        "check": each.check,
        "severity": each.severity,
        "message": each.message,
        "hint": each.hint,
        "rows": list(each.rows),
    }
