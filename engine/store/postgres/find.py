"""How what a turn wants is found. HOT.

One statement for each kind of thing wanted, never one a task: lists go in as arrays. The
connection that runs them knows no plan but the one by the index (`line.py`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.core.batch import Found, Key, Remembered, Wants
from engine.core.message import Kept
from engine.core.task import Task
from engine.store.keys import looks_like_id, meant
from engine.store.postgres.line import Connection
from engine.store.rows import MESSAGE, TASK, kept_of, readable, storable, task_of
from engine.store.sealing import Keyring
from engine.store.tables import MAIL_REF_MARK, MAIL_TIME_MARK

# `TASK` and `MESSAGE` are lists of our own columns; values are bound everywhere.
BY_ID = f"SELECT {TASK} FROM task WHERE task_id = ANY($1::text[])"  # noqa: S608
_SAME_REF = "t.process = wanted.process AND t.ref = wanted.ref AND t.ref IS NOT NULL"
_NOT_LIVE = f"{_SAME_REF} AND (t.finished IS NOT NULL OR NOT t.is_ref_exclusive)"
# The parts are asked in this order, and none after one that has found something.
BY_KEY = (
    "SELECT wanted.number, found.* FROM unnest($1::text[], $2::text[])"  # noqa: S608
    " WITH ORDINALITY AS wanted(process, ref, number) CROSS JOIN LATERAL ("
    f"(SELECT {TASK} FROM task AS t WHERE {_SAME_REF}"
    " AND t.finished IS NULL AND t.is_ref_exclusive LIMIT 1)"
    f" UNION ALL (SELECT {TASK} FROM task AS t WHERE {_NOT_LIVE}"
    # Not by the index of all ids, which would be in this order too.
    " AND t.finished IS NULL ORDER BY t.task_id || '' DESC LIMIT 1)"
    f" UNION ALL (SELECT {TASK} FROM task AS t WHERE {_NOT_LIVE}"
    " AND t.finished IS NOT NULL ORDER BY t.finished DESC, t.task_id DESC LIMIT 1)"
    " LIMIT 1) AS found"
)
# Most of the time there is no mail at all, which one look tells.
MAIL = (
    f"SELECT {MESSAGE} FROM message WHERE message_id IN ("  # noqa: S608
    "SELECT m.message_id FROM unnest($1::text[], $2::text[]) AS wanted(process, ref)"
    # `OFFSET 0`: looked up for each that is wanted, not read as a whole and compared.
    " CROSS JOIN LATERAL (SELECT message_id FROM message WHERE process = wanted.process"
    f" AND ref = wanted.ref AND state = 'kept' AND {MAIL_REF_MARK} OFFSET 0) AS m"
    " UNION "
    "SELECT m.message_id FROM message AS m"
    " WHERE m.task_id = ANY($3::text[]) AND m.state = 'kept' AND m.task_id <> ''"
    f") AND EXISTS (SELECT FROM message WHERE state = 'kept' AND {MAIL_TIME_MARK})"
    " ORDER BY message_id"
)
QUEUE = {
    is_newest: (
        f"SELECT {TASK} FROM task WHERE state = 'queued' AND process = $1 AND node = $2"  # noqa: S608
        f" ORDER BY changed {order}, task_id {order} LIMIT $3"
    )
    for is_newest, order in ((False, "ASC"), (True, "DESC"))
}
ONCE = "SELECT key, digest, body, expires FROM answer WHERE key = ANY($1::text[])"
MESSAGES = f"SELECT {MESSAGE} FROM message WHERE message_id = ANY($1::text[])"  # noqa: S608


async def find(connection: Connection, wants: Wants, keys: Keyring) -> Found:
    """Reads everything that is wanted."""
    found = Found()
    if wants.ids or wants.keys:
        ids = set(wants.ids)
        ids.update(ref for _, ref in wants.keys if looks_like_id(ref))
        by_id = await _by_id(connection, ids, keys) if ids else {}
        found.tasks = {task_id: by_id[task_id] for task_id in wants.ids & by_id.keys()}
        if wants.keys:
            found.by_key = meant(
                wants.keys, by_id, await _by_ref(connection, list(wants.keys), by_id, keys)
            )
    for queue, number in wants.queues.items():
        *where, is_newest = queue
        rows = await connection.fetch(QUEUE[is_newest], *where, number)
        found.queues = {**found.queues, queue: [_task_of(row, keys) for row in rows]}
    if wants.ids or wants.keys or wants.queues:
        tasks = list(found.every_task())
        found.mail = await _mail(connection, wants.keys, tasks, keys)
    if wants.once:
        asked = {storable(key): key for key in wants.once}
        rows = await connection.fetch(ONCE, list(asked))
        found.once = {asked[row[0]]: Remembered(asked[row[0]], *row[1:]) for row in rows}
    if wants.messages:
        rows = await connection.fetch(MESSAGES, list(wants.messages))
        found.messages = {row[0]: _kept_of(row, keys) for row in rows}
    return found


async def _by_id(connection: Connection, ids: Iterable[str], keys: Keyring) -> dict[str, Task]:
    return {row[0]: _task_of(row, keys) for row in await connection.fetch(BY_ID, list(ids))}


async def _by_ref(
    connection: Connection, named: list[Key], by_id: dict[str, Task], keys: Keyring
) -> list[tuple[Key, Task]]:
    processes, refs = zip(*((process, storable(ref)) for process, ref in named), strict=True)
    rows = await connection.fetch(BY_KEY, processes, refs)
    return [(named[row[0] - 1], by_id.get(row[1]) or _task_of(row[1:], keys)) for row in rows]


async def _mail(
    connection: Connection, named: Iterable[Key], tasks: list[Task], keys: Keyring
) -> list[Kept]:
    refs = set(named)
    refs.update((task.process, task.ref) for task in tasks)
    processes = [process for process, _ in refs]
    ids = list({task.task_id for task in tasks})
    rows = await connection.fetch(MAIL, processes, [storable(ref) for _, ref in refs], ids)
    return [_kept_of(row, keys) for row in rows]


def _task_of(row: Sequence[Any], keys: Keyring) -> Task:
    task = task_of(row, keys)
    task.ref = readable(task.ref)
    return task


def _kept_of(row: Sequence[Any], keys: Keyring) -> Kept:
    kept = kept_of(row, keys)
    kept.ref = readable(kept.ref)
    kept.event_key = readable(kept.event_key)
    return kept
