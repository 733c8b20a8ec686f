"""`engine tasks`: lists tasks of a process, or writes them to a CSV file."""

import contextlib
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from engine.cli.arguments import OUTPUT
from engine.cli.client import Client, Listing, connect, every_task, params_of
from engine.cli.output import Exit, Output, coloured, counted
from engine.cli.run import Database, Json, Process, Server, run
from engine.cli.table import Export
from engine.core.duration import parse_duration
from engine.core.task import TaskStatus
from engine.errors import SettingsError
from engine.runtime.clock import SystemClock
from engine.settings import Settings

SHOWN = 50
ALL = 10**12


def tasks(
    process: Process,
    *,
    node: Annotated[str, typer.Option("--node", help="Only tasks in this node.")] = "",
    status: Annotated[TaskStatus | None, typer.Option("--status", help="Only these.")] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="At most so many: 50, with --csv all."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Created since then: 2h, or 2026-11-23T12:00:00Z."),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", help="Write a CSV file, as 'submit --csv' reads it.", metavar="[FILE]"
        ),
    ] = None,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """List the tasks of a process, newest first.

    Example: [bold]engine tasks sending-sms --status error --since 1d[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        most = limit or (ALL if csv else SHOWN)
        listing = Listing(process, node, status, most, _microseconds(since))
        async with connect(settings) as client:
            if csv:
                return await _write(client, output, listing, csv)
            found = await client.tasks(listing)
        if output.is_json:
            output.lines(found)
            return Exit.DONE
        output.table(
            ["ref", "status", "node", "changed", "error"],
            (
                [
                    escape(task["ref"]),
                    coloured(task["status"]),
                    escape(task["node"]),
                    task["changed"],
                    escape(task["error"]["tag"]) if task["error"] else "",
                ]
                for task in found
            ),
        )
        return Exit.DONE

    run(work, is_json=json, database=database, server=server)


async def _write(client: Client, output: Output, listing: Listing, to: str) -> int:
    """Writes tasks to a file, or to standard output."""
    if to == OUTPUT and output.is_json:
        raise SettingsError("standard output can't be CSV and JSON", hint="--csv FILE --json")
    params = await params_of(client, listing.process)
    outputs = {each["name"] for each in params if each["output"]}
    export = Export({each["name"]: each["type"] for each in params}, outputs)
    try:
        with Progress(
            console=output.messages, transient=True, disable=not output.is_for_eyes
        ) as progress:
            bar = progress.add_task("reading tasks", total=None)
            async for task in every_task(client, listing):
                export.add(task)
                progress.advance(bar)
        with _opened(to) as file:
            export.write(file)
    except OSError as error:
        raise SettingsError(f"'{to}' can't be written: {error.strerror}") from None
    finally:
        export.close()
    if output.is_json:
        output.document({"tasks": export.count})
    elif to != OUTPUT:
        output.say(f"{counted(export.count, 'task')} written to {escape(to)}")
    return Exit.DONE


@contextlib.contextmanager
def _opened(to: str) -> Iterator[IO[str]]:
    """Opens the file; lines end as everywhere, and text is UTF-8 whatever the terminal speaks."""
    if to != OUTPUT:
        with Path(to).open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    sys.stdout.flush()
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        yield file
        file.flush()
    finally:
        file.detach()


def _microseconds(since: str | None) -> int | None:
    if since is None:
        return None
    try:
        return SystemClock().now() - parse_duration(since)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise SettingsError(f"--since: {since!r} is neither a duration nor a time") from None
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)
