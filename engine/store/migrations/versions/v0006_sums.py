"""Sums that nodes keep."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "total",
        sa.Column("process", TEXT, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("slot", NUMBER, nullable=False, server_default=sa.text("0"), autoincrement=False),
        sa.Column("whole", NUMBER, nullable=False),
        sa.Column("billionths", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("process", "node", "name", "slot"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
