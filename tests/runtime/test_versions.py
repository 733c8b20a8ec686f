"""Versions as they become known: what another engine has just deployed is not there yet."""

from engine.core.batch import Found
from engine.core.task import Memo, Task, TaskState
from engine.runtime.hiding import Hiding
from engine.runtime.versions import Versions
from engine.store.interface import ProcessRow, VersionRow

SHOP = "process: shop\nnodes:\n  start: {type: start, next: done}\n  done: {type: end}\n"


def row(version, source=SHOP, **moves):
    return VersionRow("shop", version, f"d{version}", source, "shop.yaml", moves)


def task(task_id, version):
    return Task(
        task_id, task_id, "shop", version, "done", TaskState.READY, {}, Memo(), 1, None, 0, 0, None,
        0, 2,
    )  # fmt: skip


def test_a_version_that_was_asked_for_before_it_was_known_is_there_when_it_is():
    versions = Versions(Hiding({}))
    versions.take([row(1)], [ProcessRow("shop", 1001, "hash", 1)])
    unknown = (versions.graph("shop", 2), versions.definition("shop", 2))

    versions.take([row(1), row(2)], [ProcessRow("shop", 1001, "hash", 2)])

    assert unknown == (None, None)
    assert versions.graph("shop", 2).version == 2
    assert versions.current("shop").version == 2
    assert versions.definition("shop").process == "shop"


def test_tasks_are_told_whether_they_were_asked_for_by_id_by_ref_or_in_a_queue():
    tasks = [task(each, 1) for each in "abc"]

    found = Found(
        {"a": tasks[0]}, {("shop", "r"): tasks[1]}, queues={("shop", "q", False): [tasks[2]]}
    )

    assert list(found.every_task()) == tasks


def test_a_node_that_came_back_is_not_looked_through_for_tasks_to_move():
    """Else every start would read all that rightly stand in it."""
    renamed = SHOP.replace("done", "ended")
    versions = Versions(Hiding({}))

    versions.take(
        [row(1), row(2, renamed, done="ended"), row(3, SHOP, ended="done")],
        [ProcessRow("shop", 1001, "hash", 3)],
    )

    assert versions.moved_out("shop") == {"ended"}
