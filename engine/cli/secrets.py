"""`engine secrets`: keys with which secrets are encrypted in the database."""

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from engine.cli.output import Exit, Output, counted
from engine.cli.run import Database, Json, run
from engine.errors import SettingsError
from engine.settings import Settings
from engine.store.opening import keyring_of, open_store

if TYPE_CHECKING:
    from engine.store.asked import Asked


class Action(StrEnum):
    """What is done."""

    NEW_KEY = "new-key"
    ROTATE = "rotate"


def secrets(
    action: Annotated[
        Action,
        typer.Argument(
            help="new-key adds a key to the key file; rotate encrypts all secrets with the newest."
        ),
    ],
    *,
    key_file: Annotated[
        str | None,
        typer.Option("--key-file", help="Where the keys are kept.", metavar="FILE"),
    ] = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Make a key for secrets, or encrypt them with a new one.

    Example: [bold]engine secrets rotate[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        if action is Action.NEW_KEY:
            _add_key(settings, output)
        else:
            await _rotate(settings, output)
        return Exit.DONE

    run(work, is_json=json, database=database, key_file=key_file)


def _add_key(settings: Settings, output: Output) -> None:
    keys = keyring_of(settings.database, settings.key_file)
    if keys.file is None:
        raise SettingsError(
            "no file is named to keep the key in", hint="engine secrets new-key --key-file FILE"
        )
    key_id = keys.add()
    if output.is_json:
        output.document({"key": key_id, "file": str(keys.file)})
    else:
        output.say(f"added key [bold]{key_id}[/] to {escape(str(keys.file))}: keep a copy of it")


async def _rotate(settings: Settings, output: Output) -> None:
    from engine.store.rotation import rotate  # noqa: PLC0415 -- slow to import

    def tell(what: str, number: int) -> None:
        if output.messages.is_terminal:
            output.messages.print(f"[dim]{number:,} {what}[/]", end="\r")

    store = await open_store(settings.database, key_file=settings.key_file)
    try:
        now = int(time.time() * 1_000_000)  # noqa: TID251 -- when the key came into use, for people
        # Every store of ours is one.
        asked = cast("Asked", store)
        rotated = await rotate(asked, now, tell, settings.lease_seconds)
    finally:
        await store.aclose()
    if output.is_json:
        output.document({"key": rotated.key_id, "rows": rotated.rows})
    else:
        output.say(
            f"[green]encrypted[/] {counted(rotated.rows, 'row')} with key {rotated.key_id}; older "
            "keys may be taken out of the key file"
        )
