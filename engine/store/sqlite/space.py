"""How old rows go and the file gets smaller, in pieces so small that commits between do not wait.

Each function is one transaction's work on the connection that writes. See `docs/operations.md`
for how long they take.
"""

from engine.core.task import encode
from engine.store.sqlite.file import Connection

PAGES_AT_ONCE = 1000
"""Pages given back to the file system in one go: 4 MB, about 10 ms."""
SPARE = 20
"""One page in so many may stay free: what comes next needs it again."""
BYTES_AT_ONCE = 4 * 1024 * 1024
"""Data of tasks deleted in one go; a single larger task goes alone."""
ROWS_AT_ONCE = 1000
UNDELIVERED_KEPT_US = 30 * 86_400_000_000

# What a row takes up is told by its head: the data itself is not read.
_FORGETTABLE = (
    "SELECT task_id, octet_length(data) FROM task INDEXED BY task_list"
    " WHERE process = ? AND task_id < ? AND finished < ? ORDER BY task_id LIMIT ?"
)
_FORGET = (
    "DELETE FROM task WHERE task_id IN (SELECT value FROM json_each(?)) AND finished < ?"
    " RETURNING task_id"
)
_FORGET_HISTORY = "DELETE FROM history WHERE task_id IN (SELECT value FROM json_each(?))"
_FORGET_ANSWERS = (
    "DELETE FROM answer WHERE key IN"
    " (SELECT key FROM answer INDEXED BY answer_expires WHERE expires <= ? LIMIT ?)"
)
_FORGET_MESSAGES = (
    "DELETE FROM message WHERE message_id IN (SELECT message_id FROM message"
    " INDEXED BY message_undelivered WHERE state = 'undelivered' AND expires <= ? LIMIT ?)"
)


def forgettable(
    connection: Connection, process: str, finished_before: int, limit: int
) -> list[str]:
    """Gives tasks of a process that ended before, the oldest first, as many as go at once."""
    # A task made since then can't have finished before; ids begin with milliseconds.
    end = f"{max(finished_before, 0) // 1000 + 1:012x}"
    found: list[str] = []
    size = 0
    for task_id, octets in connection.execute(_FORGETTABLE, (process, end, finished_before, limit)):
        size += octets
        if found and size > BYTES_AT_ONCE:
            break
        found.append(task_id)
    return found


def forget(connection: Connection, task_ids: list[str], finished_before: int) -> int:
    """Deletes tasks with their history; says how many."""
    # Looked at again: one may have been put back to work meanwhile.
    rows = connection.execute(_FORGET, (encode(task_ids).decode(), finished_before)).fetchall()
    gone = [row[0] for row in rows]
    connection.execute(_FORGET_HISTORY, (encode(gone).decode(),))
    return len(gone)


def forget_answers(connection: Connection, now: int) -> bool:
    """Deletes answers and undelivered messages whose time is over; says whether more are left."""
    limits = ((_FORGET_ANSWERS, now), (_FORGET_MESSAGES, now - UNDELIVERED_KEPT_US))
    counts = [connection.execute(text, (until, ROWS_AT_ONCE)).rowcount for text, until in limits]
    return ROWS_AT_ONCE in counts


def give_back(connection: Connection) -> bool:
    """Makes the file smaller by some of its free pages; says whether more are left."""
    free, pages = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("freelist_count", "page_count")
    )
    if free * SPARE <= pages:
        return False
    # It goes on page by page for as long as it is asked for a next row.
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    left = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    # A file that was made without this gives nothing back.
    return left < free
