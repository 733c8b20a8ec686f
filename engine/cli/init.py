"""`engine init`: a new workspace."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from engine.cli.output import Exit, Output
from engine.cli.run import run
from engine.definition import Catalog, process_schema
from engine.errors import SettingsError
from engine.settings import FILE, Settings

SCHEMA = "process.schema.json"

EXAMPLE = f"""\
# yaml-language-server: $schema=../{SCHEMA}
#
# A process is a graph of nodes; tasks move through it along the links.
#
#   engine check
#   engine submit hello -d name=Ada --wait
process: hello
title: Say hello
params:
  # What a new task must bring. Anything else is refused.
  name: {{type: string, required: true, max_length: 100}}
  greeting: {{type: string, output: true}}

nodes:
  # Every process has exactly one start.
  start: {{type: start, next: greet}}

  # Sets parameters of the task. {{{{ … }}}} is replaced by what it says.
  greet:
    type: set_parameter
    set: {{greeting: "Hello {{{{ name }}}}"}}
    next: is_it_me
    error: failed

  # The first case that holds decides where the task goes.
  is_it_me:
    type: condition
    cases:
      - {{when: "name == 'engine'", next: failed}}
    else: done

  # A task ends here, well or not.
  done: {{type: end, result: success}}
  failed: {{type: end, result: error}}
"""

SETTINGS = """\
# Settings of this workspace. Options and ENGINE_* variables go before them.

database = "sqlite:///engine.db"
processes = "./processes"
# port = 8080

# What the outside calls; callback URLs begin with it.
# public_url = "https://engine.example.com"

# `env` in templates; variables of the environment go before these.
[variables]
# GATEWAY_URL = "https://gateway.example.com"
"""


def init(
    folder: Annotated[Path, typer.Argument(help="Where; it is made if needed.")] = Path(),
) -> None:
    """Make a new workspace: an example process, settings, and a schema for editors.

    Example: [bold]engine init my-processes[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        del settings
        schema = msgspec.json.format(
            msgspec.json.encode(process_schema(Catalog.installed())), indent=2
        )
        files = {
            folder / "processes" / "hello.yaml": EXAMPLE.encode(),
            folder / FILE: SETTINGS.encode(),
            folder / SCHEMA: schema + b"\n",
        }
        there = [str(file) for file in files if file.exists()]
        if there:
            raise SettingsError(
                f"already there: {', '.join(there)}; nothing was changed",
                hint="choose another folder: engine init DIR",
            )
        _write(files)
        for file in files:
            output.console.print(f"made {file}", markup=False)
        return Exit.DONE

    run(work, is_json=False)


def _write(files: dict[Path, bytes]) -> None:
    for file, content in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            raise SettingsError(f"{file} can't be written: {error.strerror}") from None
