"""`engine db`: moves a workspace from a SQLite file to PostgreSQL, or looks for damage."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from engine.cli.output import Exit, Output, counted
from engine.cli.run import Database, Json, run
from engine.errors import SettingsError, StoreError, StoreInUse, StoreUnavailable
from engine.settings import Settings
from engine.store.opening import open_store

if TYPE_CHECKING:
    from engine.store.copying import Copied, Copy

LOOK_EVERY_S = 0.5

Work = Callable[[Settings, Output], Awaitable[int]]


class Action(StrEnum):
    """What is done with a database."""

    COPY = "copy"
    CHECK = "check"


def db(
    action: Annotated[Action, typer.Argument(help="What to do: copy or check.")],
    source: Annotated[
        str,
        typer.Argument(help="The SQLite database to move, or the one to check.", metavar="FROM"),
    ] = "",
    target: Annotated[
        str, typer.Argument(help="The PostgreSQL database to move to.", metavar="TO")
    ] = "",
    *,
    database: Database = None,
    json: Json = False,
) -> None:
    """Move a workspace from SQLite to PostgreSQL, or look for damage, while its engine works.

    Example: [bold]engine db copy sqlite:///engine.db postgresql://localhost/engine[/]
    """
    work = _checking(source, target) if action is Action.CHECK else _copying(source, target)
    run(work, is_json=json, database=database)


def _checking(source: str, target: str) -> Work:
    async def work(settings: Settings, output: Output) -> int:
        if target:
            raise SettingsError("one database is checked at a time", hint="engine db check URL")
        store = await open_store(source or settings.database, read_only=True)
        try:
            damage = await store.check()
        except StoreUnavailable as error:
            damage = [str(error)]
        finally:
            await store.aclose()
        if output.is_json:
            output.document({"damage": damage})
        for each in damage:
            output.say(f"[red]damage:[/] {escape(each)}")
        if damage:
            output.say("stop the engine and restore the database from a backup")
        else:
            output.say("[green]no damage found[/]")
        return Exit.FAILED if damage else Exit.DONE

    return work


def _copying(source: str, target: str) -> Work:
    async def work(_: Settings, output: Output) -> int:
        if not source or not target:
            raise SettingsError("a copy needs both databases", hint="engine db copy FROM TO")
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
        if output.is_json:
            output.document(
                {"tasks": copied.tasks, "history": copied.history, "changed": copied.changed}
            )
        else:
            output.say(
                f"[green]moved[/] {counted(copied.tasks, 'task')}, {copied.changed:,} of them "
                "changed meanwhile; start engines on the new database"
            )
        return Exit.DONE

    return work


async def _finish_when_free(copy: "Copy") -> "Copied":
    """Finishes as soon as no engine works on the file any more."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        with contextlib.suppress(StoreInUse):
            return await copy.finish()
