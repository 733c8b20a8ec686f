"""`engine explain`: why a task does not move, and what would move it."""

from rich.markup import escape

from engine.cli.client import connect
from engine.cli.output import Exit, Output
from engine.cli.run import Database, Json, Process, Ref, Server, run
from engine.settings import Settings


def explain(
    process: Process,
    ref: Ref,
    *,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Say why a task does not move, and what would move it.

    Example: [bold]engine explain sending-sms 0192f3…[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings) as client:
            task = await client.show(process, ref)
        if output.is_json:
            names = ("task_id", "ref", "state", "node", "due", "explanation")
            output.document({name: task[name] for name in names})
        else:
            output.say(escape(task["explanation"]))
        return Exit.DONE

    run(work, is_json=json, database=database, server=server)
