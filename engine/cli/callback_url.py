"""`engine callback-url`: the URL to give to the outside."""

from typing import Annotated

import typer

from engine.cli.client import connect
from engine.cli.output import Exit, Output
from engine.cli.run import Database, Json, Process, Processes, Server, run
from engine.settings import Settings


def callback_url(
    process: Process,
    node: Annotated[str, typer.Argument(help="A node that waits for callbacks.", metavar="NODE")],
    *,
    plugin: Annotated[str, typer.Option("--plugin", help="A provider's form: twilio.")] = "",
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="What the URL begins with.", metavar="URL")
    ] = None,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Print the callback URL of a node.

    Example: [bold]engine callback-url getting-callback callback --plugin twilio[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        async with connect(settings, writes=True) as client:
            url = await client.callback_url(process, node, plugin)
        if output.is_json:
            output.document({"url": url})
        else:
            output.console.print(url, markup=False)
        return Exit.DONE

    run(
        work, is_json=json, database=database, processes=processes, server=server,
        public_url=public_url,
    )  # fmt: skip
