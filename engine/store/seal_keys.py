"""Which keys a database was encrypted with. The keys themselves are never in it."""

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import col

from engine.store.sealing import Keyring
from engine.store.tables import StoredKey


def listed(connection: Connection) -> list[str]:
    """Gives the ids of the keys, that which seals first."""
    rows = connection.execute(
        select(col(StoredKey.key_id)).order_by(
            col(StoredKey.is_current).desc(), col(StoredKey.added).desc()
        )
    )
    return [str(row[0]) for row in rows]


def adopt(connection: Connection, keys: Keyring, now: int) -> None:
    """Seals with the database's own key, or makes the newest one of the file its own.

    Raises:
        KeyMissing: there is no key, or not the right one.
    """
    known = listed(connection)
    if known:
        keys.use(known[0], known[1:])
        return
    keys.make_ready()
    put_in_force(connection, keys.current, now)


def put_in_force(connection: Connection, key_id: str, now: int) -> None:
    """Has a key seal; the others are for what was sealed before."""
    known = listed(connection)
    if known[:1] == [key_id]:
        return
    connection.execute(update(StoredKey).values(is_current=False))
    if key_id in known:
        mine = update(StoredKey).where(col(StoredKey.key_id) == key_id)
        connection.execute(mine.values(is_current=True))
    else:
        row = {"key_id": key_id, "is_current": True, "added": now}
        connection.execute(insert(StoredKey), row)


def forget_others(connection: Connection, key_id: str) -> None:
    """Notes that nothing is sealed with other keys any more."""
    connection.execute(delete(StoredKey).where(col(StoredKey.key_id) != key_id))
