"""First tables."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
STRICT = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    op.create_table(
        "process",
        _text("process"),
        _number("conv_id"),
        _text("callback_hash"),
        _number("created"),
        sa.PrimaryKeyConstraint("process"),
        sa.UniqueConstraint("conv_id"),
        **STRICT,
    )
    op.create_table(
        "version",
        _text("process"),
        _number("version"),
        _text("digest"),
        _text("source"),
        _text("file"),
        _number("deployed"),
        sa.PrimaryKeyConstraint("process", "version"),
        **STRICT,
    )
    _create_task()
    op.create_table(
        "history",
        _text("task_id"),
        _number("first_visit"),
        _text("steps"),
        sa.PrimaryKeyConstraint("task_id", "first_visit"),
        **CLUSTERED,
    )
    _create_message()
    op.create_table(
        "answer",
        _text("key"),
        _text("digest"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _number("expires"),
        sa.PrimaryKeyConstraint("key"),
        **STRICT,
    )
    op.create_index("answer_expires", "answer", ["expires"])
    op.create_table(
        "counter",
        _text("process"),
        _text("node"),
        _number("came"),
        _number("went"),
        sa.PrimaryKeyConstraint("process", "node"),
        **CLUSTERED,
    )


def _create_task() -> None:
    op.create_table(
        "task",
        _text("task_id"),
        _text("process"),
        sa.Column("ref", TEXT),
        _number("version"),
        _text("node"),
        _text("state"),
        _text("data"),
        _text("memo"),
        _number("visit"),
        sa.Column("due", NUMBER),
        _number("created"),
        _number("changed"),
        sa.Column("finished", NUMBER),
        _number("revision"),
        sa.Column("is_ref_exclusive", FLAG, nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
        **STRICT,
    )
    op.create_index("task_list", "task", ["process", "task_id"])
    _partial(
        "task_live",
        "task",
        ["process", "ref"],
        "ref IS NOT NULL AND finished IS NULL AND is_ref_exclusive",
        unique=True,
    )
    _partial(
        "task_ref",
        "task",
        ["process", "ref", "finished"],
        "ref IS NOT NULL AND (finished IS NOT NULL OR NOT is_ref_exclusive)",
    )
    _partial("task_due", "task", ["due", "task_id", "visit"], "due IS NOT NULL")
    _partial(
        "task_walk",
        "task",
        ["task_id", "state", "process", "node"],
        "state IN ('ready', 'calling')",
    )
    _partial("task_failed", "task", ["process", "task_id"], "state IN ('parked', 'error')")
    _partial("task_open", "task", ["process", "task_id"], "finished IS NULL")


def _create_message() -> None:
    op.create_table(
        "message",
        _text("message_id"),
        _text("kind"),
        _text("state"),
        _text("process"),
        _text("ref"),
        _text("task_id"),
        _text("node"),
        _text("data"),
        _text("event_key"),
        _number("rank"),
        _number("arrived"),
        _number("expires"),
        _text("reason"),
        sa.PrimaryKeyConstraint("message_id"),
        **STRICT,
    )
    _partial("message_ref", "message", ["process", "ref"], "state = 'kept'")
    _partial("message_task", "message", ["task_id"], "state = 'kept' AND task_id <> ''")
    _partial("message_expires", "message", ["expires"], "state = 'kept'")
    _partial("message_undelivered", "message", ["message_id"], "state = 'undelivered'")


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, TEXT, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, NUMBER, nullable=False, autoincrement=False)


def _partial(
    name: str, table: str, columns: Sequence[str], where: str, *, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )
