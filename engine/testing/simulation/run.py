"""Plays seeds."""

import asyncio
import logging
from dataclasses import dataclass

from engine.store.interface import TaskQuery
from engine.testing.simulation.checker import check
from engine.testing.simulation.story import Story
from engine.testing.simulation.timeline import VirtualLoop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed."""

    seed: int
    broken: list[str]
    trace: list[str]


def play(seed: int, story_of: type[Story] = Story) -> Outcome:
    """Plays the story of a seed and checks what was promised."""
    log = logging.getLogger("engine")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # what engines say of faults that were meant is no news
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)
    try:
        return loop.run_until_complete(_played(seed, story_of))
    finally:
        _end(loop)
        log.setLevel(level)


async def _played(seed: int, story_of: type[Story]) -> Outcome:
    story = story_of(seed)
    try:
        await story.play()
    except TimeoutError:
        return Outcome(seed, await _stuck(story), story.trace)
    except AssertionError as error:
        return Outcome(seed, [f"{error!r}"], story.trace)
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
    return found


def _end(loop: VirtualLoop) -> None:
    """Ends what the dead left behind."""
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.close()
