"""Many workers on one database: leases, who has a task in hand, counters without waiting."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("lease", NUMBER, nullable=False),
        sa.Column("expires", NUMBER, nullable=False),
        sa.Column("started", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("token"),
        sqlite_strict=True,
    )
    op.add_column("task", sa.Column("holder", NUMBER))
    if op.get_context().dialect.name == "postgresql":
        _upgrade_postgresql()
    else:
        _rebuild_counter()


def _upgrade_postgresql() -> None:
    op.add_column("counter", sa.Column("slot", NUMBER, nullable=False, server_default=sa.text("0")))
    op.drop_constraint("counter_pkey", "counter")
    op.create_primary_key("counter_pkey", "counter", ["process", "node", "slot"])
    # No engine worked on PostgreSQL before this: what is dropped is empty.
    for name in ("task_due", "task_walk", "task_list", "task_open"):
        op.drop_index(name, "task")
    for name in ("message_ref", "message_expires"):
        op.drop_index(name, "message")
    _index("task_list", "task", ["process", "task_id"], "task_id > ''")
    _index("task_open", "task", ["process", "task_id"], "finished IS NULL AND task_id > ''")
    _index("task_timer", "task", ["holder", "due", "task_id", "visit"], "due IS NOT NULL")
    _index(
        "task_hand",
        "task",
        ["holder", "task_id"],
        "(holder IS NOT NULL OR state IN ('ready', 'calling')) AND task_id >= ''",
    )
    _index("message_ref", "message", ["process", "ref"], "state = 'kept' AND ref >= ''")
    _index("message_expires", "message", ["expires"], "state = 'kept' AND expires >= 0")
    _index("message_kept", "message", ["message_id"], "state = 'kept' AND message_id > ''")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where))


def _rebuild_counter() -> None:
    """SQLite can't change a key; the table has a row a node."""
    op.rename_table("counter", "counter_before")
    op.create_table(
        "counter",
        sa.Column("process", TEXT, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("slot", NUMBER, nullable=False, server_default=sa.text("0"), autoincrement=False),
        sa.Column("came", NUMBER, nullable=False),
        sa.Column("went", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("process", "node", "slot"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO counter (process, node, slot, came, went)"
        " SELECT process, node, 0, came, went FROM counter_before"
    )
    op.drop_table("counter_before")
