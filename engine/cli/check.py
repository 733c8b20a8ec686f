"""`engine check`: is what was written right?"""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from engine.cli.output import Exit, Output, counted
from engine.cli.run import Json, Processes, run
from engine.definition import load_files
from engine.settings import Settings


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; the workspace's if left out.")
    ] = None,
    *,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Check process files; every fault is printed as FILE:LINE:COLUMN: message (rule).

    Example: [bold]engine check processes/sms[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        loaded = load_files(paths or [Path(settings.processes)])
        if output.is_json:
            output.document({"files": loaded.files, "faults": msgspec.to_builtins(loaded.faults)})
        else:
            for fault in loaded.faults:
                output.console.print(str(fault), markup=False)
            warnings = len(loaded.faults) - len(loaded.errors)
            found = ((loaded.files, "file"), (len(loaded.errors), "fault"), (warnings, "warning"))
            output.console.print(", ".join(counted(*each) for each in found), markup=False)
        return Exit.FAILED if loaded.errors else Exit.DONE

    run(work, is_json=json, processes=processes)
