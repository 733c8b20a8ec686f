"""A new key in place of the old one: whatever is encrypted is encrypted anew, row by row.

The database notes first which key seals from now on, and last that the others are not needed any
more. Whenever a rotation dies it can be run again: it goes on with what is left. Engines on a
server may work meanwhile: a row is replaced only as it was read, and each engine learns of the new
key when it renews its lease, or meets a row that is sealed with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, func, or_, select, update
from sqlmodel import col

from engine.errors import StoreError
from engine.store import seal_keys
from engine.store.asked import Asked
from engine.store.sealing import MARK, Keyring, is_sealed
from engine.store.tables import Row, StoredVersion

AT_ONCE = 500
Tell = Callable[[str, int], None]
Patience = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    key_id: str
    rows: int
    """Encrypted anew, or for the first time where a parameter had not been secret before."""


async def rotate(store: Asked, now: int, tell: Tell, lease_s: float) -> Rotated:
    """Encrypts everything with the newest key; on a file of our own it is made for that.

    Raises:
        KeyMissing: there is no key file, or one of the keys is not in it.
        StoreError: several engines may use the file, and it has no new key.
    """
    keys = store.keys
    await _switch(store, now)
    total = 0
    while True:
        rows = await _pass(store, tell)
        total += rows
        if rows == 0:
            break
        if store.is_shared:
            # Whoever has not heard of the new key by then has lost its lease, and can't write.
            await asyncio.sleep(lease_s)
    await store.change(lambda connection: seal_keys.forget_others(connection, keys.current))
    await store.scrub()
    return Rotated(keys.current, total)


async def _switch(store: Asked, now: int) -> None:
    """Has the newest key seal, if another does."""
    keys = store.keys
    keys.read()
    known = await store.change(seal_keys.listed)
    is_newest = bool(known) and known[0] == keys.newest
    if is_newest and len(known) == 1:
        if store.is_shared:
            raise StoreError(
                "the key file has no newer key than the one in use",
                hint="run 'engine secrets new-key', copy the file to every machine with an engine"
                " on this database, and rotate then",
            )
        keys.add()
    elif not known:
        keys.make_ready()
    keys.use(keys.newest, known)
    await store.change(lambda connection: seal_keys.put_in_force(connection, keys.newest, now))


async def _pass(store: Asked, tell: Tell) -> int:
    """Goes once through everything; gives how many rows were sealed otherwise."""
    keys = store.keys
    # The processes first: by them it is told of which tasks the data is secret.
    total = await store.change(lambda connection: _reseal_versions(connection, keys))
    for name, key in (("task", "task_id"), ("message", "message_id")):
        table = Row.metadata.tables[name]
        after, done = "", 0
        while True:
            work = _part(table, table.c[key], after, keys)
            after, rows = await store.change(work)
            if not after:
                break
            done += rows
            tell(name, done)
        total += done
    return total


def _part(
    table: Table, key: Column[Any], after: str, keys: Keyring
) -> Callable[[Connection], tuple[str, int]]:
    """Makes the work of one transaction: up to so many rows; it gives the last one's id."""
    current = f"{MARK}{keys.current}:"
    sealed = select(col(StoredVersion.process)).where(_begins(col(StoredVersion.source), MARK))
    wanted = (
        select(key, table.c.data)
        .where(key > after)
        .where(~_begins(table.c.data, current))
        .where(or_(_begins(table.c.data, MARK), table.c.process.in_(sealed)))
        .order_by(key)
        .limit(AT_ONCE)
    )
    change = (
        update(table)
        .where(key == bindparam("its_key"))
        .where(table.c.data == bindparam("before"))
        .values(data=bindparam("sealed"))
    )

    def work(connection: Connection) -> tuple[str, int]:
        rows = connection.execute(wanted).fetchall()
        if rows:
            connection.execute(
                change,
                [
                    {"its_key": row[0], "before": row[1], "sealed": _again(row[1], row[0], keys)}
                    for row in rows
                ],
            )
        return (rows[-1][0] if rows else ""), len(rows)

    return work


def _reseal_versions(connection: Connection, keys: Keyring) -> int:
    current = f"{MARK}{keys.current}:"
    sources = select(
        col(StoredVersion.process), col(StoredVersion.version), col(StoredVersion.source)
    ).where(_begins(col(StoredVersion.source), MARK))
    done = 0
    for process, version, source in connection.execute(sources).fetchall():
        if not source.startswith(current):
            sealed = _again(source, f"{process}/{version}", keys)
            connection.execute(
                update(StoredVersion)
                .where(col(StoredVersion.process) == process)
                .where(col(StoredVersion.version) == version)
                .values(source=sealed)
            )
            done += 1
    return done


def _begins(column: Any, beginning: str) -> Any:
    return func.substr(column, 1, len(beginning)) == beginning


def _again(text: str, place: str, keys: Keyring) -> str:
    return keys.seal(keys.unseal(text, place) if is_sealed(text) else text, place)
