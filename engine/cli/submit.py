"""`engine submit`: a new task, or one for each row of a CSV file."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from engine.cli.arguments import FOREVER
from engine.cli.client import Client, connect, params_of
from engine.cli.given import Texts, Values, Whole, given_data
from engine.cli.output import Exit, Output, task_lines
from engine.cli.run import Database, Json, Process, Processes, Server, run
from engine.cli.table import Row, read
from engine.core.duration import parse_duration
from engine.errors import Busy, EngineError, SettingsError
from engine.settings import Settings

ROWS_AT_ONCE = 100
BUSY_S = 1.0
BUSY_TIMES = 60
"""So often a row is sent again to an engine that has too much to do."""


def submit(
    process: Process,
    *,
    d: Texts = None,
    j: Values = None,
    data: Whole = None,
    ref: Annotated[str, typer.Option("--ref", help="The task's ref; generated if left out.")] = "",
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait",
            help="Wait for the end, at most this long.",
            metavar="[DURATION]",
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="One task a row; row 1 holds the names.")
    ] = None,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Submit a task.

    Example: [bold]engine submit order-shipped -d phone=+15551234567 -d order=1042 --wait[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        wait_s = _seconds(wait)
        is_waiting = wait_s is not None
        async with connect(settings, writes=True, moves=is_waiting) as client:
            if csv_file is not None:
                return await _submit_rows(client, output, process, csv_file)
            task = await client.submit(process, given_data(d, j, data), ref, wait_s)
            if not client.goes_on and task["finished"] is None and task["status"] != "error":
                output.note(
                    "[dim]no engine serves this database: the task stands until one does[/]"
                )
        if output.is_json:
            output.document(task)
        else:
            for line in task_lines(task):
                output.say(line)
        return Exit.FAILED if is_waiting and task["status"] == "error" else Exit.DONE

    run(work, is_json=json, database=database, processes=processes, server=server)


def _seconds(wait: str | None) -> float | None:
    """Reads `--wait`; without a duration it waits a day."""
    if wait is None:
        return None
    try:
        if wait == FOREVER:
            return 86_400.0
        return parse_duration(float(wait) if wait.replace(".", "", 1).isdigit() else wait).seconds
    except ValueError as error:
        raise SettingsError(f"--wait: {error}") from None


async def _submit_rows(client: Client, output: Output, process: str, file: Path) -> int:
    """Submits a task for each row and reports the rows that were refused."""
    types = {each["name"]: each["type"] for each in await params_of(client, process)}
    # Read to its end first: of a file that is no CSV nothing is submitted.
    total = await asyncio.to_thread(lambda: sum(1 for _ in read(file, types)))
    accepted: int = 0
    refused: list[dict[str, Any]] = []
    rows = read(file, types)
    with Progress(
        console=output.messages, transient=True, disable=not output.is_for_eyes
    ) as progress:
        bar = progress.add_task("submitting", total=total)
        last = 1
        try:
            while part := list(itertools.islice(rows, ROWS_AT_ONCE)):
                results = await _submit_part(client, process, part)
                for row, reason in zip(part, results, strict=True):
                    if reason:
                        refused.append({"row": row.number, "reason": reason})
                accepted += results.count("")
                last = part[-1].number
                progress.advance(bar, len(part))
        except (EngineError, asyncio.CancelledError):
            output.note(f"broken off after row {last}: {accepted} accepted, {len(refused)} refused")
            raise
    if output.is_json:
        output.document({"accepted": accepted, "refused": refused})
    else:
        output.say(f"{accepted} accepted, {len(refused)} refused")
        for each in refused:
            output.console.print(f"row {each['row']}: {each['reason']}", markup=False)
    return Exit.REFUSED if refused else Exit.DONE


async def _submit_part(client: Client, process: str, part: Sequence[Row]) -> list[str]:
    """Submits some rows; gives for each why it was refused, or nothing."""
    reasons = [row.reason for row in part]
    left = [at for at, reason in enumerate(reasons) if not reason]
    for patience in range(BUSY_TIMES, -1, -1):
        items = [(part[at].ref, dict(part[at].data)) for at in left]
        results = await _submit_many(client, process, items)
        busy = []
        for at, result in zip(left, results, strict=True):
            if isinstance(result, Busy) and patience:
                busy.append(at)
            elif isinstance(result, EngineError):
                reasons[at] = str(result)
        if not busy:
            break
        left = busy
        await asyncio.sleep(BUSY_S)
    return reasons


async def _submit_many(
    client: Client, process: str, items: Sequence[tuple[str, dict[str, Any]]]
) -> Sequence[dict[str, Any] | EngineError]:
    if not items:
        return []
    try:
        return await client.submit_many(process, items)
    except Busy as error:
        return [error] * len(items)
