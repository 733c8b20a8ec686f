"""`engine delete`: removes a task."""

from rich.markup import escape

from engine.cli.client import connect
from engine.cli.output import Exit, Output
from engine.cli.run import Database, Json, Process, Processes, Ref, Server, run
from engine.settings import Settings


def delete(
    process: Process,
    ref: Ref,
    *,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Remove a task; whoever waits for its reply is told that none will come.

    Example: [bold]engine delete sending-sms 0192f3…[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings, writes=True) as client:
            await client.delete(process, ref)
        if output.is_json:
            output.document({"deleted": ref})
        else:
            output.say(f"{escape(ref)} is deleted")
        return Exit.DONE

    run(work, is_json=json, database=database, processes=processes, server=server)
