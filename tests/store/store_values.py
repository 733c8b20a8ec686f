"""Values to put into a store, with what a test does not care about filled in."""

from engine.core.batch import Batch, Step
from engine.core.message import Kept, KeptKind, KeptState
from engine.core.task import Memo, Task, TaskState

NOW = 1_700_000_000_000_000


def task_id(number):
    """An id as the engine makes them: the millisecond of NOW plus `number`, then a rest."""
    return f"{NOW // 1000 + number:012x}{number:012x}"


def make_task(number=1, **changes):
    values = {
        "task_id": task_id(number),
        "ref": task_id(number),
        "process": "shop",
        "version": 1,
        "node": "wait",
        "state": TaskState.WAITING,
        "data": {"amount": 5},
        "memo": Memo(),
        "visit": 1,
        "due": None,
        "created": NOW + number * 1000,
        "changed": NOW + number * 1000,
        "finished": None,
        "revision": 0,
        "size": 12,
        "is_ref_exclusive": True,
    }
    return Task(**(values | changes))


def finished_task(number=1, at=NOW, **changes):
    return make_task(
        number, **({"state": TaskState.SUCCESS, "node": "end", "finished": at} | changes)
    )


def make_kept(number=1, **changes):
    values = {
        "message_id": task_id(number),
        "kind": KeptKind.CALLBACK,
        "state": KeptState.KEPT,
        "process": "shop",
        "ref": "order-1",
        "task_id": "",
        "node": "wait",
        "data": {"status": "paid"},
        "event_key": "",
        "rank": 0,
        "arrived": NOW,
        "expires": NOW + 1000,
        "reason": "",
    }
    return Kept(**(values | changes))


def make_step(visit=1, node="start", **changes):
    return Step(
        **({"visit": visit, "node": node, "entered": NOW, "left": NOW, "by": "next"} | changes)
    )


def batch(**rows):
    return Batch(NOW, **rows)
