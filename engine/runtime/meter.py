"""What the engine counts while it runs, for `/metrics` and `engine stats`."""

from collections import Counter
from collections.abc import Mapping

from engine.core.batch import Batch
from engine.core.task import STATUS_OF, TaskStatus

ENDED = frozenset({TaskStatus.SUCCESS, TaskStatus.ERROR})


class Meter:
    """Totals since the start of this process."""

    def __init__(self) -> None:
        self._values: Counter[str] = Counter()

    def count(self, batch: Batch) -> None:
        """Adds a batch that is safe on disk."""
        values = self._values
        values["batches"] += 1
        values["tasks_created"] += len(batch.created)
        values["tasks_changed"] += len(batch.changed)
        values["messages_kept"] += len(batch.kept)
        values["calls_started"] += len(batch.calls)
        values["incidents"] += len(batch.incidents)
        # A task may stop, be put back and go on in one turn, and stop again: what counts is how it
        # stands in the end. All of its stops are the same task.
        for task in {task.task_id: task for task in batch.stopped}.values():
            status = STATUS_OF[task.state]
            if status in ENDED:
                values[f"tasks_ended_{status}"] += 1
        for answer in batch.answers:
            if answer.delivery is not None:
                values[f"callbacks_{answer.delivery}"] += 1

    def values(self) -> Mapping[str, int]:
        """Gives the totals by name."""
        return dict(self._values)
