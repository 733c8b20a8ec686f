"""What people ask: lists, histories, counts. The same for every database, by SQLModel.

Each function takes an open connection and gives values of the core.
"""

from sqlalchemy import Connection, func, literal_column, select, text
from sqlmodel import col

from engine.core.batch import Step
from engine.core.message import Kept
from engine.core.task import STATUS_OF, Task, TaskStatus
from engine.store.interface import TaskQuery
from engine.store.rows import kept_of, steps_of, task_of
from engine.store.tables import (
    StoredCounter,
    StoredHistory,
    StoredMessage,
    StoredProcess,
    StoredTask,
)


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
    return [task_of(row) for row in connection.execute(wanted)]


def _states(status: TaskStatus) -> str:
    """Gives a condition without parameters: only then is an index with the same one used."""
    states = (f"'{state}'" for state, of in STATUS_OF.items() if of is status)
    return f"state IN ({', '.join(states)})"


def counts(connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """Gives for each (process, node) how many tasks came in and went out so far."""
    rows = connection.execute(select(StoredCounter))
    return {(row.process, row.node): (row.came, row.went) for row in rows}


def oldest_waiting(connection: Connection) -> dict[str, int]:
    """Gives for each process when its longest unchanged unfinished task changed."""
    # One seek in an index for each process; grouping would read the index as a whole.
    oldest = (
        select(func.min(col(StoredTask.changed)))
        .where(col(StoredTask.process) == col(StoredProcess.process))
        .where(col(StoredTask.finished).is_(None))
        .correlate(StoredProcess)
        .scalar_subquery()
    )
    rows = connection.execute(select(col(StoredProcess.process), oldest.label("changed")))
    return {row.process: row.changed for row in rows if row.changed is not None}


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
    """Gives what SQLite finds wrong with its file."""
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    return [] if found == ["ok"] else found
