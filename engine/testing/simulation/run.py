"""Plays seeds."""

import asyncio
import logging
from dataclasses import dataclass
from random import Random

from engine.store.interface import TaskQuery
from engine.testing.simulation.checker import check
from engine.testing.simulation.orders import Orders
from engine.testing.simulation.plot import Plot
from engine.testing.simulation.sms import Sms
from engine.testing.simulation.stock import Stock
from engine.testing.simulation.story import Story
from engine.testing.simulation.timeline import VirtualLoop

PLOTS: tuple[type[Plot], ...] = (Orders, Stock, Sms)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed."""

    seed: int
    broken: list[str]
    trace: list[str]


def play(seed: int, plot: type[Plot] | None = None) -> Outcome:
    """Plays the story of a seed and checks what was promised; the seed chooses a plot too."""
    plot = plot or Random(f"plot {seed}").choice(PLOTS)
    log = logging.getLogger("engine")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # what engines say of faults that were meant is no news
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)
    try:
        return loop.run_until_complete(_played(seed, plot))
    finally:
        _end(loop)
        log.setLevel(level)


async def _played(seed: int, plot: type[Plot]) -> Outcome:
    story = Story(seed, plot)
    try:
        await story.play()
    except TimeoutError:
        return Outcome(seed, await _stuck(story), story.trace)
    except Exception as error:  # noqa: BLE001 -- what a client is told that it must not be told
        return Outcome(seed, [f"it broke off: {error!r}"], story.trace)
    broken = await check(story)
    return Outcome(seed, broken, story.trace)


async def _stuck(story: Story) -> list[str]:
    """Says where tasks stand that do not end."""
    found = ["it does not end"]
    for process in await story.disk.store.oldest_waiting():
        for task in await story.disk.store.tasks(TaskQuery(process, limit=1000)):
            if not task.is_finished:
                holder = story.disk.held.get(task.task_id)
                found.append(
                    f"{process} {task.ref} stands {task.state} in {task.node}, visit {task.visit},"
                    f" due {task.due}, held by {holder}: {task.memo}"
                )
    mail = await story.disk.store.expired(2**62, 1000)
    return [*found, *(f"mail that nobody took: {message_id}" for message_id in mail)]


def _end(loop: VirtualLoop) -> None:
    """Ends what the dead left behind."""
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.close()
