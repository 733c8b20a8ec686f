"""Holds what is in the database against what clients and the service wrote down."""

from collections import Counter
from collections.abc import Iterator

from engine.core.batch import Step
from engine.core.task import Task, TaskState
from engine.store.interface import TaskQuery
from engine.testing.simulation.outside import CALLBACKS
from engine.testing.simulation.story import Story

REST_US = 3_000_000
DELAYS = {("note", "rest"): 3_000_000, ("price", "rest"): 500_000, ("order", "later"): 2_000_000}
"""How long a task stands in these nodes, at least; microseconds."""
ALL = 1_000_000


async def check(story: Story) -> list[str]:
    """Gives every promise that was broken, with what broke it; an empty list is good."""
    found = list(story.service.broken_promises)
    store = story.disk.store
    tasks = {
        process: await store.tasks(TaskQuery(process, limit=ALL))
        for process in ("order", "note", "price")
    }
    histories = {
        task.task_id: await store.history(task.task_id)
        for several in tasks.values()
        for task in several
    }
    found += await store.check()
    found += _orders(story, tasks["order"], histories)
    found += _made_once(story, tasks)
    for task in (each for several in tasks.values() for each in several):
        found += _visits(task, histories[task.task_id])
        if not story.plan.jumps:
            found += _timers(task, histories[task.task_id])
    found += _counters(await store.counts(), [*histories.items()], tasks)
    found += [f"undelivered: {kept}" for kept in await store.undelivered("", ALL)]
    left = await store.expired(2**62, ALL)
    found += [f"mail that nobody took: {message_id}" for message_id in left]
    return found


def _orders(story: Story, orders: list[Task], histories: dict[str, list[Step]]) -> Iterator[str]:
    """What was accepted is there once, and ended with every callback in its order."""
    refs = Counter(task.ref for task in orders)
    if refs != Counter(list(story.accepted)):
        yield f"accepted were {sorted(story.accepted)}, there are {sorted(refs.elements())}"
    for task in orders:
        number = story.accepted.get(task.ref)
        if task.state is not TaskState.SUCCESS or task.node != "done":
            yield f"{task.ref} ended {task.state} in {task.node}: {task.memo.error}"
            continue
        if task.data["price"] != 2 * (number or 0) or task.data["number"] != number:
            yield f"{task.ref} was submitted with {number} and has {task.data}"
        if task.data["got"] != list(range(CALLBACKS)):
            yield f"{task.ref} took the callbacks {task.data['got']}"
        way = [step.node for step in histories[task.task_id] if step.node != "later"]
        told = [node for node in way if node == "tell"]
        rest = [node for node in way if node != "tell"]
        expected = ["start", "note", "price", *["wait", "add", "last"] * CALLBACKS, "done"]
        if rest != expected or not told:
            yield f"{task.ref} went {way}"
        if not all((task.ref, each) in story.acknowledged for each in range(CALLBACKS)):
            yield f"{task.ref} took a callback that nobody acknowledged"


def _made_once(story: Story, tasks: dict[str, list[Task]]) -> Iterator[str]:
    """Each order made one note and called for one price."""
    notes = Counter(task.data["order"] for task in tasks["note"])
    prices = Counter(task.data["__rpc_ref_id__"] for task in tasks["price"])
    for name, made in (("notes", notes), ("prices", prices)):
        if made != Counter(list(story.accepted)):
            yield f"{name} were made for {sorted(made.elements())}"


def _visits(task: Task, steps: list[Step]) -> Iterator[str]:
    """Visits are counted without a gap or a repeat."""
    # What happens to a task after its end counts as its last visit.
    visits = [step.visit for step in steps if step.by != "late"]
    if visits != list(range(1, task.visit + 1)):
        yield f"{task.process} {task.ref} has the visits {visits}"


def _timers(task: Task, steps: list[Step]) -> Iterator[str]:
    """No timer rang early. Where the clock was set, nobody can say."""
    for step in steps:
        least = DELAYS.get((task.process, step.node), 0)
        if least and step.left is not None and step.left - step.entered < least:
            yield f"the timer of {task.ref} in {step.node} rang early: {step}"


def _counters(
    counts: object, histories: list[tuple[str, list[Step]]], tasks: dict[str, list[Task]]
) -> Iterator[str]:
    """Counters agree with histories."""
    assert isinstance(counts, dict)  # noqa: S101 -- as the store gives it
    process_of = {task.task_id: task.process for several in tasks.values() for task in several}
    ends = {task.task_id: task.visit for several in tasks.values() for task in several}
    came: Counter[tuple[str, str]] = Counter()
    went: Counter[tuple[str, str]] = Counter()
    for task_id, steps in histories:
        for step in steps:
            if step.by == "late":
                continue
            key = (process_of[task_id], step.node)
            came[key] += 1
            went[key] += step.visit != ends[task_id]
    for key, (in_, out) in counts.items():
        if (in_, out) != (came[key], went[key]):
            yield f"{key} counted {in_} in and {out} out, the histories {came[key]}, {went[key]}"
