"""What is kept about processes: numbers, secrets, every version. The same for every database."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlmodel import col

from engine.errors import StoreError
from engine.store.interface import NewVersion, ProcessRow, VersionRow
from engine.store.seal_keys import adopt
from engine.store.sealing import MARK, Keyring, is_sealed
from engine.store.tables import StoredProcess, StoredVersion

FIRST_NUMBER = 1001
"""Numbers below are left to authors who choose their own."""
_VERSIONS = select(
    col(StoredVersion.process),
    col(StoredVersion.version),
    col(StoredVersion.digest),
    func.substr(col(StoredVersion.source), 1, len(MARK)),
)


def newest(connection: Connection) -> list[ProcessRow]:
    """Gives every process with the number of its newest version, by name."""
    rows = connection.execute(
        select(
            col(StoredProcess.process),
            col(StoredProcess.conv_id),
            col(StoredProcess.callback_hash),
            func.max(col(StoredVersion.version)),
        )
        .where(col(StoredVersion.process) == col(StoredProcess.process))
        .group_by(
            col(StoredProcess.process),
            col(StoredProcess.conv_id),
            col(StoredProcess.callback_hash),
        )
        .order_by(col(StoredProcess.process))
    )
    return [ProcessRow(*row) for row in rows]


def versions(connection: Connection, keys: Keyring) -> list[VersionRow]:
    """Gives every version of every process, oldest first."""
    rows = connection.execute(
        select(
            col(StoredVersion.process),
            col(StoredVersion.version),
            col(StoredVersion.digest),
            col(StoredVersion.source),
            col(StoredVersion.file),
            col(StoredVersion.moves),
            col(StoredVersion.keeps),
            col(StoredVersion.undone),
            col(StoredVersion.deployed),
        ).order_by(col(StoredVersion.process), col(StoredVersion.version))
    )
    return [
        VersionRow(
            *row[:3],
            _source(row, keys),
            row[4],
            moves=json.loads(row[5]),
            keeps=bool(row[6]),
            undone=row[7],
            deployed=row[8],
        )
        for row in rows
    ]


def deploy(connection: Connection, wanted: Sequence[NewVersion], now: int, keys: Keyring) -> None:
    """Adds what is new, in the open transaction.

    Raises:
        StoreError: a number that an author chose belongs to another process.
        KeyMissing: there is something secret, and no key for it.
    """
    if any(new.is_sealed for new in wanted):
        adopt(connection, keys, now)
    known = {row.process: row for row in newest(connection)}
    numbers = _numbers(wanted, known)
    there_are = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(_VERSIONS)}
    for new in wanted:
        there = known.get(new.process)
        if there is None:
            row = {
                "process": new.process,
                "conv_id": numbers[new.process],
                "callback_hash": new.callback_hash,
                "created": now,
            }
            connection.execute(insert(StoredProcess), row)
        version = there.version if there else 0
        digest, source = there_are.get((new.process, version), ("", ""))
        if digest != new.digest or new.moves:
            row = _version_row(new, version + 1, now, keys)
            connection.execute(insert(StoredVersion), row)
        elif new.is_sealed and not is_sealed(source):
            _seal(connection, new, version, keys)


def _numbers(wanted: Iterable[NewVersion], known: dict[str, ProcessRow]) -> dict[str, int]:
    """Gives each new process its number: the author's, or the next one that is free."""
    owners = {row.conv_id: row.process for row in known.values()}
    numbers: dict[str, int] = {}
    fresh = [new for new in wanted if new.process not in known]
    for new in fresh:
        if new.conv_id is None:
            continue
        owner = owners.setdefault(new.conv_id, new.process)
        if owner != new.process:
            raise StoreError(
                f"the number {new.conv_id} of process '{new.process}' belongs to '{owner}'",
                hint="choose another number, or leave 'id' away to be given one",
            )
        numbers[new.process] = new.conv_id
    following = max(FIRST_NUMBER - 1, *owners) if owners else FIRST_NUMBER - 1
    for new in fresh:
        if new.conv_id is None:
            following += 1
            numbers[new.process] = following
    return numbers


def _source(row: Sequence[Any], keys: Keyring) -> str:
    source = str(row[3])
    return keys.unseal(source, _place(row[0], row[1])) if is_sealed(source) else source


def _seal(connection: Connection, new: NewVersion, version: int, keys: Keyring) -> None:
    """Encrypts what was deployed before anything of it was secret."""
    connection.execute(
        update(StoredVersion)
        .where(col(StoredVersion.process) == new.process)
        .where(col(StoredVersion.version) == version)
        .values(source=keys.seal(new.source, _place(new.process, version)))
    )


def _place(process: str, version: int) -> str:
    return f"{process}/{version}"


def _version_row(new: NewVersion, version: int, now: int, keys: Keyring) -> dict[str, object]:
    place = _place(new.process, version)
    return {
        "process": new.process,
        "version": version,
        "digest": new.digest,
        "source": keys.seal(new.source, place) if new.is_sealed else new.source,
        "file": new.file,
        "moves": json.dumps(dict(new.moves)),
        "keeps": new.keeps,
        "undone": new.undone,
        "deployed": now,
    }
