"""How what a turn wants is found. HOT.

One statement for each kind of thing wanted, never one a task: a list goes in as JSON. `CROSS JOIN`
and `INDEXED BY` leave the planner no choice, so a million tasks can't change how it reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.batch import Found, Key, Queue, Remembered, Wants
from engine.core.message import Kept
from engine.core.task import Task, encode
from engine.store.keys import looks_like_id, meant
from engine.store.rows import MESSAGE, TASK, kept_of, task_of
from engine.store.sealing import Keyring
from engine.store.sqlite.file import Connection


def _prefixed(columns: str, table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


# `TASK` and `MESSAGE` are lists of our own columns; values are bound everywhere.
_BY_ID = (
    f"SELECT {_prefixed(TASK, 'task')} FROM json_each(?) AS wanted"  # noqa: S608
    " CROSS JOIN task ON task.task_id = wanted.value"
)
_SAME_REF = "process = wanted.value ->> 0 AND ref = wanted.value ->> 1 AND ref IS NOT NULL"
_NOT_LIVE = f"{_SAME_REF} AND (finished IS NOT NULL OR NOT is_ref_exclusive)"
_BY_KEY = (
    f"SELECT wanted.key, {_prefixed(TASK, 'task')} FROM json_each(?) AS wanted"  # noqa: S608
    " CROSS JOIN task ON task.rowid = coalesce("
    "(SELECT rowid FROM task INDEXED BY task_live"
    f" WHERE {_SAME_REF} AND finished IS NULL AND is_ref_exclusive),"
    "(SELECT rowid FROM task INDEXED BY task_ref"
    f" WHERE {_NOT_LIVE} AND finished IS NULL ORDER BY rowid DESC LIMIT 1),"
    "(SELECT rowid FROM task INDEXED BY task_ref"
    f" WHERE {_NOT_LIVE} AND finished IS NOT NULL ORDER BY finished DESC, rowid DESC LIMIT 1))"
)
_MAIL = (
    f"SELECT {MESSAGE} FROM message WHERE message_id IN ("  # noqa: S608
    "SELECT message_id FROM json_each(?) AS wanted"
    " CROSS JOIN message INDEXED BY message_ref"
    " ON process = wanted.value ->> 0 AND ref = wanted.value ->> 1 WHERE state = 'kept'"
    " UNION "
    "SELECT message_id FROM json_each(?) AS wanted"
    " CROSS JOIN message INDEXED BY message_task"
    " ON task_id = wanted.value WHERE state = 'kept' AND task_id <> ''"
    # As they were written: ids are of clocks, which may be set back.
    ") ORDER BY rowid"
)
_ONCE = (
    "SELECT answer.key, digest, body, expires FROM json_each(?) AS wanted"
    " CROSS JOIN answer ON answer.key = wanted.value"
)
_MESSAGES = (
    f"SELECT {MESSAGE} FROM json_each(?) AS wanted"  # noqa: S608
    " CROSS JOIN message ON message_id = wanted.value"
)


_QUEUE = {
    is_newest: (
        f"SELECT {TASK} FROM task INDEXED BY task_queue"  # noqa: S608
        " WHERE state = 'queued' AND process = ? AND node = ?"
        f" ORDER BY changed {order}, task_id {order} LIMIT ?"
    )
    for is_newest, order in ((False, "ASC"), (True, "DESC"))
}


def find(connection: Connection, wants: Wants, keys: Keyring, *, has_mail: bool) -> Found:
    """Reads everything that is wanted. Without mail in the store none is looked for."""
    found = Found()
    if wants.ids or wants.keys:
        ids = set(wants.ids)
        ids.update(ref for _, ref in wants.keys if looks_like_id(ref))
        by_id = _by_id(connection, ids, keys) if ids else {}
        found.tasks = {task_id: by_id[task_id] for task_id in wants.ids & by_id.keys()}
        if wants.keys:
            named = list(wants.keys)
            found.by_key = meant(named, by_id, _by_ref(connection, named, by_id, keys))
    if wants.queues:
        found.queues = {
            queue: _queue(connection, queue, number, keys) for queue, number in wants.queues.items()
        }
    if has_mail and (wants.ids or wants.keys or wants.queues):
        tasks = list(found.every_task())
        found.mail = _mail(connection, wants.keys, tasks, keys)
    if wants.once:
        rows = connection.execute(_ONCE, (_json(wants.once),)).fetchall()
        found.once = {row[0]: Remembered(*row) for row in rows}
    if wants.messages:
        rows = connection.execute(_MESSAGES, (_json(wants.messages),)).fetchall()
        found.messages = {row[0]: kept_of(row, keys) for row in rows}
    return found


def _queue(connection: Connection, queue: Queue, number: int, keys: Keyring) -> list[Task]:
    process, node, is_newest = queue
    rows = connection.execute(_QUEUE[is_newest], (process, node, number)).fetchall()
    return [task_of(row, keys) for row in rows]


def _by_id(connection: Connection, ids: Iterable[str], keys: Keyring) -> dict[str, Task]:
    rows = connection.execute(_BY_ID, (_json(ids),)).fetchall()
    return {row[0]: task_of(row, keys) for row in rows}


def _by_ref(
    connection: Connection, named: list[Key], by_id: Mapping[str, Task], keys: Keyring
) -> Iterator[tuple[Key, Task]]:
    for row in connection.execute(_BY_KEY, (_json(named),)).fetchall():
        yield named[row[0]], by_id.get(row[1]) or task_of(row[1:], keys)


def _mail(
    connection: Connection, named: Iterable[Key], tasks: list[Task], keys: Keyring
) -> list[Kept]:
    refs = set(named)
    refs.update((task.process, task.ref) for task in tasks)
    ids = {task.task_id for task in tasks}
    rows = connection.execute(_MAIL, (_json(refs), _json(ids))).fetchall()
    return [kept_of(row, keys) for row in rows]


def _json(values: Iterable[Any]) -> str:
    return encode(list(values)).decode()
