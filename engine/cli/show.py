"""`engine show`: one task, with its way through the nodes."""

from rich.markup import escape

from engine.cli.client import connect
from engine.cli.output import Exit, Output, task_lines
from engine.cli.run import Database, Json, Process, Ref, Server, run
from engine.settings import Settings


def show(
    process: Process,
    ref: Ref,
    *,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Show a task: its data (secrets hidden), its state and its way through the nodes.

    Example: [bold]engine show sending-sms 0192f3…[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings) as client:
            task = await client.show(process, ref)
        if output.is_json:
            output.document(task)
            return Exit.DONE
        for line in task_lines(task):
            output.say(line)
        output.table(
            ["visit", "node", "entered", "left", "by", "error"], map(_row, task["history"])
        )
        return Exit.DONE

    run(work, is_json=json, database=database, server=server)


def _row(visit: dict[str, object]) -> list[str]:
    error = visit["error"]
    shown = f"[red]{escape(str(error['tag']))}[/]" if isinstance(error, dict) else ""
    return [
        str(visit["visit"]),
        escape(str(visit["node"])),
        str(visit["entered"]),
        str(visit["left"] or "stands here"),
        str(visit["by"] or ""),
        shown,
    ]
