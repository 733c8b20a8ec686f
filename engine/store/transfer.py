"""Rows on their way from a SQLite file to PostgreSQL: read in windows, written, told apart.

A digest is a sum over rows, so that their order does not matter and both sides may count it as
they go: here for what was read from the file, on the server for what it has.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import md5
from typing import Any

from sqlalchemy import LargeBinary, Table

from engine.store.postgres.line import Connection
from engine.store.rows import storable
from engine.store.sqlite import file
from engine.store.tables import FLAG, FOREIGN, Row

AT_ONCE = 2000
"""Rows read and written together."""
BYTES_AT_ONCE = 4 * 1024 * 1024
"""A window ends sooner where data are big: a task may have 128 kB."""
LOOK_EVERY = 50
"""Rows after which the size of a window is looked at."""
LISTED_AT_ONCE = 20_000
_BETWEEN, _NOTHING = "\x1f", "\x1e"

Record = list[Any]
Cursor = Any


def columns_of(name: str) -> str:
    """Gives the columns of a table, as a statement lists them."""
    return ", ".join(_names(_table(name)))


def windows(cursor: Cursor) -> Iterator[list[tuple[Any, ...]]]:
    """Gives the rows of a cursor in parts that need little memory, however big they are."""
    part: list[tuple[Any, ...]] = []
    size = 0
    while rows := cursor.fetchmany(LOOK_EVERY):
        part.extend(rows)
        size += sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
        if len(part) >= AT_ONCE or size >= BYTES_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


async def write(connection: Connection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    """Writes rows as SQLite gives them; gives their digest.

    There flags are numbers, and text may hold a NUL.
    """
    table = _table(name)
    flags = [at for at, column in enumerate(table.columns) if column.type is FLAG]
    texts = [at for at, column in enumerate(table.columns) if column.type is FOREIGN]
    records: list[Record] = []
    digest = 0
    for row in rows:
        record = list(row)
        for at in texts:
            record[at] = None if record[at] is None else storable(record[at])
        digest += _digest(record)
        for at in flags:
            record[at] = bool(record[at])
        records.append(record)
    await connection.copy_records_to_table(name, records=records, columns=_names(table))
    return digest


async def digest_there(connection: Connection, name: str, ids: Sequence[str] | None = None) -> int:
    """Gives the digest of what the server has: of a table, or of the rows of some tasks."""
    texts = f", '{_BETWEEN}', ".join(
        f"coalesce({_as_text(column)}, '{_NOTHING}')" for column in _table(name).columns
    )
    asked = (
        f"SELECT coalesce(sum(('x' || left(md5(concat({texts})), 15))::bit(60)::bigint), 0)"  # noqa: S608 - names of ours
        f" FROM {name}"
    )
    if ids is None:
        return int(await connection.fetchval(asked))
    return int(await connection.fetchval(f"{asked} WHERE task_id = ANY($1::text[])", ids))


async def differing(source: file.Connection, connection: Connection) -> AsyncIterator[list[str]]:
    """Gives the ids of tasks that are on one side only or have another revision, in parts."""
    after: str | None = ""
    while after is not None:
        here = source.execute(
            "SELECT task_id, revision FROM task WHERE task_id > ? ORDER BY task_id LIMIT ?",
            (after, LISTED_AT_ONCE),
        ).fetchall()
        there = await connection.fetch(
            "SELECT task_id, revision FROM task WHERE task_id > $1 ORDER BY task_id LIMIT $2",
            after, LISTED_AT_ONCE,
        )  # fmt: skip
        # What lies behind the end of a full list is not known of that side yet.
        ends = [rows[-1][0] for rows in (here, there) if len(rows) == LISTED_AT_ONCE]
        after = min(ends, default=None)
        found = {tuple(row) for row in here} ^ {tuple(row) for row in there}
        ids = sorted({each[0] for each in found if after is None or each[0] <= after})
        for start in range(0, len(ids), AT_ONCE):
            yield ids[start : start + AT_ONCE]


def _table(name: str) -> Table:
    return Row.metadata.tables[name]


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _digest(record: Record) -> int:
    text = _BETWEEN.join(
        [
            value if type(value) is str
            else _NOTHING if value is None
            else value.hex() if type(value) is bytes
            else str(value)
            for value in record
        ]
    )  # fmt: skip
    return int(md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)


def _as_text(column: Any) -> str:
    if column.type is FLAG:
        return f"{column.name}::int::text"
    if isinstance(column.type, LargeBinary):
        return f"encode({column.name}, 'hex')"
    return f"{column.name}::text"
