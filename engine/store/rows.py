"""How the core's values become rows, and back. HOT.

Rows are plain tuples in the order of the columns named here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from engine.core.batch import Step, Sum
from engine.core.billionths import PLACES
from engine.core.message import Kept, KeptKind, KeptState
from engine.core.task import Memo, Task, TaskState, encode

TASK = (
    "task_id, process, ref, version, node, state, data, memo, visit, due, created, changed, "
    "finished, revision, is_ref_exclusive"
)
MESSAGE = (
    "message_id, kind, state, process, ref, task_id, node, data, event_key, rank, arrived, "
    "expires, reason"
)

MOST_WHOLE = 9 * 10**18
"""The greatest sum that the databases' integers can hold."""

_StepRow = tuple[int, str, int, int, str, tuple[str, str, str] | None]
_decode_memo = msgspec.json.Decoder(Memo).decode
_decode_steps = msgspec.json.Decoder(list[_StepRow]).decode
_decode = msgspec.json.decode
_STATES = {state.value: state for state in TaskState}
_NO_MEMO = encode(Memo()).decode()

# PostgreSQL's text knows no NUL: it is written as two signs, the first of which is no character.
_SIGN = "\ufdd0"


def storable(text: str) -> str:
    """Gives a text that PostgreSQL takes; two texts never become one."""
    if "\0" in text or _SIGN in text:
        return text.replace(_SIGN, _SIGN + "1").replace("\0", _SIGN + "0")
    return text


def readable(text: str) -> str:
    """Gives the text that was made storable."""
    if _SIGN in text:
        return text.replace(_SIGN + "0", "\0").replace(_SIGN + "1", _SIGN)
    return text


def task_row(task: Task) -> tuple[Any, ...]:
    """Gives the row of a task as it will be after this write."""
    task_id, ref = task.task_id, task.ref
    return (
        task_id,
        task.process,
        None if ref == task_id else ref,
        task.version,
        task.node,
        task.state.value,
        encode(task.data).decode(),
        encode(task.memo).decode(),
        task.visit,
        task.due,
        task.created,
        task.changed,
        task.finished,
        task.revision + 1,
        task.is_ref_exclusive,
    )


def changed_row(task: Task) -> tuple[Any, ...]:
    """Gives what an update of a task needs: its key, then what it sets."""
    task_id, ref = task.task_id, task.ref
    return (
        task_id,
        task.revision,
        task.version,
        task.node,
        task.state.value,
        encode(task.data).decode(),
        encode(task.memo).decode(),
        task.visit,
        task.due,
        task.changed,
        task.finished,
        None if ref == task_id else ref,
        task.is_ref_exclusive,
    )


def task_of(row: Sequence[Any]) -> Task:
    """Gives the task of a row."""
    data, memo = row[6], row[7]
    return Task(
        row[0],
        row[2] or row[0],
        row[1],
        row[3],
        row[4],
        _STATES[row[5]],
        _decode(data),
        Memo() if memo == _NO_MEMO else _decode_memo(memo),
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        len(data) if data.isascii() else len(data.encode()),
        bool(row[14]),
    )


def steps_text(steps: Iterable[Step]) -> str:
    """Gives visits as a JSON list of lists: names of fields would double its size."""
    return encode(
        [(step.visit, step.node, step.entered, step.left, step.by, step.error) for step in steps]
    ).decode()


def steps_of(text: str) -> list[Step]:
    """Gives the visits of a history row."""
    return [Step(*row) for row in _decode_steps(text)]


def kept_row(kept: Kept) -> tuple[Any, ...]:
    """Gives the row of a kept message."""
    return (
        kept.message_id,
        kept.kind.value,
        kept.state.value,
        kept.process,
        kept.ref,
        kept.task_id,
        kept.node,
        encode(kept.data).decode(),
        kept.event_key,
        kept.rank,
        kept.arrived,
        kept.expires,
        kept.reason,
    )


def kept_of(row: Sequence[Any]) -> Kept:
    """Gives the kept message of a row."""
    return Kept(
        row[0], KeptKind(row[1]), KeptState(row[2]), row[3], row[4], row[5], row[6],
        _decode(row[7]), row[8], row[9], row[10], row[11], row[12],
    )  # fmt: skip


def sum_row(added: tuple[Sum, int]) -> tuple[str, str, str, int, int]:
    """Gives process, node, name, and what was added as whole numbers and billionths."""
    (process, node, name), amount = added
    whole, billionths = divmod(amount, 10**PLACES)
    return process, node, name, whole, billionths
