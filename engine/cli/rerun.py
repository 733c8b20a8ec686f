"""`engine rerun`: puts failed tasks back."""

from typing import Annotated

import typer
from rich.markup import escape

from engine.cli.client import Client, Listing, connect
from engine.cli.output import Exit, Output, exit_code
from engine.cli.run import Database, Json, Process, Processes, Server, run
from engine.core.task import TaskStatus
from engine.errors import EngineError, SettingsError
from engine.settings import Settings

ALL = 100_000


def rerun(
    process: Process,
    refs: Annotated[list[str] | None, typer.Argument(help="Refs or ids of tasks.")] = None,
    *,
    node: Annotated[
        str, typer.Option("--node", help="Put them into this node, not the one they failed in.")
    ] = "",
    failed_in: Annotated[
        str, typer.Option("--failed-in", help="All tasks that failed in this node.")
    ] = "",
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Put failed tasks back into the node they failed in.

    Example: [bold]engine rerun sending-sms --failed-in calling_api[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        if not refs and not failed_in:
            raise SettingsError("name tasks, or take all with --failed-in NODE")
        worst = Exit.DONE
        async with connect(settings, writes=True) as client:
            for ref in [*(refs or ()), *await _failed_in(client, process, failed_in)]:
                try:
                    task = await client.rerun(process, ref, node)
                except EngineError as error:
                    output.error(error)
                    worst = max(worst, exit_code(error))
                    continue
                if output.is_json:
                    output.lines([task])
                else:
                    output.say(f"{escape(ref)} is back in {escape(node or task['node'])}")
        return worst

    run(work, is_json=json, database=database, processes=processes, server=server)


async def _failed_in(client: Client, process: str, node: str) -> list[str]:
    if not node:
        return []
    found = await client.tasks(Listing(process, status=TaskStatus.ERROR, limit=ALL))
    return [task["task_id"] for task in found if task.get("failed_in") == node]
