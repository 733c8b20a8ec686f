"""The command line's front door: which commands there are."""

import sys
from typing import Annotated

import click
import typer

from engine import __version__
from engine.cli import (
    bench,
    callback_url,
    check,
    delete,
    demo,
    graph,
    init,
    modify,
    rerun,
    serve,
    show,
    stats,
    submit,
    tasks,
    twilio,
)
from engine.cli.output import Exit
from engine.cli.run import common

app = typer.Typer(
    name="engine",
    help="A durable process engine: processes are YAML graphs of nodes, tasks move through them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _name, _run in (
    ("demo", demo.demo),
    ("init", init.init),
    ("check", check.check),
    ("serve", serve.serve),
    ("submit", submit.submit),
    ("modify", modify.modify),
    ("show", show.show),
    ("tasks", tasks.tasks),
    ("rerun", rerun.rerun),
    ("delete", delete.delete),
    ("callback-url", callback_url.callback_url),
    ("graph", graph.graph),
    ("stats", stats.stats),
    ("twilio", twilio.twilio),
    ("bench", bench.bench),
):
    app.command(_name)(_run)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from engine.store.opening import sqlite_version  # noqa: PLC0415 -- only asked here

        typer.echo(f"engine {__version__} (SQLite {sqlite_version()})")
        raise typer.Exit


@app.callback()
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
    """A durable process engine.

    Try it: [bold]engine demo[/]
    """
    del version
    common.debug = debug


def main() -> None:
    """Runs the command line."""
    try:
        code = app(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    sys.exit(code or 0)
