"""`engine tasks`: lists tasks of a process."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from engine.cli.client import Listing, connect
from engine.cli.output import Exit, Output, coloured
from engine.cli.run import Database, Json, Process, Server, run
from engine.core.duration import parse_duration
from engine.core.task import TaskStatus
from engine.errors import SettingsError
from engine.runtime.clock import SystemClock
from engine.settings import Settings


def tasks(
    process: Process,
    *,
    node: Annotated[str, typer.Option("--node", help="Only tasks in this node.")] = "",
    status: Annotated[TaskStatus | None, typer.Option("--status", help="Only these.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Created since then: 2h, or 2026-11-23T12:00:00Z."),
    ] = None,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """List the tasks of a process, newest first.

    Example: [bold]engine tasks sending-sms --status error --since 1d[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        listing = Listing(process, node, status, limit, _microseconds(since))
        async with connect(settings) as client:
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
