"""`engine stats`: tasks by process and node, what passed, what waits longest."""

import asyncio
from typing import Annotated, Any

import typer
from rich.markup import escape

from engine.cli.client import Client, connect
from engine.cli.output import Exit, Output
from engine.cli.run import Database, Json, Server, run
from engine.settings import Settings

EVERY_S = 2.0


def stats(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Print again every 2 s.")] = False,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Show the tasks by process and node.

    Example: [bold]engine stats --watch[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings) as client:
            before: dict[str, int] = {}
            while True:
                before = await _print(client, output, before)
                if not watch:
                    return Exit.DONE
                await asyncio.sleep(EVERY_S)

    run(work, is_json=json, database=database, server=server)


async def _print(client: Client, output: Output, before: dict[str, int]) -> dict[str, int]:
    """Prints the counts once; gives how many moves each process had made by now."""
    processes = await client.processes()
    moves = {each["process"]: sum(node["out"] for node in each["nodes"]) for each in processes}
    if output.is_json:
        output.document({"processes": processes})
        return moves
    for process in processes:
        name = process["process"]
        since = moves[name] - before.get(name, moves[name])
        output.say(
            f"[bold]{escape(process['title'])}[/] ({name}, version {process['version']})"
            + (f"  {since / EVERY_S:,.0f} moves/s" if before else "")
            + (f"  oldest unfinished {oldest}" if (oldest := process["oldest_unfinished"]) else "")
        )
        output.table(["  node", "type", "standing", "in", "out"], map(_row, process["nodes"]))
        for node in process["nodes"]:
            for sum_name, amount in (node.get("sums") or {}).items():
                output.say(f"  {escape(node['node'])}: {escape(sum_name)} = {amount:,}")
    return moves


def _row(node: dict[str, Any]) -> list[str]:
    standing = f"[yellow]{node['standing']}[/]" if node["standing"] else "0"
    return [f"  {escape(node['node'])}", node["type"], standing, str(node["in"]), str(node["out"])]
