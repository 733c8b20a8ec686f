"""Circuits: upstream hosts that all engines let be for a while."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import NUMBER, TEXT

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "circuit",
        sa.Column("origin", TEXT, primary_key=True),
        sa.Column("until", NUMBER, nullable=False),
        sa.Column("length", NUMBER, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sqlite_strict=True,
    )
