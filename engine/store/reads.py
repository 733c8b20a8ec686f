"""What people ask: lists, histories, counts. The same for every database, by SQLModel.

Each function takes an open connection and gives values of the core.
"""

from collections import Counter

from sqlalchemy import Connection, literal_column, select, text
from sqlmodel import col

from engine.core.batch import Step, Sum
from engine.core.billionths import PLACES
from engine.core.message import Kept
from engine.core.task import STATUS_OF, Task, TaskStatus
from engine.store.interface import TaskQuery
from engine.store.rows import kept_of, steps_of, task_of
from engine.store.tables import (
    LIST_MARK,
    StoredCounter,
    StoredHistory,
    StoredMessage,
    StoredProcess,
    StoredSum,
    StoredTask,
)

_DAMAGE = {
    "sqlite": "PRAGMA integrity_check",
    # A server checks its pages as it reads them, and counts what it finds.
    "postgresql": (
        "SELECT 'the index ' || indexrelid::regclass || ' is not valid' FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid"
        " UNION ALL SELECT checksum_failures || ' pages had a wrong checksum'"
        " FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0"
    ),
}


def history(connection: Connection, task_id: str) -> list[Step]:
    """Gives the finished visits of a task in order."""
    bursts = connection.execute(
        select(col(StoredHistory.steps))
        .where(col(StoredHistory.task_id) == task_id)
        .order_by(col(StoredHistory.first_visit))
    )
    return [step for burst in bursts.scalars() for step in steps_of(burst)]


def tasks(connection: Connection, query: TaskQuery) -> list[Task]:
    """Lists tasks of a process, newest first."""
    wanted = (
        select(StoredTask)
        .where(col(StoredTask.process) == query.process)
        .where(literal_column(LIST_MARK))
        .order_by(col(StoredTask.task_id).desc())
        .limit(query.limit)
    )
    if query.after:
        wanted = wanted.where(col(StoredTask.task_id) < query.after)
    if query.node:
        wanted = wanted.where(col(StoredTask.node) == query.node)
    if query.since is not None:
        wanted = wanted.where(col(StoredTask.created) >= query.since)
        # Ids begin with the millisecond of their making: the scan of the index ends there.
        wanted = wanted.where(col(StoredTask.task_id) >= f"{max(query.since, 0) // 1000:012x}")
    if query.status is not None:
        wanted = wanted.where(literal_column(_states(query.status)))
        if query.status in (TaskStatus.RUNNING, TaskStatus.WAITING):
            wanted = wanted.where(col(StoredTask.finished).is_(None))
    return [task_of(row) for row in connection.execute(wanted)]


def _states(status: TaskStatus) -> str:
    """Gives a condition without parameters: only then is an index with the same one used."""
    states = (f"'{state}'" for state, of in STATUS_OF.items() if of is status)
    return f"state IN ({', '.join(states)})"


def counts(connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """Gives for each (process, node) how many tasks came in and went out so far."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in connection.execute(select(StoredCounter)):
        came, went = found.get((row.process, row.node), (0, 0))
        found[row.process, row.node] = (came + row.came, went + row.went)
    return found


def sums(connection: Connection) -> dict[Sum, int]:
    """Gives for each sum what was added so far, in billionths."""
    found: Counter[Sum] = Counter()
    for row in connection.execute(select(StoredSum)):
        found[row.process, row.node, row.name] += row.whole * 10**PLACES + row.billionths
    return dict(found)


def oldest_waiting(connection: Connection) -> dict[str, int]:
    """Gives for each process when its oldest unfinished task was made."""
    # One seek in an index for each process; grouping would read the index as a whole.
    oldest = (
        select(col(StoredTask.created))
        .where(col(StoredTask.process) == col(StoredProcess.process))
        .where(col(StoredTask.finished).is_(None))
        .where(literal_column(LIST_MARK))
        .order_by(col(StoredTask.task_id))
        .limit(1)
        .correlate(StoredProcess)
        .scalar_subquery()
    )
    rows = connection.execute(select(col(StoredProcess.process), oldest.label("created")))
    return {row.process: row.created for row in rows if row.created is not None}


def undelivered(connection: Connection, after: str, limit: int) -> list[Kept]:
    """Lists messages that nobody took, oldest first."""
    rows = connection.execute(
        select(StoredMessage)
        .where(literal_column("state = 'undelivered'"))
        .where(col(StoredMessage.message_id) > after)
        .order_by(col(StoredMessage.message_id))
        .limit(limit)
    )
    return [kept_of(row) for row in rows]


def damage(connection: Connection) -> list[str]:
    """Gives what the database finds wrong with itself."""
    found = [str(row[0]) for row in connection.execute(text(_DAMAGE[connection.dialect.name]))]
    return [] if found == ["ok"] else found
