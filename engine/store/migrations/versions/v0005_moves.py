"""What a deploy means for tasks under way: where they go on, or that they stay."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add("moves", TEXT, "'{}'")
    _add("keeps", FLAG, "FALSE")
    _add("undone", TEXT, "''")


def _add(name: str, kind: sa.Text | sa.Boolean, default: str) -> None:
    column = sa.Column(name, kind, nullable=False, server_default=sa.text(default))
    op.add_column("version", column)
