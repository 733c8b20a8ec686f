"""The command line's front door: which commands there are.

Only the command that is asked for is imported; of the others the line in the list is enough.
"""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated

import typer

from engine import __version__
from engine.cli.arguments import spell_out
from engine.cli.run import common, usage_error

COMMANDS: Mapping[str, str] = {
    "demo": "See it work: sends SMS through a simulated Twilio, and shows each task on its way.",
    "init": "Make a new workspace: an example process, settings, and a schema for editors.",
    "check": "Check process files; every fault is printed as FILE:LINE:COLUMN: message (rule).",
    "serve": "Serve: take tasks and callbacks over HTTP, and move tasks.",
    "submit": "Submit a task.",
    "modify": "Change a task's data; one that waits for a callback goes on with it.",
    "show": "Show a task: its data (secrets hidden), its state and its way through the nodes.",
    "explain": "Say why a task does not move, and what would move it.",
    "tasks": "List the tasks of a process, newest first.",
    "rerun": "Put failed tasks back into the node they failed in.",
    "delete": "Remove a task; whoever waits for its reply is told that none will come.",
    "callback-url": "Print the callback URL of a node.",
    "plan": "Say what a deploy would change, and what would become of tasks under way.",
    "deploy": "Put processes into force as new versions, or go back to an earlier one.",
    "graph": "Draw a process, to the terminal or to a file.",
    "stats": "Show the tasks by process and node.",
    "db": "Move a workspace from SQLite to PostgreSQL while its engine works.",
    "twilio": "Run the Twilio simulator: it answers as Twilio does, calls back, and sends nothing.",
    "bench": "Measure this machine: tasks a second, SMS flows a second, latency, memory.",
}
COMPLETION = "_ENGINE_COMPLETE"


def build(wanted: Sequence[str]) -> typer.Typer:
    """Puts the command line together with the code of the commands wanted."""
    app = typer.Typer(
        name="engine",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for name, summary in COMMANDS.items():
        if name in wanted:
            function = name.replace("-", "_")
            app.command(name)(getattr(import_module(f"engine.cli.{function}"), function))
        else:
            app.command(name, help=summary)(_not_loaded)
    return app


def _not_loaded() -> None:
    """Stands in the list for a command that was not asked for."""


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from engine.store.sqlite.file import (  # noqa: PLC0415 -- only asked here
            OLDEST_LIBRARY,
            sqlite_version,
        )

        version = sqlite_version()
        typer.echo(f"engine {__version__} (SQLite {version})")
        if tuple(map(int, version.split("."))) < OLDEST_LIBRARY:
            oldest = ".".join(map(str, OLDEST_LIBRARY))
            typer.echo(
                f"warning: SQLite before {oldest} can lose committed transactions; "
                "the engine does not work with it: install a newer 'pysqlite3'",
                err=True,
            )
        raise typer.Exit


def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log more.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the versions.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A durable process engine: processes are YAML graphs of nodes, tasks move through them.

    Try it: [bold]engine demo[/]
    """
    del version
    common.debug = debug


def main() -> None:
    """Runs the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that can't write an arrow must not end a command.
            stream.reconfigure(errors="replace")
    arguments = spell_out(sys.argv[1:])
    asked = next((each for each in arguments if not each.startswith("-")), "")
    app = build([*COMMANDS] if COMPLETION in os.environ else [asked])
    if "--json" not in arguments:
        app(arguments, prog_name="engine")
    try:
        code = app(arguments, prog_name="engine", standalone_mode=False)
    except typer.TyperException as error:
        code = usage_error(error.format_message())
    sys.exit(code or 0)
