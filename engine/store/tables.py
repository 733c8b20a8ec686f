"""The tables, as SQLModel rows. They stay in this package: what travels are the values of the core.

Times are Unix microseconds. Each index has a line that says who needs it: an index that a task
touches on its way costs every task.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

# SQLite's strict tables know INTEGER for both.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")
FLAG = Boolean().with_variant(Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}


class Row(SQLModel):
    """What all rows share: metadata of our own."""

    metadata = MetaData()


def _column(kind: Any, *, nullable: bool = False, **options: Any) -> Any:
    return Field(sa_column=Column(kind, nullable=nullable, **options))


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


class StoredProcess(Row, table=True):
    """A process that was ever deployed."""

    __tablename__ = "process"
    __table_args__ = (STRICT,)

    process: str = _column(Text, primary_key=True)
    conv_id: int = _column(NUMBER, unique=True)
    callback_hash: str = _column(Text)
    created: int = _column(NUMBER)


class StoredVersion(Row, table=True):
    """A version of a process as it was deployed."""

    __tablename__ = "version"
    __table_args__ = (STRICT,)

    process: str = _column(Text, primary_key=True)
    version: int = _column(NUMBER, primary_key=True, autoincrement=False)
    digest: str = _column(Text)
    source: str = _column(Text)
    file: str = _column(Text)
    deployed: int = _column(NUMBER)


class StoredTask(Row, table=True):
    """A task.

    `ref` is null where it was generated: it is the task id then, and no index has to hold it.
    A task with a ref stands in exactly one of `task_live` and `task_ref`.
    """

    __tablename__ = "task"
    __table_args__ = (
        # Lists of a process, newest first, and retention.
        Index("task_list", "process", "task_id"),
        # The unfinished task of a ref, which there can be only one of.
        _partial(
            "task_live",
            "process",
            "ref",
            where="ref IS NOT NULL AND finished IS NULL AND is_ref_exclusive",
            unique=True,
        ),
        # Finished tasks of a ref, and those that may share it.
        _partial(
            "task_ref",
            "process",
            "ref",
            "finished",
            where="ref IS NOT NULL AND (finished IS NOT NULL OR NOT is_ref_exclusive)",
        ),
        # Timers, a window at a time, without a look into the table.
        _partial("task_due", "due", "task_id", "visit", where="due IS NOT NULL"),
        # What is to be taken on after a start, and the line of an overfull node.
        _partial(
            "task_walk",
            "task_id",
            "state",
            "process",
            "node",
            where="state IN ('ready', 'calling')",
        ),
        # Failed tasks, for people: rare among many.
        _partial("task_failed", "process", "task_id", where="state IN ('parked', 'error')"),
        # How long the oldest waits. Only tasks that stop touch it.
        _partial("task_open", "process", "changed", where="finished IS NULL"),
        STRICT,
    )

    task_id: str = _column(Text, primary_key=True)
    process: str = _column(Text)
    ref: str | None = _column(Text, nullable=True)
    version: int = _column(NUMBER)
    node: str = _column(Text)
    state: str = _column(Text)
    data: str = _column(Text)
    memo: str = _column(Text)
    visit: int = _column(NUMBER)
    due: int | None = _column(NUMBER, nullable=True)
    created: int = _column(NUMBER)
    changed: int = _column(NUMBER)
    finished: int | None = _column(NUMBER, nullable=True)
    revision: int = _column(NUMBER)
    is_ref_exclusive: bool = _column(FLAG)


class StoredHistory(Row, table=True):
    """The visits a task made in one go, as JSON: one row a burst, not one a visit."""

    __tablename__ = "history"
    __table_args__ = (CLUSTERED,)

    task_id: str = _column(Text, primary_key=True)
    first_visit: int = _column(NUMBER, primary_key=True, autoincrement=False)
    steps: str = _column(Text)


class StoredMessage(Row, table=True):
    """A message in the mailbox, or one that nobody took."""

    __tablename__ = "message"
    __table_args__ = (
        # The mail of a task, or of the next one with this ref.
        _partial("message_ref", "process", "ref", where="state = 'kept'"),
        _partial("message_task", "task_id", where="state = 'kept' AND task_id <> ''"),
        # What nobody took in time.
        _partial("message_expires", "expires", where="state = 'kept'"),
        # Lists for people.
        _partial("message_undelivered", "message_id", where="state = 'undelivered'"),
        STRICT,
    )

    message_id: str = _column(Text, primary_key=True)
    kind: str = _column(Text)
    state: str = _column(Text)
    process: str = _column(Text)
    ref: str = _column(Text)
    task_id: str = _column(Text)
    node: str = _column(Text)
    data: str = _column(Text)
    event_key: str = _column(Text)
    rank: int = _column(NUMBER)
    arrived: int = _column(NUMBER)
    expires: int = _column(NUMBER)
    reason: str = _column(Text)


class StoredAnswer(Row, table=True):
    """The answer given to a request with an idempotency key."""

    __tablename__ = "answer"
    __table_args__ = (Index("answer_expires", "expires"), STRICT)

    key: str = _column(Text, primary_key=True)
    digest: str = _column(Text)
    body: bytes = _column(LargeBinary)
    expires: int = _column(NUMBER)


class StoredCounter(Row, table=True):
    """How many tasks came into a node and went out of it."""

    __tablename__ = "counter"
    __table_args__ = (CLUSTERED,)

    process: str = _column(Text, primary_key=True)
    node: str = _column(Text, primary_key=True)
    came: int = _column(NUMBER)
    went: int = _column(NUMBER)
