"""Holds what is in the database against what the engine promises, whatever its processes do."""

from collections import Counter
from collections.abc import Iterator, Mapping

from engine.core.batch import Step
from engine.core.task import Task
from engine.doctor.graphs import Graphs
from engine.doctor.rows import examine_rows
from engine.doctor.tasks import examine_tasks
from engine.store.facts import Audit, Since
from engine.store.interface import TaskQuery
from engine.testing.simulation.plot import Plot, Seen
from engine.testing.simulation.story import Story

ALL = 1_000_000


async def check(story: Story) -> list[str]:
    """Gives every promise that was broken, with what broke it; an empty list is good."""
    plot, store = story.plot, story.disk.store
    found = list(plot.broken_promises)
    tasks = {
        row.process: await store.tasks(TaskQuery(row.process, limit=ALL))
        for row in await store.processes()
    }
    every = [task for several in tasks.values() for task in several]
    histories = {task.task_id: await store.history(task.task_id) for task in every}
    undelivered = await store.undelivered("", ALL)
    found += await store.check()
    found += _invariants(await store.audit(Since(0, 0, 0)))
    found += plot.check(Seen(tasks, histories, undelivered))
    for task in every:
        found += _visits(task, histories[task.task_id])
        if not story.plan.jumps:
            found += _timers(plot, task, histories[task.task_id])
    found += _refs(every)
    found += _counters(await store.counts(), every, histories)
    if not plot.leaves_mail:
        found += [f"undelivered: {kept}" for kept in undelivered]
    left = await store.expired(2**62, ALL)
    found += [f"mail that nobody took: {message_id}" for message_id in left]
    return found


def _invariants(audit: Audit) -> Iterator[str]:
    """What `engine doctor` would find: a task that nothing moves, mail for nobody."""
    graphs = Graphs(audit.versions)
    for each in (*examine_tasks(audit, graphs), *examine_rows(audit, graphs, is_served=False)):
        yield f"{each.message} {each.rows}"


def _visits(task: Task, steps: list[Step]) -> Iterator[str]:
    """Visits are counted without a gap or a repeat."""
    # What happens to a task after its end counts as its last visit.
    visits = [step.visit for step in steps if step.by != "late"]
    if visits != list(range(1, task.visit + 1)):
        yield f"{task.process} {task.ref} has the visits {visits}"


def _timers(plot: Plot, task: Task, steps: list[Step]) -> Iterator[str]:
    """No timer rang early. Where the clock was set, nobody can say."""
    for step in steps:
        least = plot.delays.get((task.process, step.node), 0)
        if least and step.left is not None and step.left - step.entered < least:
            yield f"the timer of {task.ref} in {step.node} rang early: {step}"


def _refs(tasks: list[Task]) -> Iterator[str]:
    """A ref is one unfinished task's."""
    live = Counter((task.process, task.ref) for task in tasks if not task.is_finished)
    yield from (f"{key} is the ref of {count} tasks" for key, count in live.items() if count > 1)


def _counters(
    counts: Mapping[tuple[str, str], tuple[int, int]],
    tasks: list[Task],
    histories: Mapping[str, list[Step]],
) -> Iterator[str]:
    """Counters agree with histories."""
    came: Counter[tuple[str, str]] = Counter()
    went: Counter[tuple[str, str]] = Counter()
    for task in tasks:
        for step in histories[task.task_id]:
            if step.by != "late":
                came[task.process, step.node] += 1
                went[task.process, step.node] += step.visit != task.visit
    for key, (in_, out) in counts.items():
        if (in_, out) != (came[key], went[key]):
            yield f"{key} counted {in_} in and {out} out, the histories {came[key]}, {went[key]}"
