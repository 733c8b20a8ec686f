"""Keys of what is encrypted: which one seals, and which may be needed to open."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import FLAG, NUMBER, TEXT

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "seal_key",
        sa.Column("key_id", TEXT, primary_key=True),
        sa.Column("is_current", FLAG, nullable=False),
        sa.Column("added", NUMBER, nullable=False),
        sqlite_strict=True,
    )
