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
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from engine.store.rows import readable, storable

# SQLite's strict tables know INTEGER for both.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")
FLAG = Boolean().with_variant(Integer(), "sqlite")
# Compared byte by byte, whatever language the server speaks.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


class _Storable(TypeDecorator[str]):
    """What strangers chose: PostgreSQL's text knows no NUL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002
        return None if value is None else readable(value)


FOREIGN = Text().with_variant(_Storable(collation="C"), "postgresql")
STRICT = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}


class Row(SQLModel):
    """What all rows share: metadata of our own."""

    metadata = MetaData()


def _column(kind: Any, *, nullable: bool = False, **options: Any) -> Any:
    return Field(sa_column=Column(kind, nullable=nullable, **options))


# PostgreSQL has no `INDEXED BY`, and a plan made for an empty table may be kept for a full one. So
# there an index has a mark: a condition that always holds, but that the server can't know to hold.
# Only a statement that says the same is answered by this index; see `tests/store/
# test_postgres_plans.py` for what happens without.
LIST_MARK = "task_id > ''"
HAND_MARK = "task_id >= ''"
MAIL_REF_MARK = "ref >= ''"
MAIL_TIME_MARK = "expires >= 0"
MAIL_ORDER_MARK = "message_id > ''"


def _partial(
    name: str,
    *columns: str,
    where: str = "",
    mark: str = "",
    unique: bool = False,
    only: str | None = None,
) -> Index:
    marked = " AND ".join(filter(None, [where, mark]))
    index = Index(
        name,
        *columns,
        unique=unique,
        sqlite_where=text(where) if where else None,
        postgresql_where=text(marked),
        info={"only": only},
    )
    return index.ddl_if(dialect=only) if only else index


class StoredProcess(Row, table=True):
    """A process that was ever deployed."""

    __tablename__ = "process"
    __table_args__ = (STRICT,)

    process: str = _column(TEXT, primary_key=True)
    conv_id: int = _column(NUMBER, unique=True)
    callback_hash: str = _column(TEXT)
    created: int = _column(NUMBER)


class StoredVersion(Row, table=True):
    """A version of a process as it was deployed."""

    __tablename__ = "version"
    __table_args__ = (STRICT,)

    process: str = _column(TEXT, primary_key=True)
    version: int = _column(NUMBER, primary_key=True, autoincrement=False)
    digest: str = _column(TEXT)
    source: str = _column(TEXT)
    file: str = _column(TEXT)
    deployed: int = _column(NUMBER)
    # As JSON: where tasks go on that stand in a node which this version does not have.
    moves: str = _column(TEXT, server_default=text("'{}'"))
    keeps: bool = _column(FLAG, server_default=text("FALSE"))
    undone: str = _column(TEXT, server_default=text("''"))


class StoredTask(Row, table=True):
    """A task.

    `ref` is null where it was generated: it is the task id then, and no index has to hold it.
    A task with a ref stands in exactly one of `task_live` and `task_ref`.
    """

    __tablename__ = "task"
    __table_args__ = (
        # Lists of a process, newest first, and retention.
        _partial("task_list", "process", "task_id", mark=LIST_MARK),
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
        _partial("task_due", "due", "task_id", "visit", where="due IS NOT NULL", only="sqlite"),
        # What is to be taken on after a start, and the line of an overfull node.
        _partial(
            "task_walk",
            "task_id",
            "state",
            "process",
            "node",
            where="state IN ('ready', 'calling')",
            only="sqlite",
        ),
        # The same two by the worker that has a task in hand: nobody reads past others' tasks.
        _partial(
            "task_timer",
            "holder",
            "due",
            "task_id",
            "visit",
            where="due IS NOT NULL",
            only="postgresql",
        ),
        _partial(
            "task_hand",
            "holder",
            "task_id",
            where="(holder IS NOT NULL OR state IN ('ready', 'calling'))",
            mark=HAND_MARK,
            only="postgresql",
        ),
        # Who is next in a queue: `changed` is when a task came into it.
        _partial("task_queue", "process", "node", "changed", "task_id", where="state = 'queued'"),
        # Failed tasks, for people: rare among many.
        _partial("task_failed", "process", "task_id", where="state IN ('parked', 'error')"),
        # Lists of unfinished tasks, and how old the oldest is. What never changes while a task
        # lives: with `changed` in it a flow of five stops took a tenth longer.
        _partial("task_open", "process", "task_id", where="finished IS NULL", mark=LIST_MARK),
        STRICT,
    )

    task_id: str = _column(TEXT, primary_key=True)
    process: str = _column(TEXT)
    ref: str | None = _column(FOREIGN, nullable=True)
    version: int = _column(NUMBER)
    node: str = _column(TEXT)
    state: str = _column(TEXT)
    data: str = _column(TEXT)
    memo: str = _column(TEXT)
    visit: int = _column(NUMBER)
    due: int | None = _column(NUMBER, nullable=True)
    created: int = _column(NUMBER)
    changed: int = _column(NUMBER)
    finished: int | None = _column(NUMBER, nullable=True)
    revision: int = _column(NUMBER)
    is_ref_exclusive: bool = _column(FLAG)
    # The token of the worker that has it in hand. Last, as a column that was added is.
    holder: int | None = _column(NUMBER, nullable=True)


class StoredHistory(Row, table=True):
    """The visits a task made in one go, as JSON: one row a burst, not one a visit."""

    __tablename__ = "history"
    __table_args__ = (CLUSTERED,)

    task_id: str = _column(TEXT, primary_key=True)
    first_visit: int = _column(NUMBER, primary_key=True, autoincrement=False)
    steps: str = _column(TEXT)


class StoredMessage(Row, table=True):
    """A message in the mailbox, or one that nobody took."""

    __tablename__ = "message"
    __table_args__ = (
        # The mail of a task, or of the next one with this ref.
        _partial("message_ref", "process", "ref", where="state = 'kept'", mark=MAIL_REF_MARK),
        _partial("message_task", "task_id", where="state = 'kept' AND task_id <> ''"),
        # What nobody took in time.
        _partial("message_expires", "expires", where="state = 'kept'", mark=MAIL_TIME_MARK),
        # Mail in order of arrival, to look for what two workers left lying between them.
        _partial(
            "message_kept",
            "message_id",
            where="state = 'kept'",
            mark=MAIL_ORDER_MARK,
            only="postgresql",
        ),
        # Lists for people.
        _partial("message_undelivered", "message_id", where="state = 'undelivered'"),
        STRICT,
    )

    message_id: str = _column(TEXT, primary_key=True)
    kind: str = _column(TEXT)
    state: str = _column(TEXT)
    process: str = _column(TEXT)
    ref: str = _column(FOREIGN)
    task_id: str = _column(TEXT)
    node: str = _column(TEXT)
    data: str = _column(TEXT)
    event_key: str = _column(FOREIGN)
    rank: int = _column(NUMBER)
    arrived: int = _column(NUMBER)
    expires: int = _column(NUMBER)
    reason: str = _column(TEXT)


class StoredAnswer(Row, table=True):
    """The answer given to a request with an idempotency key."""

    __tablename__ = "answer"
    __table_args__ = (Index("answer_expires", "expires"), STRICT)

    key: str = _column(FOREIGN, primary_key=True)
    digest: str = _column(TEXT)
    body: bytes = _column(LargeBinary)
    expires: int = _column(NUMBER)


class StoredCounter(Row, table=True):
    """How many tasks came into a node and went out of it.

    Workers add to slots of their own, so that none waits for another; readers add them up.
    """

    __tablename__ = "counter"
    __table_args__ = (CLUSTERED,)

    process: str = _column(TEXT, primary_key=True)
    node: str = _column(TEXT, primary_key=True)
    slot: int = _column(NUMBER, primary_key=True, autoincrement=False, server_default=text("0"))
    came: int = _column(NUMBER)
    went: int = _column(NUMBER)


class StoredSum(Row, table=True):
    """What was added to a sum of a node: whole numbers and billionths, each added up by itself.

    In slots as the counters are.
    """

    __tablename__ = "total"
    __table_args__ = (CLUSTERED,)

    process: str = _column(TEXT, primary_key=True)
    node: str = _column(TEXT, primary_key=True)
    name: str = _column(FOREIGN, primary_key=True)
    slot: int = _column(NUMBER, primary_key=True, autoincrement=False, server_default=text("0"))
    whole: int = _column(NUMBER)
    billionths: int = _column(NUMBER)


class StoredWorker(Row, table=True):
    """An engine at work on a shared database; its row is its lease.

    A token is never given twice: what a dead worker has in hand is told by a token without a row.
    """

    __tablename__ = "worker"
    __table_args__ = (STRICT,)

    token: int = _column(NUMBER, primary_key=True)
    worker: str = _column(TEXT)
    role: str = _column(TEXT)
    lease: int = _column(NUMBER)
    expires: int = _column(NUMBER)
    started: int = _column(NUMBER)


class StoredKey(Row, table=True):
    """A key with which something in this database is encrypted: its id, never itself."""

    __tablename__ = "seal_key"
    __table_args__ = (STRICT,)

    key_id: str = _column(TEXT, primary_key=True)
    is_current: bool = _column(FLAG)
    added: int = _column(NUMBER)


class StoredCircuit(Row, table=True):
    """An upstream host that is not called until a time."""

    __tablename__ = "circuit"
    __table_args__ = (STRICT,)

    origin: str = _column(TEXT, primary_key=True)
    until: int = _column(NUMBER)
    length: int = _column(NUMBER)
    reason: str = _column(TEXT)


class StoredMove(Row, table=True):
    """That the tasks of this database went to another, or came from one."""

    __tablename__ = "moved"
    __table_args__ = (STRICT,)

    direction: str = _column(TEXT, primary_key=True)
    place: str = _column(TEXT)
    is_done: bool = _column(FLAG)
