"""What in a database can't be as it is: the facts, found by a few statements in one snapshot.

Nothing here loads tasks: the statements read indexes and add up, so that a million unfinished
tasks can be looked at while an engine works on them. What the facts mean, and which of them are
faults, is said in `engine.doctor`.

A task's memo is JSON in which quotes of strangers are escaped: a text such as `"wait":"reply"` is
found in the field of that name only.
"""
# ruff: noqa: S608 - texts of ours; values are bound

from collections.abc import Mapping

from sqlalchemy import Connection, TextClause, text

from engine.errors import StoreMoved
from engine.store import processes, reads
from engine.store.facts import MOST, Audit, Odd, Oddity, Since, Standing, VersionSource
from engine.store.moved import READ, refuse_moved
from engine.store.sealing import Keyring
from engine.store.tables import HAND_MARK, LIST_MARK, MAIL_TIME_MARK, Row

_BEGIN = {
    "sqlite": "BEGIN",
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}
_FIND = {"sqlite": "instr", "postgresql": "strpos"}

_ALIKE = (
    "SELECT process, version, node, state, CASE"
    + "".join(
        f""" WHEN {{find}}(memo, '"wait":"{kind}"') > 0 THEN '{kind}'"""
        for kind in ("callback", "reply", "time", "queue")
    )
    + " ELSE '' END AS wait, CASE WHEN due IS NULL THEN 0 ELSE 1 END AS is_timed,"
)
_UNFINISHED = f"FROM task WHERE finished IS NULL AND {LIST_MARK}"
_STANDING = {
    # The library would sort a million tasks in memory, 200 MB of it: they are added up here.
    "sqlite": f"{_ALIKE} 1, task_id {_UNFINISHED}",
    "postgresql": f"{_ALIKE} count(*), min(task_id) {_UNFINISHED} GROUP BY 1, 2, 3, 4, 5, 6",
}
_CALLER = '"caller":{"task_id":"'
_HAS_REF = "ref IS NOT NULL AND finished IS NULL AND is_ref_exclusive"
_TASK = "SELECT task_id, process, node FROM task WHERE "
_MAIL = "SELECT m.message_id, m.process, m.node FROM message AS m WHERE m.state = 'kept' AND "
_TO_TASK = "SELECT 1 FROM task AS t WHERE t.task_id = m.task_id"
_CAN_TAKE = (
    """t.state = 'waiting' AND {find}(t.memo, '"wait":"callback"') > 0"""
    " AND (m.node = '' OR m.node = t.node)"
)
_QUERIES: Mapping[Odd, str] = {
    # Two, since each is answered by an index of its own.
    Odd.HALF_FINISHED: _TASK
    + "state IN ('ready', 'calling') AND finished IS NOT NULL UNION ALL "
    + _TASK
    + "state = 'queued' AND finished IS NOT NULL",
    Odd.TIMER_OF_ENDED: _TASK + "due IS NOT NULL AND finished IS NOT NULL",
    Odd.NO_REPLY_TO_COME: (
        f"WITH called AS MATERIALIZED (SELECT CAST(substr(memo, {{find}}(memo, '{_CALLER}')"
        f" + {len(_CALLER)}, 24) AS TEXT) AS caller, memo FROM task"
        f" WHERE finished IS NULL AND {LIST_MARK} AND {{find}}(memo, '{_CALLER}') > 0"
        """ AND {find}(memo, '"has_replied":true') = 0)"""
        " SELECT t.task_id, t.process, t.node FROM task AS t"
        " LEFT JOIN called ON called.caller = t.task_id"
        """ AND {find}(called.memo, '","visit":' || t.visit || ',"depth":') > 0"""
        " WHERE t.finished IS NULL AND t.task_id > '' AND t.state = 'waiting' AND t.due IS NULL"
        """ AND {find}(t.memo, '"wait":"reply"') > 0 AND called.caller IS NULL"""
    ),
    Odd.SHARED_REF: (
        "SELECT max(t.task_id), t.process, max(t.node) FROM (SELECT process, ref FROM task"
        f" WHERE {_HAS_REF} GROUP BY process, ref HAVING count(*) > 1) AS shared"
        " JOIN task AS t ON t.process = shared.process AND t.ref = shared.ref"
        " WHERE t.ref IS NOT NULL AND t.finished IS NULL AND t.is_ref_exclusive"
        " GROUP BY t.process, t.ref"
    ),
    Odd.IDLE: _TASK + "state IN ('ready', 'calling') AND state = 'ready' AND changed < :idle"
    " AND finished IS NULL",
    Odd.LONG_CALL: _TASK
    + "state IN ('ready', 'calling') AND state = 'calling' AND changed < :calling",
    Odd.LATE_TIMER: _TASK + "due IS NOT NULL AND due < :late AND finished IS NULL",
    Odd.MAIL_WITHOUT_TASK: _MAIL + f"m.task_id <> '' AND NOT EXISTS ({_TO_TASK})",
    Odd.MAIL_FOR_ENDED: _MAIL + f"m.task_id <> '' AND EXISTS ({_TO_TASK}"
    " AND t.finished IS NOT NULL)",
    Odd.MAIL_WITHOUT_PROCESS: _MAIL
    + "m.process <> '' AND NOT EXISTS (SELECT 1 FROM process AS p WHERE p.process = m.process)",
    Odd.MAIL_LEFT_LYING: _MAIL
    + f"((m.task_id <> '' AND EXISTS ({_TO_TASK} AND t.finished IS NULL AND {_CAN_TAKE}))"
    " OR (m.task_id = '' AND EXISTS (SELECT 1 FROM task AS t WHERE t.process = m.process"
    " AND t.ref = m.ref AND t.ref IS NOT NULL AND t.finished IS NULL AND t.is_ref_exclusive"
    f" AND {_CAN_TAKE}))"
    " OR (m.task_id = '' AND EXISTS (SELECT 1 FROM task AS t WHERE t.task_id = m.ref"
    f" AND t.process = m.process AND t.ref IS NULL AND t.finished IS NULL AND {_CAN_TAKE})))",
    Odd.LATE_MAIL: _MAIL + f"m.{MAIL_TIME_MARK} AND m.expires < :late",
    Odd.HISTORY_WITHOUT_TASK: (
        "SELECT h.task_id, '', '' FROM history AS h"
        " WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.task_id = h.task_id)"
    ),
}
# A database of one engine has no owners: what stands READY is its own.
_OWNERS = (
    "SELECT task_id, process, node FROM task WHERE holder IN (SELECT holder FROM ("
    "WITH RECURSIVE holders AS ("
    f"(SELECT holder FROM task WHERE holder IS NOT NULL AND {HAND_MARK} ORDER BY holder LIMIT 1)"
    f" UNION ALL SELECT (SELECT task.holder FROM task WHERE task.holder > holders.holder"
    f" AND {HAND_MARK} ORDER BY task.holder LIMIT 1) FROM holders WHERE holders.holder IS NOT NULL)"
    " SELECT holder FROM holders WHERE holder IS NOT NULL AND NOT EXISTS ("
    "SELECT FROM worker WHERE token = holder AND expires >= "
    "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS lost)"
    f" AND {HAND_MARK}"
)
_WORKERS = (
    "SELECT count(*) FROM worker"
    " WHERE expires >= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
)
_CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_SERVER = (
    "SELECT name, setting FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'autovacuum')"
)
_INDEXES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
}
_PRAGMAS = ("journal_mode", "auto_vacuum", "page_size", "page_count", "freelist_count")


def audit(connection: Connection, since: Since, keys: Keyring) -> Audit:
    """Gathers the facts in one snapshot."""
    kind = connection.dialect.name
    is_server = kind == "postgresql"
    connection.exec_driver_sql(_BEGIN[kind])
    queries = {**_QUERIES, Odd.LOST_OWNER: _OWNERS} if is_server else _QUERIES
    return Audit(
        standing=_standing(connection, kind),
        counts=reads.counts(connection),
        versions=tuple(
            VersionSource(row.process, row.version, row.source, row.file)
            for row in processes.versions(connection, keys)
        ),
        oddities=tuple(
            Oddity(odd, *row)
            for odd, query in queries.items()
            for row in _rows(connection, query, kind, since)
        ),
        missing_indexes=_missing_indexes(connection, kind),
        newest=str(connection.exec_driver_sql("SELECT max(task_id) FROM task").scalar() or ""),
        moved=_moved(connection),
        workers=int(connection.exec_driver_sql(_WORKERS).scalar_one()) if is_server else 0,
        nature=_nature(connection, kind),
        # Last: it is held against the clock of who asks.
        clock=int(connection.exec_driver_sql(_CLOCK).scalar_one()) if is_server else None,
    )


def _standing(connection: Connection, kind: str) -> tuple[Standing, ...]:
    """Adds up unfinished tasks that stand alike."""
    found: dict[tuple[str, int, str, str, str, int], tuple[int, str]] = {}
    for *alike, count, task_id in connection.execute(_text(_STANDING[kind], kind)):
        key = tuple(alike)
        before, example = found.get(key, (0, task_id))
        found[key] = (before + count, min(example, task_id))
    return tuple(
        Standing(process, version, node, state, wait, bool(is_timed), count, example)
        for (process, version, node, state, wait, is_timed), (count, example) in found.items()
    )


def _rows(
    connection: Connection, query: str, kind: str, since: Since
) -> list[tuple[str, str, str]]:
    values = {"late": since.late, "idle": since.idle, "calling": since.calling}
    asked = {name: value for name, value in values.items() if f":{name}" in query}
    found = connection.execute(_text(f"{query} LIMIT {MOST}", kind), asked)
    return [(str(row[0]), str(row[1]), str(row[2])) for row in found]


def _text(query: str, kind: str) -> TextClause:
    # A colon before a quote of JSON is none of a parameter.
    return text(query.replace("{find}", _FIND[kind]).replace('":', '"\\:'))


def _missing_indexes(connection: Connection, kind: str) -> tuple[str, ...]:
    """Names the indexes that the tables should have: without one the engine stands still."""
    there = {row[0] for row in connection.exec_driver_sql(_INDEXES[kind])}
    return tuple(
        sorted(
            str(index.name)
            for table in Row.metadata.sorted_tables
            for index in table.indexes
            if index.info.get("only") in (None, kind) and index.name not in there
        )
    )


def _moved(connection: Connection) -> str:
    rows = [(row[0], row[1], bool(row[2])) for row in connection.exec_driver_sql(READ)]
    try:
        refuse_moved(rows, "this database")
    except StoreMoved as error:
        return f"{error}; {error.hint}"
    return ""


def _nature(connection: Connection, kind: str) -> dict[str, str]:
    if kind == "postgresql":
        return {row[0]: str(row[1]) for row in connection.exec_driver_sql(_SERVER)}
    return {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in _PRAGMAS}
