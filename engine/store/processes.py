"""What is kept about processes: numbers, secrets, every version. The same for every database."""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, insert, select
from sqlmodel import col

from engine.errors import StoreError
from engine.store.interface import NewVersion, ProcessRow, VersionRow
from engine.store.tables import StoredProcess, StoredVersion

FIRST_NUMBER = 1001
"""Numbers below are left to authors who choose their own."""


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


def versions(connection: Connection) -> list[VersionRow]:
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
            *row[:5], moves=json.loads(row[5]), keeps=bool(row[6]), undone=row[7], deployed=row[8]
        )
        for row in rows
    ]


def deploy(connection: Connection, wanted: Sequence[NewVersion], now: int) -> None:
    """Adds what is new, in the open transaction.

    Raises:
        StoreError: a number that an author chose belongs to another process.
    """
    known = {row.process: row for row in newest(connection)}
    numbers = _numbers(wanted, known)
    digests = {(row.process, row.version): row.digest for row in versions(connection)}
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
        elif digests[new.process, there.version] == new.digest and not new.moves:
            continue
        version = there.version + 1 if there else 1
        connection.execute(insert(StoredVersion), _version_row(new, version, now))


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


def _version_row(new: NewVersion, version: int, now: int) -> dict[str, object]:
    return {
        "process": new.process,
        "version": version,
        "digest": new.digest,
        "source": new.source,
        "file": new.file,
        "moves": json.dumps(dict(new.moves)),
        "keeps": new.keeps,
        "undone": new.undone,
        "deployed": now,
    }
