"""How a batch is written. HOT.

Few statements, whatever the size of the batch. New tasks by `COPY`, the rest by `unnest` of a list
a column: see `docs/scaling.md` for what else was measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.batch import Batch, Remembered
from engine.core.task import Task, TaskState
from engine.errors import LostLease, Overtaken
from engine.store.postgres.line import Connection
from engine.store.rows import (
    MESSAGE,
    MOST_WHOLE,
    TASK,
    changed_row,
    kept_row,
    steps_text,
    storable,
    sum_row,
    task_row,
)

HAND_US = 60_000_000
"""A timer that is due within this is in the memory of the worker that armed it."""

_TASK = [*TASK.split(", "), "holder"]
_STANDING = frozenset({TaskState.WAITING, TaskState.QUEUED})
_ON_ITS_WAY = frozenset({TaskState.READY, TaskState.CALLING})


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes: the token of its lease, if it has one, and whether it takes tasks in hand."""

    token: int | None = None
    holds: bool = False

    @property
    def slot(self) -> int:
        """Where it counts: few workers wait for each other, and few rows are to be added up."""
        return 0 if self.token is None else self.token % 64

    def holder(self, task: Task, now: int) -> int | None:
        """Gives the token to be written on a task."""
        if not self.holds:
            return None
        if task.state in _ON_ITS_WAY or self._is_near(task, now):
            return self.token
        return None

    def leaves_work(self, batch: Batch) -> bool:
        """Whether a batch has tasks that somebody else is to take on."""
        return not self.holds and any(
            task.state in _ON_ITS_WAY or self._is_near(task, batch.now)
            for tasks in (batch.created, batch.changed)
            for task in tasks
        )

    @staticmethod
    def _is_near(task: Task, now: int) -> bool:
        is_armed = task.state in _STANDING and task.due is not None
        return is_armed and task.due < now + HAND_US  # type: ignore[operator] # it is armed


_LOOK_TO_LEASE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT FROM worker WHERE token = {token:d} FOR KEY SHARE"
)
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_TASK_REF = _TASK.index("ref")
_CHANGED_REF = 11
"""Where `changed_row` has the ref."""
_CHANGE = (
    "UPDATE task SET version = new.version, node = new.node, state = new.state, data = new.data,"
    " memo = new.memo, visit = new.visit, due = new.due, changed = new.changed,"
    " finished = new.finished, ref = new.ref, is_ref_exclusive = new.is_ref_exclusive,"
    " holder = new.holder, revision = task.revision + 1"
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],"
    " $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[],"
    " $13::boolean[], $14::bigint[]) AS new(task_id, revision, version, node, state, data, memo,"
    " visit, due, changed, finished, ref, is_ref_exclusive, holder)"
    " WHERE task.task_id = new.task_id AND task.revision = new.revision"
)
# A history row may be met again: what happens to a task after its end counts as its last visit.
_HISTORY = (
    "INSERT INTO history (task_id, first_visit, steps)"
    " SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])"
    " ON CONFLICT (task_id, first_visit) DO UPDATE SET"
    " steps = left(history.steps, -1) || ',' || substr(excluded.steps, 2)"
)
_KEEP = (
    f"INSERT INTO message ({MESSAGE}) SELECT * FROM unnest($1::text[], $2::text[], $3::text[],"  # noqa: S608 - names of ours
    " $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],"
    " $11::bigint[], $12::bigint[], $13::text[])"
)
_CHANGE_MESSAGE = (
    "UPDATE message SET state = new.state, ref = new.ref, task_id = new.task_id,"
    " expires = new.expires, reason = new.reason"
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])"
    " AS new(message_id, state, ref, task_id, expires, reason)"
    " WHERE message.message_id = new.message_id"
)
_TAKE = "DELETE FROM message WHERE message_id = ANY($1::text[])"
# An answer whose time is over is replaced; another was given meanwhile, by another engine.
_REMEMBER = (
    "INSERT INTO answer (key, digest, body, expires)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[])"
    " ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, body = excluded.body,"
    " expires = excluded.expires WHERE answer.expires <= $5"
)
_COUNT = (
    "INSERT INTO counter (process, node, came, went, slot)"
    " SELECT new.*, $5 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS new"
    " ON CONFLICT (process, node, slot) DO UPDATE SET"
    " came = counter.came + excluded.came, went = counter.went + excluded.went"
)
_ADD = (
    "INSERT INTO total (process, node, name, whole, billionths, slot)"  # noqa: S608
    " SELECT new.*, $6 FROM"
    " unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS new"
    " ON CONFLICT (process, node, name, slot) DO UPDATE SET"
    " whole = greatest(least(total.whole::numeric + excluded.whole,"
    f" {MOST_WHOLE}), -{MOST_WHOLE})::bigint,"
    " billionths = total.billionths + excluded.billionths"
)


async def write(connection: Connection, batch: Batch, hand: Hand) -> None:
    """Writes a batch in one transaction.

    Raises:
        LostLease: others took this worker for dead.
        Overtaken: what is changed is not as it was when it was loaded.
    """
    await _begin(connection, hand)
    # Refs become free before others take them.
    if batch.deleted:
        await delete(connection, batch.deleted)
    if batch.changed:
        await _change(connection, batch, hand)
    if batch.created:
        rows = (
            (*_storable_row(task_row(task), _TASK_REF), hand.holder(task, batch.now))
            for task in batch.created
        )
        await connection.copy_records_to_table("task", records=rows, columns=_TASK)
    if batch.histories:
        bursts = ((each[0], each[1][0].visit, steps_text(each[1])) for each in batch.histories)
        await connection.execute(_HISTORY, *_columns(bursts))
    if batch.kept or batch.updated_kept or batch.taken:
        await _write_mail(connection, batch)
    if batch.remembered:
        await _remember(connection, batch.remembered, batch.now)
    if batch.counts:
        # Last and in order: the rows that other workers may wait for are held for a moment only.
        counts = sorted((*key, *count) for key, count in batch.counts.items())
        await connection.execute(_COUNT, *_columns(counts), hand.slot)
    if batch.sums:
        sums = sorted(
            (*row[:2], storable(row[2]), *row[3:]) for row in map(sum_row, batch.sums.items())
        )
        await connection.execute(_ADD, *_columns(sums), hand.slot)
    await connection.execute("COMMIT")


async def delete(connection: Connection, task_ids: Sequence[str]) -> None:
    """Deletes tasks with their history."""
    for table in ("task", "history"):
        await connection.execute(
            f"DELETE FROM {table} WHERE task_id = ANY($1::text[])",  # noqa: S608 - a name of ours
            task_ids,
        )


async def _begin(connection: Connection, hand: Hand) -> None:
    """Begins; whoever takes this worker for dead from now on waits until it has written."""
    if hand.token is None:
        await connection.execute(_BEGIN)
    elif await connection.execute(_LOOK_TO_LEASE.format(token=hand.token)) != "SELECT 1":
        raise LostLease


async def _change(connection: Connection, batch: Batch, hand: Hand) -> None:
    """Updates tasks that still are as they were loaded."""
    written = 0
    # Apart: those that finished give their refs free, which others may take. In order of their
    # ids, so that two engines that change the same tasks never wait for each other in a ring.
    ordered = sorted(batch.changed, key=_task_id)
    for group in (
        [task for task in ordered if task.is_finished],
        [task for task in ordered if not task.is_finished],
    ):
        if group:
            rows = [
                (*_storable_row(changed_row(task), _CHANGED_REF), hand.holder(task, batch.now))
                for task in group
            ]
            written += _count(await connection.execute(_CHANGE, *_columns(rows)))
    if written != len(batch.changed):
        raise Overtaken(
            f"{len(batch.changed) - written} of {len(batch.changed)} tasks were changed by another"
            " engine"
        )


def _task_id(task: Task) -> str:
    return task.task_id


def _storable_row(row: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    """Gives a row whose ref, at this place, PostgreSQL takes."""
    ref = row[at]
    if ref is None or storable(ref) is ref:
        return row
    return (*row[:at], storable(ref), *row[at + 1 :])


async def _write_mail(connection: Connection, batch: Batch) -> None:
    """Writes the mailbox; what another engine took or gave up meanwhile is not there any more."""
    touched = found = 0
    if batch.kept:
        rows = [kept_row(kept) for kept in batch.kept]
        await connection.execute(
            _KEEP,
            *_columns(
                (*row[:4], storable(row[4]), *row[5:8], storable(row[8]), *row[9:]) for row in rows
            ),
        )
    if batch.updated_kept:
        # The last word on each counts.
        changed = {
            kept.message_id: (
                kept.message_id, kept.state.value, storable(kept.ref), kept.task_id, kept.expires,
                kept.reason,
            )
            for kept in batch.updated_kept
        }  # fmt: skip
        touched += len(changed)
        rows = sorted(changed.values())
        found += _count(await connection.execute(_CHANGE_MESSAGE, *_columns(rows)))
    if batch.taken:
        taken = sorted(set(batch.taken))
        touched += len(taken)
        found += _count(await connection.execute(_TAKE, taken))
    if found != touched:
        raise Overtaken(f"{touched - found} messages were taken by another engine")


async def _remember(connection: Connection, answers: Sequence[Remembered], now: int) -> None:
    rows = sorted((storable(each.key), each.digest, each.body, each.expires) for each in answers)
    if _count(await connection.execute(_REMEMBER, *_columns(rows), now)) != len(rows):
        raise Overtaken("another engine answered a request with the same key")


def _columns(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True)


def _count(tag: str) -> int:
    """Gives the number of rows in what the server says of a statement, such as `UPDATE 5`."""
    return int(tag.rpartition(" ")[2])
