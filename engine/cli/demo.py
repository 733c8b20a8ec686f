"""`engine demo`: the whole SMS scenario on a machine where nothing is set up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Annotated

import typer
from rich.markup import escape

from engine.cli.demo_scene import Scene, scene
from engine.cli.demo_view import (
    Refresh,
    live_table,
    outcome_table,
    plain_lines,
    progress_bar,
    results,
)
from engine.cli.demo_watch import CASES, ORDER, SENDING, Watch
from engine.cli.output import Exit, Output
from engine.cli.run import Json, run
from engine.errors import EngineError, EngineUnreachable
from engine.settings import Settings

# A person must be able to follow; nobody looks at a pipe.
SPEED_FOR_EYES, SPEED_ELSE, SPEED_FOR_MANY = 0.25, 2.0, 10.0
BETWEEN_ORDERS_S = 0.35
IN_FLIGHT, AT_ONCE = 1_000, 100
REFRESH_S = 0.05
PATIENCE_S = 30.0


def demo(
    *,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Send so many, as fast as it goes.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0.01, help="Divides the delays of the simulator."),
    ] = None,
    json: Json = False,
) -> None:
    """See it work: sends SMS through a simulated Twilio, and shows each task on its way.

    Engine, database and simulator run for this demo only; nothing leaves this machine.

    Example: [bold]engine demo --count 1000[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        del settings
        chosen = speed or _speed(count, output)
        output.say("[bold]Conveyor demo[/]: everything runs here, nothing is sent.")
        async with scene(chosen, apart=count is not None) as stage:
            started = perf_counter()
            watch = Watch(stage.workspace, len(CASES) if count is None else count)
            if count is None:
                await _few(stage, watch, output)
            else:
                await _many(stage, watch, output)
            return _report(stage, watch, output, perf_counter() - started)

    run(work, is_json=json)


def _speed(count: int | None, output: Output) -> float:
    if count is not None:
        return SPEED_FOR_MANY
    return SPEED_FOR_EYES if output.is_for_eyes else SPEED_ELSE


async def _few(stage: Scene, watch: Watch, output: Output) -> None:
    """Sends a message for each case and shows where they are."""
    output.say(
        f"[dim]engine {escape(stage.url)}   Twilio simulator {escape(stage.twilio_url)}[/]\n"
    )
    titles = {node.id: node.title for node in stage.workspace.graph(SENDING).nodes.values()}
    view: AbstractContextManager[Refresh] = nullcontext(lambda: None)
    if not output.is_json:
        show = live_table if output.is_for_eyes else plain_lines
        view = show(output.console, watch, titles)

    async def submit() -> None:
        for order, data in watch.orders():
            await stage.workspace.submit(ORDER, data, order)
            await asyncio.sleep(BETWEEN_ORDERS_S if output.is_for_eyes else 0)

    await _follow(watch, output, view, submit)


async def _many(stage: Scene, watch: Watch, output: Output) -> None:
    """Sends as many as asked for, with a bounded number on their way at once."""
    view: AbstractContextManager[Refresh] = nullcontext(lambda: None)
    if not output.is_json:
        view = progress_bar(output.messages, watch)

    async def submit() -> None:
        orders = [(order, data, None) for order, data in watch.orders()]
        for sent in range(0, len(orders), AT_ONCE):
            while sent - watch.over > IN_FLIGHT:
                watch.changed.clear()
                await watch.changed.wait()
            part = orders[sent : sent + AT_ONCE]
            for result in await stage.workspace.submit_many(ORDER, part):
                if isinstance(result, EngineError):
                    raise result

    await _follow(watch, output, view, submit)


async def _follow(
    watch: Watch,
    output: Output,
    view: AbstractContextManager[Refresh],
    submit: Callable[[], Awaitable[None]],
) -> None:
    """Shows what happens until all have ended, or none moves any more."""
    with view as refresh:
        submitting = asyncio.ensure_future(submit())
        submitting.add_done_callback(lambda _: watch.changed.set())
        try:
            while not watch.is_over:
                if submitting.done():
                    submitting.result()
                watch.changed.clear()
                refresh()
                await asyncio.sleep(REFRESH_S)
                async with asyncio.timeout(PATIENCE_S):
                    await watch.changed.wait()
        except TimeoutError:
            output.note(f"nothing has moved for {PATIENCE_S:g} s")
        finally:
            submitting.cancel()
        refresh()


def _report(stage: Scene, watch: Watch, output: Output, seconds: float) -> int:
    missing = watch.missing()
    sent = len(watch.tracks)
    if output.is_json:
        tasks = [track.sending for track in watch.tracks.values() if track.sending is not None]
        output.document(
            {
                "sent": sent,
                "outcomes": watch.outcomes(),
                "tasks": [stage.workspace.view(task) for task in tasks],
                "seconds": round(seconds, 3),
            }
        )
    else:
        output.console.print(results(watch) if sent <= len(CASES) else outcome_table(watch))
        output.say(
            f"\n{sent - len(missing):,} of {sent:,} messages accounted for in {seconds:.1f} s"
            + (_rates(watch, seconds) if sent > len(CASES) else "")
        )
        if output.is_for_eyes:
            output.say("Next: [bold]engine demo --count 1000[/], [bold]engine init DIR[/]")
    if missing:
        output.error(
            EngineUnreachable(
                f"{len(missing)} messages did not end as they should: "
                + ", ".join(track.order for track in missing[:10])
            )
        )
        return Exit.FAILED
    return Exit.DONE


def _rates(watch: Watch, seconds: float) -> str:
    messages, tasks = len(watch.tracks) / seconds, watch.tasks / seconds
    return f": {messages:,.0f} messages a second, {tasks:,.0f} tasks a second"
