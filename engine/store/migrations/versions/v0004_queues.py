"""Queues: who is next."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    where = sa.text("state = 'queued'")
    op.create_index(
        "task_queue",
        "task",
        ["process", "node", "changed", "task_id"],
        sqlite_where=where,
        postgresql_where=where,
    )
