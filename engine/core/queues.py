"""Who is next in a queue: as the store has it, and as this turn has changed it."""

from collections import deque

from engine.core.batch import Found, Queue, Wants
from engine.core.ledger import Ledger, Live, NotYetKnown
from engine.core.task import TaskState

AT_ONCE = 32


class _Line:
    """What of a queue was loaded: its first tasks in order."""

    __slots__ = ("asked", "is_whole", "lives")

    def __init__(self) -> None:
        self.asked = AT_ONCE
        self.lives: deque[Live] | None = None
        self.is_whole = False


class Queues:
    """Gives each task of a queue to one taker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lines: dict[Queue, _Line] = {}
        self._came: dict[tuple[str, str], deque[Live]] = {}

    def take(self, queue: Queue) -> Live | None:
        """Finds the task that is next; None if the queue is empty.

        Raises:
            NotYetKnown: the store must be asked first.
        """
        line = self._lines.setdefault(queue, _Line())
        if line.lives is None:
            self._want(queue, line)
        process, node, is_newest = queue
        for live in self._ledger.queued:
            self._came.setdefault((live.task.process, live.task.node), deque()).append(live)
        self._ledger.queued.clear()
        came = self._came.get((process, node), deque())
        if is_newest:
            return _last(came, node) or self._first(queue, line)
        return self._first(queue, line) or _first(came, node)

    def put_back(self, live: Live) -> None:
        """Puts a task that could not be taken yet to where it was."""
        for queue, line in self._lines.items():
            if queue[:2] == (live.task.process, live.task.node) and line.lives is not None:
                line.lives.appendleft(live)

    def _first(self, queue: Queue, line: _Line) -> Live | None:
        """Gives the next of those that came before this turn."""
        assert line.lives is not None  # noqa: S101 -- it was loaded
        found = _first(line.lives, queue[1])
        if found is None and not line.is_whole:
            line.asked *= 4
            line.lives = None
            self._want(queue, line)
        return found

    def _want(self, queue: Queue, line: _Line) -> None:
        self._ledger.wants.queues[queue] = line.asked
        raise NotYetKnown

    def supply(self, wants: Wants, found: Found) -> None:
        """Takes what the store had of the queues that were wanted."""
        for queue, number in wants.queues.items():
            tasks = found.queues.get(queue, [])
            line = self._lines.setdefault(queue, _Line())
            line.lives = deque(self._ledger.know(task) for task in tasks)
            line.is_whole = len(tasks) < number


def _first(lives: deque[Live], node: str) -> Live | None:
    while lives:
        live = lives.popleft()
        if _stands(live, node):
            return live
    return None


def _last(lives: deque[Live], node: str) -> Live | None:
    while lives:
        live = lives.pop()
        if _stands(live, node):
            return live
    return None


def _stands(live: Live, node: str) -> bool:
    """Whether a task still stands in this queue: another may have it by now."""
    task = live.task
    return task.state is TaskState.QUEUED and task.node == node and not live.is_deleted
