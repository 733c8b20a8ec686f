"""`engine modify`: changes a task's data."""

from engine.cli.client import connect
from engine.cli.given import Texts, Values, Whole, given_data
from engine.cli.output import Exit, Output, task_lines
from engine.cli.run import Database, Json, Process, Processes, Ref, Server, run
from engine.settings import Settings


def modify(
    process: Process,
    ref: Ref,
    *,
    d: Texts = None,
    j: Values = None,
    data: Whole = None,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Change a task's data; one that waits for a callback goes on with it.

    Example: [bold]engine modify getting-callback SM123 -d MessageStatus=delivered[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings, writes=True) as client:
            task = await client.modify(process, ref, given_data(d, j, data))
        if output.is_json:
            output.document(task)
        else:
            for line in task_lines(task):
                output.say(line)
        return Exit.DONE

    run(work, is_json=json, database=database, processes=processes, server=server)
