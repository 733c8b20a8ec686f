"""`engine graph`: the picture of a process."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.client import connect
from engine.cli.output import Exit, Output
from engine.cli.run import Database, Process, Processes, Server, run
from engine.definition import Definition, drawing_of, load_files
from engine.definition.picture import Picture, render, write_text
from engine.errors import DefinitionError, SettingsError, UnknownProcess
from engine.settings import Settings

ENDINGS = (".svg", ".png", ".mmd", ".dot")


def graph(
    process: Process,
    *,
    output_file: Annotated[
        Path | None,
        typer.Option("-o", help="A file ending in .svg, .png, .mmd or .dot.", metavar="FILE"),
    ] = None,
    counts: Annotated[
        bool, typer.Option("--counts", help="With the number of tasks in each node.")
    ] = False,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
) -> None:
    """Draw a process, to the terminal or to a file.

    Example: [bold]engine graph sending-sms -o sending-sms.svg[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        if output_file is not None and output_file.suffix not in ENDINGS:
            raise SettingsError(f"-o {output_file}: the file must end in {', '.join(ENDINGS)}")
        standing = await _standing(settings, process) if counts else None
        definition = _definition(settings, process)
        picture = Picture((drawing_of(definition, standing),))
        if output_file is None:
            output.console.print(write_text(picture, markup=True), end="")
        else:
            _write(output_file, render(picture, output_file.suffix))
        return Exit.DONE

    run(work, is_json=False, database=database, processes=processes, server=server)


async def _standing(settings: Settings, process: str) -> dict[str, int]:
    async with connect(settings) as client:
        for each in await client.processes():
            if each["process"] == process:
                return {node["node"]: node["standing"] for node in each["nodes"]}
    return {}


def _definition(settings: Settings, process: str) -> Definition:
    loaded = load_files([Path(settings.processes)])
    for definition in loaded.definitions:
        if definition.process == process:
            return definition
    if loaded.errors:
        raise DefinitionError(loaded.errors)
    raise UnknownProcess(f"there is no process '{process}' in {settings.processes}")


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"-o {file}: {error.strerror}") from None
