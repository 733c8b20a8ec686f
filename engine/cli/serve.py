"""`engine serve`: HTTP API, callbacks and workers in one process."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from engine.cli.output import Exit, Output
from engine.cli.plan_lines import plan_lines
from engine.cli.run import Database, Processes, run
from engine.errors import EngineError, SettingsError
from engine.runtime.plan import Change, Plan
from engine.runtime.plan_view import plan_view
from engine.settings import Role, Settings
from engine.workspace import Workspace

RELOAD_EVERY_S = 0.5


def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="0 takes any free port.")] = None,
    database: Database = None,
    processes: Processes = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", help="What callback URLs begin with.", metavar="URL"),
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(
            "--role", help="Of several engines on PostgreSQL: take requests, move tasks, or both."
        ),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Put changed process files into force at once.")
    ] = False,
) -> None:
    """Serve: take tasks and callbacks over HTTP, and move tasks.

    Example: [bold]engine serve --port 8080 --public-url https://engine.example.com[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        from engine.web.server import listen  # noqa: PLC0415 -- slow to import
        from engine.web.server import serve as serve_http  # noqa: PLC0415

        folder = Path(settings.processes)
        workspace = await Workspace.open(settings)
        try:
            _check_role(settings, workspace)
            listening = listen(settings)
            if not settings.public_url:
                workspace.set_public_url(listening.url)
            stamps = _stamps(folder)
            _tell(output, await workspace.deploy_folder([folder]))
            await workspace.start(is_front=settings.role is Role.API)

            def ready(url: str) -> None:
                workspace.announce(url)
                count = _processes(len(workspace.graphs()))
                output.note(f"[green]serving[/] {escape(url)}  {count}")

            watch = _watch(workspace, folder, stamps, output) if reload else _nothing()
            watching = asyncio.create_task(watch)
            try:
                await serve_http(workspace, settings, ready=ready, listening=listening)
            except asyncio.CancelledError:
                output.note("stopping: finishing what is in hand")
            watching.cancel()
        finally:
            await asyncio.shield(workspace.stop())
        return Exit.DONE

    run(
        work, is_json=False, host=host, port=port, database=database, processes=processes,
        public_url=public_url, role=role,
    )  # fmt: skip


def _check_role(settings: Settings, workspace: Workspace) -> None:
    """Refuses a part of the work where nobody could do the rest."""
    if settings.role is not Role.ALL and not workspace.is_shared:
        raise SettingsError(
            f"--role {settings.role} is for several engines on one PostgreSQL database",
            hint="a SQLite file has one engine, which does all of the work",
        )
    if settings.role is Role.WORKER and not settings.public_url:
        raise SettingsError(
            "--role worker needs --public-url: it gives out callback URLs, but takes no callbacks",
            hint="name the address of the engines that take them",
        )


async def _nothing() -> None:
    """Watches nothing."""


async def _watch(
    workspace: Workspace, folder: Path, before: dict[Path, int], output: Output
) -> None:
    """Puts changed files into force; faults are printed and change nothing."""
    while True:
        await asyncio.sleep(RELOAD_EVERY_S)
        now = _stamps(folder)
        if now == before:
            continue
        before = now
        try:
            plan = await workspace.deploy_folder([folder])
        except EngineError as error:
            output.messages.print(str(error), markup=False)
        else:
            _tell(output, plan)
            output.note("[green]reloaded[/]")


def _tell(output: Output, plan: Plan) -> None:
    """Says what changed in processes that were there before."""
    changed = [each for each in plan.processes if each.change is Change.CHANGED]
    for line in plan_lines(plan_view(Plan(tuple(changed)))):
        output.note(line)


def _stamps(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*.y*ml")}


def _processes(number: int) -> str:
    return f"{number} process" + ("" if number == 1 else "es")
