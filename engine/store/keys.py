"""Which task a key means: its ref, or the id that it gave itself for a ref. The same everywhere."""

from collections.abc import Iterable, Mapping

from engine.core.batch import Key
from engine.core.task import Task

ID_LENGTH = 24
_HEX = frozenset("0123456789abcdef")


def looks_like_id(ref: str) -> bool:
    """Whether a ref may be a task id."""
    return len(ref) == ID_LENGTH and _HEX.issuperset(ref)


def meant(
    keys: Iterable[Key], by_id: Mapping[str, Task], by_ref: Iterable[tuple[Key, Task]]
) -> dict[Key, Task]:
    """Gives for each key its task, of those found by id and those found by ref."""
    found: dict[Key, Task] = {}
    for key in keys:
        task = by_id.get(key[1])
        if task is not None and task.process == key[0]:
            found[key] = task
    for key, task in by_ref:
        other = found.get(key)
        if other is None or _is_before(task, other):
            found[key] = task
    return found


def _is_before(task: Task, other: Task) -> bool:
    """Whether a key means this task rather than the other: unfinished, else finished last."""
    if task.finished is None or other.finished is None:
        return task.finished is None
    return task.finished > other.finished
