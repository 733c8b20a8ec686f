"""`engine db copy`: moves a workspace from a SQLite file to PostgreSQL."""

import asyncio
import contextlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from engine.cli.output import Exit, Output, counted
from engine.cli.run import Json, run
from engine.errors import StoreError, StoreInUse
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.store.copying import Copied, Copy

LOOK_EVERY_S = 0.5


class Action(StrEnum):
    """What is done with a database."""

    COPY = "copy"


def db(
    action: Annotated[Action, typer.Argument(help="What to do: copy.")],
    source: Annotated[str, typer.Argument(help="The SQLite database to move.", metavar="FROM")],
    target: Annotated[
        str, typer.Argument(help="The PostgreSQL database to move to.", metavar="TO")
    ],
    *,
    json: Json = False,
) -> None:
    """Move a workspace from SQLite to PostgreSQL while its engine works.

    Example: [bold]engine db copy sqlite:///engine.db postgresql://localhost/engine[/]
    """
    del action

    async def work(_: Settings, output: Output) -> int:
        try:
            from engine.store.copying import Copy  # noqa: PLC0415 -- needs an extra
        except ImportError as error:
            raise StoreError(
                f"PostgreSQL needs the package '{error.name or 'asyncpg'}'",
                hint="pip install 'conveyor-engine[postgres]'",
            ) from error

        def tell(what: str, number: int) -> None:
            if output.messages.is_terminal:
                output.messages.print(f"[dim]{number:,} {what}[/]", end="\r")

        copy = Copy(source, target, tell)
        await copy.begin()
        try:
            copied = await copy.finish()
        except StoreInUse:
            output.note(
                "copied; [bold]now stop the engine[/] on "
                f"{escape(source)}: what it changed since is copied then"
            )
            copied = await _finish_when_free(copy)
        if json:
            output.document(
                {"tasks": copied.tasks, "history": copied.history, "changed": copied.changed}
            )
        else:
            output.say(
                f"[green]moved[/] {counted(copied.tasks, 'task')}, {copied.changed:,} of them "
                "changed meanwhile; start engines on the new database"
            )
        return Exit.DONE

    run(work, is_json=json)


async def _finish_when_free(copy: "Copy") -> "Copied":
    """Finishes as soon as no engine works on the file any more."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        with contextlib.suppress(StoreInUse):
            return await copy.finish()
