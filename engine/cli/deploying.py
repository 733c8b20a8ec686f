"""What `engine plan` and `engine deploy` share: all but whether it is done."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.client import Json, connect
from engine.cli.output import Exit, Output
from engine.cli.plan_lines import plan_lines
from engine.cli.run import run
from engine.definition import read_files
from engine.errors import SettingsError
from engine.settings import Settings
from engine.store.opening import is_there

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files or folders; the workspace's if left out. With --version a process.",
        metavar="PATH",
    ),
]
Move = Annotated[
    list[str] | None,
    typer.Option(
        "--move",
        help="Tasks in the node OLD, which is gone, go on in NEW. Also PROCESS/OLD=NEW.",
        metavar="OLD=NEW",
    ),
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Tasks under way stay in their versions to the end.")
]
Version = Annotated[
    int, typer.Option("--version", help="Go back to this version.", metavar="N", min=0)
]


def deploying(
    paths: Sequence[str] | None,
    moves: Sequence[str] | None,
    *,
    is_rehearsal: bool,
    keep: bool,
    version: int,
    is_json: bool,
    **given: Any,
) -> None:
    """Runs either command."""

    async def work(settings: Settings, output: Output) -> int:
        order = _order(settings, paths or (), version)
        order |= {"moves": dict(map(_pair, moves or ())), "keeps": keep}
        if is_rehearsal and not is_there(settings.database) and not settings.server:
            settings = replace(settings, database="sqlite://")  # there everything is new
        async with connect(settings, writes=not is_rehearsal, loads=False) as client:
            plan = await client.deploy(order, is_rehearsal=is_rehearsal)
        _print(output, plan, is_rehearsal=is_rehearsal)
        return Exit.DONE

    run(work, is_json=is_json, **given)


def _order(settings: Settings, paths: Sequence[str], version: int) -> Json:
    """Says what is to be put into force: the files as they are, or a version."""
    if version:
        if len(paths) != 1:
            raise SettingsError(
                "--version goes back to a version of one process; name it",
                hint=f"engine deploy --version {version} PROCESS",
            )
        return {"process": paths[0], "version": version}
    texts = read_files(Path(path) for path in paths or [settings.processes])
    return {"files": [{"file": file, "source": source} for file, source in texts]}


def _pair(text: str) -> tuple[str, str]:
    old, separator, new = text.partition("=")
    if not (separator and old and new):
        raise SettingsError(f"--move {text}: write it as --move OLD=NEW")
    return old, new


def _print(output: Output, plan: Json, *, is_rehearsal: bool) -> None:
    if output.is_json:
        output.document(plan)
        return
    for line in plan_lines(plan):
        output.say(line)
    changed = [each for each in plan["processes"] if each["change"] != "unchanged"]
    if not changed:
        output.say("nothing to change")
    elif is_rehearsal:
        output.say("[dim]nothing was changed; 'engine deploy' does it[/]")
    else:
        output.say("[green]deployed[/]")
