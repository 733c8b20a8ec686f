"""Upstream hosts that are let be, for all engines on the database."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, select, text
from sqlmodel import col

from engine.core.circuit import Pause
from engine.store.tables import StoredCircuit

FORGOTTEN_AFTER_US = 24 * 3_600_000_000
"""A host that nobody called since would otherwise stay for ever."""
_PUT = text(
    "INSERT INTO circuit (origin, until, length, reason) VALUES (:origin, :until, :length, :reason)"
    " ON CONFLICT (origin) DO UPDATE SET"
    " until = excluded.until, length = excluded.length, reason = excluded.reason"
)


def listed(connection: Connection) -> list[Pause]:
    """Gives every host that is let be, or is to be tried next."""
    rows = connection.execute(
        select(
            col(StoredCircuit.origin), col(StoredCircuit.until),
            col(StoredCircuit.length), col(StoredCircuit.reason),
        )
    )  # fmt: skip
    return [Pause(*row) for row in rows]


def note(connection: Connection, changes: Mapping[str, Pause | None], now: int) -> None:
    """Writes what opened and closed, in one order, so that engines never wait for each other."""
    connection.execute(
        delete(StoredCircuit).where(col(StoredCircuit.until) < now - FORGOTTEN_AFTER_US)
    )
    for origin, pause in sorted(changes.items()):
        if pause is None:
            connection.execute(delete(StoredCircuit).where(col(StoredCircuit.origin) == origin))
        else:
            connection.execute(_PUT, asdict(pause))
