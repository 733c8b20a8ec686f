"""`engine submit`: a new task, or one for each row of a CSV file."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from engine.cli.arguments import FOREVER
from engine.cli.client import Client, connect
from engine.cli.given import Texts, Values, Whole, given_data
from engine.cli.output import Exit, Output, task_lines
from engine.cli.run import Database, Json, Process, Processes, Server, run
from engine.core.duration import parse_duration
from engine.errors import EngineError, InvalidData, SettingsError
from engine.settings import Settings

ROWS_AT_ONCE = 100


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
    accepted, refused = 0, []
    rows = list(_rows(file))
    with Progress(
        console=output.messages, transient=True, disable=not output.is_for_eyes
    ) as progress:
        bar = progress.add_task("submitting", total=len(rows))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            results = await client.submit_many(process, [row[1:] for row in part])
            for (number, _, _), result in zip(part, results, strict=True):
                if isinstance(result, EngineError):
                    refused.append({"row": number, "reason": str(result)})
                else:
                    accepted += 1
            progress.advance(bar, len(part))
    if output.is_json:
        output.document({"accepted": accepted, "refused": refused})
    else:
        output.say(f"{accepted} accepted, {len(refused)} refused")
        for each in refused:
            output.console.print(f"row {each['row']}: {each['reason']}", markup=False)
    return Exit.REFUSED if refused else Exit.DONE


def _rows(file: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Reads (row number, ref, data); a column called `ref` is the ref, all others are text."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            for number, row in enumerate(csv.DictReader(opened, strict=True), start=2):
                if None in row or None in row.values():
                    raise InvalidData(f"{file.name}, row {number}: not as many cells as names")
                yield number, row.pop("ref", ""), dict(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidData(f"{file.name} can't be read as CSV: {error}") from None
