"""How workers share a database: leases, who has which task in hand, mail left between two.

A lease is a row of `worker`; its token is never given twice. Times here are of the database's
clock, the only one that all workers share.
"""

from typing import Any

from engine.core.task import TaskState
from engine.errors import LostLease
from engine.store.interface import Crew, Due, Walk
from engine.store.postgres.line import Connection
from engine.store.tables import HAND_MARK, MAIL_ORDER_MARK, MAIL_TIME_MARK

WORKER = "worker"
FRONT = "front"
FREED_AT_ONCE = 1000
SWEPT_AT_ONCE = 1000

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_JOIN = (
    "INSERT INTO worker (worker, role, lease, expires, started)"  # noqa: S608 - texts of ours, here and below
    f" VALUES ($1, $2, $3, {_NOW} + $3, {_NOW}) RETURNING token"
)
_RENEW = f"UPDATE worker SET expires = {_NOW} + lease WHERE token = $1"  # noqa: S608
# Whoever writes holds on to its row: it is not taken for dead before it has written.
_BURY = (
    "DELETE FROM worker WHERE token IN (SELECT token FROM worker"  # noqa: S608
    f" WHERE expires < {_NOW} AND token <> $1 FOR UPDATE SKIP LOCKED)"
)
_CREW = (
    f"SELECT (SELECT count(*) FROM worker WHERE role = '{WORKER}' AND expires >= {_NOW}),"  # noqa: S608
    f" (SELECT count(*) FROM worker WHERE role = '{WORKER}' AND expires >= {_NOW} AND token < $1),"
    " (SELECT count(*) FROM version)"
)
SEALING_KEY = "SELECT key_id FROM seal_key WHERE is_current"
IS_ANYBODY_THERE = f"SELECT EXISTS (SELECT FROM worker WHERE expires >= {_NOW})"  # noqa: S608
# From one token to the next by the index: as many looks as there are workers.
_HOLDERS = (
    "WITH RECURSIVE holders AS ("  # noqa: S608
    f"(SELECT holder FROM task WHERE holder IS NOT NULL AND {HAND_MARK} ORDER BY holder LIMIT 1)"
    " UNION ALL"
    f" SELECT (SELECT task.holder FROM task WHERE task.holder > holders.holder AND {HAND_MARK}"
    " ORDER BY task.holder LIMIT 1) FROM holders WHERE holders.holder IS NOT NULL)"
    " SELECT holder FROM holders WHERE holder IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM worker WHERE token = holder)"
)
_FREE = (
    "UPDATE task SET holder = NULL WHERE task_id IN (SELECT task_id FROM task"  # noqa: S608
    f" WHERE holder = $1 AND {HAND_MARK} ORDER BY holder, task_id LIMIT $2"
    " FOR UPDATE SKIP LOCKED)"
)
_WALK = "task_id, visit, state, process, node"
_IS_WALK = f"state IN ('ready', 'calling') AND {HAND_MARK}"
# Ordered by the first column of the index too: its rows are read in order, and no more than taken.
CLAIM = (
    "UPDATE task SET holder = $1 WHERE task_id IN (SELECT task_id FROM task"  # noqa: S608
    f" WHERE holder IS NULL AND {_IS_WALK} ORDER BY holder, task_id LIMIT $2"
    f" FOR UPDATE SKIP LOCKED) RETURNING {_WALK}"
)
CLAIM_TIMERS = (
    "UPDATE task SET holder = $1 WHERE task_id IN (SELECT task_id FROM task"
    " WHERE holder IS NULL AND due < $2 ORDER BY holder, due, task_id LIMIT $3"
    " FOR UPDATE SKIP LOCKED) RETURNING due, task_id, visit"
)
TAKE_TIMERS = (
    f"WITH taken AS ({CLAIM_TIMERS})"  # noqa: S608 - as above
    " (SELECT due, task_id, visit FROM task WHERE holder = $1 AND due < $2"
    " ORDER BY holder, due, task_id LIMIT $3)"
    " UNION ALL SELECT due, task_id, visit FROM taken ORDER BY due, task_id LIMIT $3"
)
FREE_TIMERS = (
    "SELECT due, task_id, visit FROM task WHERE holder IS NULL AND due < $1"
    " ORDER BY holder, due, task_id LIMIT $2"
)
_WALKS = (
    f"SELECT {_WALK} FROM task WHERE holder {{holder}} AND {_IS_WALK}"  # noqa: S608
    " AND task_id > $1 AND changed < $2 ORDER BY holder, task_id LIMIT $3"
)
NEWEST = "SELECT max(task_id) FROM task"
_CALLING = (
    f"SELECT {_WALK} FROM task WHERE holder {{holder}} AND {_IS_WALK} AND state = 'calling'"  # noqa: S608
    " AND task_id > $1 AND process = $2 AND node = $3 ORDER BY holder, task_id LIMIT $4"
)
EXPIRED = (
    "SELECT message_id FROM message"  # noqa: S608
    f" WHERE state = 'kept' AND {MAIL_TIME_MARK} AND expires <= $1"
    " ORDER BY expires, message_id LIMIT $2"
)
# The text of a memo has quotes of its own escaped: this is found in the field `wait` only.
_CAN_TAKE = (
    "(t.finished IS NOT NULL OR (t.state = 'waiting' AND t.memo LIKE '%\"wait\":\"callback\"%'"
    " AND (m.node = '' OR m.node = t.node)))"
)
# By id, or as the key of a ref is looked up: the unfinished task, else any.
SWEEP = (
    "WITH mail AS MATERIALIZED (SELECT message_id, process, ref, task_id, node FROM message"  # noqa: S608
    f" WHERE state = 'kept' AND {MAIL_ORDER_MARK} AND message_id > $1"
    " ORDER BY message_id {order} LIMIT $2)"
    " SELECT m.message_id, EXISTS (SELECT FROM task AS t WHERE m.task_id <> ''"
    f" AND t.task_id = m.task_id AND {_CAN_TAKE})"
    " OR EXISTS (SELECT FROM task AS t WHERE m.task_id = '' AND t.process = m.process"
    f" AND t.task_id = m.ref AND {_CAN_TAKE})"
    " OR EXISTS (SELECT FROM task AS t WHERE m.task_id = '' AND t.process = m.process"
    " AND t.ref = m.ref AND t.ref IS NOT NULL AND t.finished IS NULL AND t.is_ref_exclusive"
    f" AND {_CAN_TAKE})"
    " OR EXISTS (SELECT FROM task AS t WHERE m.task_id = '' AND t.process = m.process"
    " AND t.ref = m.ref AND t.ref IS NOT NULL"
    " AND (t.finished IS NOT NULL OR NOT t.is_ref_exclusive)"
    f" AND {_CAN_TAKE} AND NOT EXISTS (SELECT FROM task AS o WHERE o.process = m.process"
    " AND o.ref = m.ref AND o.ref IS NOT NULL AND o.finished IS NULL AND o.is_ref_exclusive))"
    " FROM mail AS m ORDER BY m.message_id"
)
NEWEST_MAIL = SWEEP.format(order="DESC")
NEXT_MAIL = SWEEP.format(order="ASC")


async def join(connection: Connection, name: str, lease_us: int, role: str) -> int:
    """Takes a lease; gives its token."""
    return int(await connection.fetchval(_JOIN, name, role, lease_us))


async def renew(connection: Connection, token: int) -> Crew:
    """Prolongs a lease, buries who let his end, and frees what the dead had in hand.

    Raises:
        LostLease: others took this worker for dead.
    """
    if await connection.execute(_RENEW, token) != "UPDATE 1":
        raise LostLease
    await connection.execute(_BURY, token)
    for row in await connection.fetch(_HOLDERS):
        await _free(connection, row[0])
    return Crew(*await connection.fetchrow(_CREW, token))


async def leave(connection: Connection, token: int) -> None:
    """Ends a lease and frees what was in hand; if it breaks off, another worker's renewal does."""
    await connection.execute("DELETE FROM worker WHERE token = $1", token)
    await _free(connection, token)


async def claim(connection: Connection, token: int, limit: int) -> list[Walk]:
    """Takes tasks that nobody has in hand."""
    return sorted(
        map(_walk_of, await connection.fetch(CLAIM, token, limit)), key=lambda walk: walk.task_id
    )


async def claim_timers(connection: Connection, token: int, until: int, limit: int) -> list[Due]:
    """Takes tasks whose timers nobody has in hand."""
    return sorted(
        (Due(*row) for row in await connection.fetch(CLAIM_TIMERS, token, until, limit)),
        key=lambda timer: timer.due,
    )


async def due(connection: Connection, token: int | None, until: int, limit: int) -> list[Due]:
    """Gives the nearest timers: without a token those that nobody has in hand, which stay so."""
    if token is None:
        rows = await connection.fetch(FREE_TIMERS, until, limit)
    else:
        rows = await connection.fetch(TAKE_TIMERS, token, until, limit)
    return [Due(*row) for row in rows]


async def walks(
    connection: Connection, token: int | None, before: int, after: str, limit: int
) -> list[Walk]:
    """Gives the tasks on their way that this worker has in hand, or nobody."""
    rows = await connection.fetch(_held_by(_WALKS, token), after, before, limit)
    return [_walk_of(row) for row in rows]


async def calling(
    connection: Connection, token: int | None, node: tuple[str, str], after: str, limit: int
) -> list[Walk]:
    """Gives the tasks calling in a node (of a process) that this worker has in hand, or nobody."""
    rows = await connection.fetch(_held_by(_CALLING, token), after, *node, limit)
    return [_walk_of(row) for row in rows]


class Sweep:
    """Looks for stranded mail: the newest each time, and the rest a part each time, in a circle.

    However much mail waits for its tasks, a look costs the same.
    """

    def __init__(self) -> None:
        self._after = ""

    async def look(self, connection: Connection, limit: int) -> list[str]:
        """Gives ids of kept messages that their task could take now."""
        newest = await connection.fetch(NEWEST_MAIL, "", SWEPT_AT_ONCE)
        rows = [*newest]
        if len(newest) == SWEPT_AT_ONCE:
            following = await connection.fetch(NEXT_MAIL, self._after, SWEPT_AT_ONCE)
            self._after = following[-1][0] if len(following) == SWEPT_AT_ONCE else ""
            rows.extend(following)
        return sorted({row[0] for row in rows if row[1]})[:limit]


async def _free(connection: Connection, token: int) -> None:
    """Frees what a worker had in hand; what somebody is writing now, the next look finds."""
    while await connection.execute(_FREE, token, FREED_AT_ONCE) == f"UPDATE {FREED_AT_ONCE}":
        pass


def _held_by(statement: str, token: int | None) -> str:
    return statement.format(holder="IS NULL" if token is None else f"= {token:d}")


def _walk_of(row: Any) -> Walk:
    return Walk(row[0], row[1], TaskState(row[2]), row[3], row[4])
