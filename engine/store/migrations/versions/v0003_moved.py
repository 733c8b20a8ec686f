"""A database may be moved to another: where it went, or where it came from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "moved",
        sa.Column("direction", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("is_done", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("direction"),
        sqlite_strict=True,
    )
