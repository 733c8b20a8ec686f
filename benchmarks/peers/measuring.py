"""Measures one peer: rates, processor time and memory in rounds, and once what a kill leaves."""

import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from pyreqwest.exceptions import PyreqwestError

from benchmarks.peers.jobs import Job
from benchmarks.peers.peer import Peer, Sizes
from benchmarks.peers.stage import Stage, stage

Numbers = dict[str, float]
AFTER_KILL = 240.0
"""The simulator's speed for the kill: what takes it two hours takes it half a minute."""
LOOK_EVERY_S = 1.0
REFUSED_S = 0.1
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, how often, and the speed of the provider."""

    sizes: Sizes
    repeat: int
    speed: float


class RefusedLoad(Exception):
    """A peer did not take every task."""


class NothingEnded(Exception):
    """A peer took tasks and finished none."""


async def measure(peer: Peer, installed: Path, plan: Plan, say: Callable[[str], None]) -> Numbers:
    """Measures everything; gives medians."""
    rounds: list[Numbers] = []
    for number in range(plan.repeat):
        say(f"{peer.title}: round {number + 1} of {plan.repeat}")
        with tempfile.TemporaryDirectory(prefix="conveyor-peers-") as folder:
            async with stage(peer, installed, Path(folder), speed=plan.speed) as found:
                rounds.append(await _round(found, plan.sizes))
    medians = {
        name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]
    }
    say(f"{peer.title}: kill -9")
    with tempfile.TemporaryDirectory(prefix="conveyor-peers-") as folder:
        async with stage(peer, installed, Path(folder), speed=AFTER_KILL) as found:
            return {**medians, **await _survived(found, plan.sizes.killed)}


async def _round(found: Stage, sizes: Sizes) -> Numbers:
    numbers: Numbers = {"memory_idle_mb": found.memory_mb()}
    if found.peer.runs_in_process:
        await found.peer.in_process(found.place, max(1, sizes.tasks // WARM_UP))
        seconds = await found.peer.in_process(found.place, sizes.tasks)
        numbers["pure_in_process_per_s"] = sizes.tasks / seconds
    numbers |= await _job(found, Job.PURE, sizes.tasks)
    numbers |= await _job(found, Job.SMS, sizes.flows)
    numbers["memory_busy_mb"] = found.memory_mb()
    return numbers


async def _job(found: Stage, job: Job, count: int) -> Numbers:
    """Does a job over HTTP, after a tenth of it to warm up."""
    warm = max(1, count // WARM_UP)
    await _do(found, job, range(warm))
    before = found.cpu()
    ended, seconds = await _do(found, job, range(warm, warm + count))
    after = found.cpu()
    if not ended:
        raise NothingEnded(f"no {job} task ended: {found.said()}")
    return {
        f"{job}_per_s": ended / seconds,
        f"{job}_cpu_ms": (after[0] - before[0]) / count * 1000,
        f"{job}_database_cpu_ms": (after[1] - before[1]) / count * 1000,
        f"{job}_ended_part": ended / count,
    }


async def _do(found: Stage, job: Job, numbers: range) -> tuple[int, float]:
    """Submits tasks and waits for their ends; gives how many ended, and in how many seconds."""
    already = await found.peer.ended(found.place, job)
    requests = [found.peer.request(job, number) for number in numbers]
    began, measured = await found.send(requests)
    if any(not status.startswith("2") for status in measured.statuses):
        raise RefusedLoad(f"answers to {job} tasks: {measured.statuses}; it said: {found.said()}")
    ended, at = await found.until_ended(job, already + len(numbers))
    return ended - already, at - began


async def _survived(found: Stage, wanted: int) -> Numbers:
    """Kills a peer once so many flows are acknowledged, while more come in; starts it again.

    Their final callbacks come when it is back. Gives how many of the acknowledged flows end.
    """
    acknowledged: set[int] = set()
    enough = asyncio.Event()
    left = iter(range(wanted * 10))
    senders = [
        asyncio.create_task(_submit(found, left, acknowledged, wanted, enough))
        for _ in range(found.peer.connections)
    ]
    await enough.wait()
    found.kill()
    await asyncio.gather(*senders)
    seconds = await found.start()
    alive: set[int] = set()
    began = perf_counter()
    while not acknowledged <= alive and perf_counter() - began < found.peer.patience_s:
        await asyncio.sleep(LOOK_EVERY_S)
        alive = await found.peer.numbers_ended(found.place)
    return {
        "killed_acknowledged": len(acknowledged),
        "killed_survived": len(acknowledged & alive),
        "restart_s": round(seconds, 2),
    }


async def _submit(
    found: Stage, left: Iterator[int], acknowledged: set[int], wanted: int, enough: asyncio.Event
) -> None:
    """Submits flows until the peer is gone; one that is refused before that is not counted."""
    for number in left:
        request = found.peer.request(Job.SMS, number, is_late=True)
        post = found.place.client.post(found.place.url + request.path).headers(request.headers)
        try:
            answer = await post.body_text(request.body).build().send()
            is_taken = answer.status < 300
        except PyreqwestError:
            is_taken = False
        if is_taken:
            acknowledged.add(number)
        if len(acknowledged) >= wanted:
            enough.set()
        if not is_taken:
            if enough.is_set():
                break
            await asyncio.sleep(REFUSED_S)
    enough.set()
