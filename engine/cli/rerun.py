"""`engine rerun`: puts failed tasks back."""

import asyncio
from typing import Annotated, Any

import typer
from rich.markup import escape

from engine.cli.client import Client, Listing, connect, every_task
from engine.cli.output import Exit, Output, counted, exit_code
from engine.cli.run import Database, Json, Process, Processes, Server, run
from engine.core.task import TaskStatus
from engine.errors import EngineError, EngineUnreachable, SettingsError, StoreError, UnknownNode
from engine.settings import Settings

ALL = 10**12
AT_ONCE = 50


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
        done = 0
        async with connect(settings, writes=True) as client:
            wanted = list(dict.fromkeys(refs or ()))
            if failed_in:
                wanted += await _failed_in(client, output, process, failed_in)
            for start in range(0, len(wanted), AT_ONCE):
                part = wanted[start : start + AT_ONCE]
                answers = await asyncio.gather(
                    *(_rerun(client, process, ref, node) for ref in part)
                )
                for ref, answer in zip(part, answers, strict=True):
                    if isinstance(answer, EngineError):
                        output.error(answer)
                        worst = max(worst, exit_code(answer))
                        continue
                    done += 1
                    if output.is_json:
                        output.lines([answer])
                    else:
                        output.say(_said(ref, answer, node))
        if len(wanted) > 1:
            output.say(f"{counted(done, 'task')} of {len(wanted):,} put back")
        return worst

    run(work, is_json=json, database=database, processes=processes, server=server)


async def _rerun(client: Client, process: str, ref: str, node: str) -> dict[str, Any] | EngineError:
    try:
        return await client.rerun(process, ref, node)
    except (EngineUnreachable, StoreError):
        raise
    except EngineError as error:
        return error


def _said(ref: str, task: dict[str, Any], node: str) -> str:
    """Says where a task is now: it may have gone on, or failed again, by the time of the answer."""
    back = f" was put into {escape(node)}," if node else " was put back,"
    return f"{escape(ref)}{back} and is {task['status']} in {escape(task['node'])}"


async def _failed_in(client: Client, output: Output, process: str, node: str) -> list[str]:
    """Finds every task that failed in a node.

    Raises:
        UnknownNode: none did, and there is no such node.
    """
    listing = Listing(process, status=TaskStatus.ERROR, limit=ALL)
    found = [
        task["task_id"]
        async for task in every_task(client, listing)
        if task.get("failed_in") == node
    ]
    if not found:
        await _check_node(client, process, node)
        output.note(f"no task of '{escape(process)}' stands failed in '{escape(node)}'")
    return found


async def _check_node(client: Client, process: str, node: str) -> None:
    for each in await client.processes():
        if each["process"] == process:
            nodes = [known["node"] for known in each["nodes"]]
            if node not in nodes:
                raise UnknownNode(
                    f"'{process}' has no node '{node}'", hint=f"it has: {', '.join(nodes)}"
                )
