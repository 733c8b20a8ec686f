"""Where a task goes on after a deploy: in which version, and in which node."""

from engine.core.batch import Step
from engine.core.graph import Graph, Place
from engine.core.stranded import stranded_graph
from engine.core.task import Task, TaskState
from engine.core.world import World

BY_DEPLOY = "deploy"


def place_of(world: World, task: Task) -> Place | None:
    """Finds where a task goes on; None if its version or node can't be found any more.

    One that has ended stays where it ended, and one whose call is out gets its answer where it
    asked.
    """
    place = world.place(task.process, task.version, task.node)
    if place is None or not (place.is_entered or place.node != task.node):
        return place
    if task.is_finished or (place.is_entered and task.state is TaskState.CALLING):
        own = world.graph(task.process, task.version)
        return Place(own, task.node) if own is not None else None
    return place


def as_it_goes_on(world: World, task: Task) -> Task:
    """Gives a task that is only looked at as whoever takes it in hand will find it."""
    place = place_of(world, task)
    if place is not None:
        task.version, task.node = place.graph.version, place.node
    return task


def take_up(world: World, task: Task, now: int) -> tuple[Graph, Step | None]:
    """Gives the version in which a task goes on, and the visit that a deploy ended, if one did."""
    place = place_of(world, task)
    if place is None:
        return stranded_graph(task, world.graph(task.process, task.version)), None
    task.version = place.graph.version
    if place.node == task.node and not place.is_entered:
        return place.graph, None
    return place.graph, _relocate(task, place, now)


def _relocate(task: Task, place: Place, now: int) -> Step:
    """Puts a task into the node that a deploy named; gives the visit that ended by it.

    In a node of the same type it waits on as it did. Another is entered; a failed task stays
    failed, and a rerun enters it.
    """
    memo, left = task.memo, task.node
    step = Step(task.visit, left, memo.entered, now, BY_DEPLOY)
    task.node = place.node
    memo.previous = left
    memo.entered = now
    memo.renamed(left, place.node)
    if place.is_entered:
        task.visit += 1
        task.due = None
        memo.wait = ""
        memo.due_leaves = False
        if task.state is not TaskState.PARKED:
            task.state = TaskState.READY
    return step
