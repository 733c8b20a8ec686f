"""The mark on a database that was moved, or is being filled by a move: no engine works on it."""

from engine.errors import StoreMoved

TO, FROM = "to", "from"
READ = "SELECT direction, place, is_done FROM moved"


def refuse_moved(rows: list[tuple[str, str, bool]], name: str) -> None:
    """Refuses a database that tasks have left, or have not all come to yet.

    Raises:
        StoreMoved: it is such a one; the message says where the tasks are.
    """
    for direction, place, is_done in rows:
        if direction == TO:
            raise StoreMoved(
                f"the tasks of '{name}' were moved to '{place}'",
                hint="use that database; to go back to this one, as it was then, "
                "stop using the other and run here: DELETE FROM moved",
            )
        if not is_done:
            raise StoreMoved(
                f"the tasks of '{place}' are being moved into '{name}', and are not all here",
                hint="run 'engine db copy' again: it goes on where it stopped",
            )
