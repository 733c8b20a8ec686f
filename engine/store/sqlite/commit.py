"""How a batch is written. HOT.

Several rows a statement: 100,000 tasks a second against 80,000 with one (`executemany`), and the
interpreter lock is given away once a statement, not once a row; see
`docs/decisions/0002-sqlite-writing.md`.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from engine.core.batch import Batch
from engine.core.task import Task, encode
from engine.errors import Overtaken
from engine.store.rows import (
    MESSAGE,
    MOST_WHOLE,
    TASK,
    changed_row,
    kept_row,
    steps_text,
    sum_row,
    task_row,
)
from engine.store.sqlite.file import Connection

ROWS = 40
"""Rows a statement; more gains nothing and fills the cache of statements with rare lengths."""

# A history row may be met again: what happens to a task after its end counts as its last visit.
_APPEND = (
    " ON CONFLICT (task_id, first_visit) DO UPDATE SET"
    " steps = substr(steps, 1, length(steps) - 1) || ',' || substr(excluded.steps, 2)"
)
_REPLACE = (
    " ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, body = excluded.body,"
    " expires = excluded.expires"
)
_COUNT = (
    "INSERT INTO counter (process, node, came, went) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (process, node, slot) DO UPDATE SET"
    " came = came + excluded.came, went = went + excluded.went"
)
# A sum stays at the end of what a whole number can be: no task may stop a batch.
_ADD = (
    "INSERT INTO total (process, node, name, whole, billionths) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - a number of ours
    " ON CONFLICT (process, node, name, slot) DO UPDATE SET"
    f" whole = max(min(whole + excluded.whole, {MOST_WHOLE}), -{MOST_WHOLE}),"
    " billionths = billionths + excluded.billionths"
)
_TAKE = "DELETE FROM message WHERE message_id IN (SELECT value FROM json_each(?))"
_CHANGE_MESSAGE = (
    "UPDATE message SET state = ?, ref = ?, task_id = ?, expires = ?, reason = ?"
    " WHERE message_id = ?"
)


def write(connection: Connection, batch: Batch) -> None:
    """Writes the rows of a batch into the open transaction.

    Raises:
        Overtaken: a changed task is not as it was when it was loaded.
    """
    # Refs become free before others take them.
    if batch.deleted:
        delete(connection, batch.deleted)
    if batch.changed:
        _change(connection, batch.changed)
    if batch.created:
        _insert(connection, f"task ({TASK})", "", map(task_row, batch.created))
    if batch.histories:
        rows = ((each[0], each[1][0].visit, steps_text(each[1])) for each in batch.histories)
        _insert(connection, "history (task_id, first_visit, steps)", _APPEND, rows)
    if batch.kept or batch.updated_kept or batch.taken:
        _write_mail(connection, batch)
    if batch.remembered:
        answers = ((each.key, each.digest, each.body, each.expires) for each in batch.remembered)
        _insert(connection, "answer (key, digest, body, expires)", _REPLACE, answers)
    if batch.counts:
        connection.executemany(_COUNT, [(*key, *count) for key, count in batch.counts.items()])
    if batch.sums:
        connection.executemany(_ADD, list(map(sum_row, batch.sums.items())))


def delete(connection: Connection, task_ids: Sequence[str]) -> None:
    """Deletes tasks with their history."""
    wanted = encode(list(task_ids)).decode()
    for table in ("task", "history"):
        connection.execute(
            f"DELETE FROM {table} WHERE task_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a name of ours
            (wanted,),
        )


def _insert(
    connection: Connection, target: str, tail: str, rows: Iterable[tuple[Any, ...]]
) -> None:
    for part in _parts(rows):
        connection.execute(
            _insert_text(target, tail, len(part[0]), len(part)), tuple(chain.from_iterable(part))
        )


@cache
def _insert_text(target: str, tail: str, width: int, rows: int) -> str:
    return f"INSERT INTO {target} VALUES {_places(width, rows)}{tail}"  # noqa: S608 - names of ours


def _change(connection: Connection, tasks: Sequence[Task]) -> None:
    """Updates tasks that still are as they were loaded."""
    written = 0
    # Apart: those that finished give their refs free, which others may take.
    for group in (
        [task for task in tasks if task.is_finished],
        [task for task in tasks if not task.is_finished],
    ):
        for part in _parts(map(changed_row, group)):
            cursor = connection.execute(_change_text(len(part)), tuple(chain.from_iterable(part)))
            written += cursor.rowcount
    if written != len(tasks):
        raise Overtaken(
            f"{len(tasks) - written} of {len(tasks)} tasks were changed by somebody else"
        )


@cache
def _change_text(rows: int) -> str:
    return (
        "UPDATE task SET version = new.column3, node = new.column4, state = new.column5,"  # noqa: S608 - no value of anybody's
        " data = new.column6, memo = new.column7, visit = new.column8, due = new.column9,"
        " changed = new.column10, finished = new.column11, ref = new.column12,"
        " is_ref_exclusive = new.column13, revision = task.revision + 1"
        f" FROM (VALUES {_places(13, rows)}) AS new"
        " WHERE task.task_id = new.column1 AND task.revision = new.column2"
    )


def _write_mail(connection: Connection, batch: Batch) -> None:
    if batch.kept:
        _insert(connection, f"message ({MESSAGE})", "", map(kept_row, batch.kept))
    if batch.updated_kept:
        connection.executemany(
            _CHANGE_MESSAGE,
            [
                (kept.state.value, kept.ref, kept.task_id, kept.expires, kept.reason,
                 kept.message_id)
                for kept in batch.updated_kept
            ],
        )  # fmt: skip
    if batch.taken:
        connection.execute(_TAKE, (encode(batch.taken).decode(),))


def _parts(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    every = list(rows)
    for start in range(0, len(every), ROWS):
        yield every[start : start + ROWS]


def _places(width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return ", ".join([row] * rows)
