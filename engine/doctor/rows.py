"""What is said of rows that are odd: tasks, messages and history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.core.view import iso_time
from engine.doctor.finding import Finding, Severity, counted
from engine.doctor.graphs import Graphs
from engine.store.facts import MOST, Audit, Odd, Oddity

SHOWN = 5
LAST_MOMENT = 253_402_300_799_000_000
"""The end of the year 9999: no later time can be written."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """How an oddity is told; `needs_engine` if it is one only while an engine works."""

    check: str
    noun: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    needs_engine: bool = False


_DAMAGED = "no engine leaves this behind: restore a backup, or report it with 'engine show'"
_NOT_WORKING = "is the engine overloaded, or stuck? See its log; a restart loses nothing"
_SAYINGS: Mapping[Odd, _Saying] = {
    Odd.HALF_FINISHED: _Saying(
        "state", "task", "ended, and yet on their way by their state", _DAMAGED
    ),
    Odd.TIMER_OF_ENDED: _Saying("timers", "task", "ended, and still have a timer", _DAMAGED),
    Odd.NO_REPLY_TO_COME: _Saying(
        "mover", "task",
        "wait for a reply without a timer, and no task is there that could give one",
        "'engine delete' removes such a task; set a 'timeout' on the node for the next ones",
    ),
    Odd.SHARED_REF: _Saying(
        "refs", "task", "have the ref of another unfinished task",
        "'engine delete' one of each two, by its task id",
    ),
    Odd.LOST_OWNER: _Saying(
        "owner", "task", "in the hand of an engine that is not there any more",
        "the other engines take them on when they renew their leases: do they reach the database?",
        needs_engine=True,
    ),
    Odd.IDLE: _Saying(
        "owner", "task", "ready to go on for minutes, and no engine takes them on", _NOT_WORKING,
        needs_engine=True,
    ),
    Odd.LONG_CALL: _Saying(
        "calls", "task", "have had a call out, or in line, for more than an hour",
        "does the service answer, and does 'max_threads' let enough through?", Severity.WARNING,
        needs_engine=True,
    ),
    Odd.LATE_TIMER: _Saying(
        "timers", "task", "should have been woken by their timer a minute ago or more",
        _NOT_WORKING, needs_engine=True,
    ),
    Odd.MAIL_WITHOUT_TASK: _Saying(
        "mail", "message", "kept for a task that is not there",
        "it becomes undelivered when its time is over; see GET /v1/undelivered",
    ),
    Odd.MAIL_FOR_ENDED: _Saying(
        "mail", "message", "kept for a task that has ended",
        "it becomes undelivered when its time is over; see GET /v1/undelivered",
    ),
    Odd.MAIL_WITHOUT_PROCESS: _Saying(
        "mail", "message", "kept for a process that was never deployed",
        "it becomes undelivered when its time is over; see GET /v1/undelivered",
    ),
    Odd.MAIL_LEFT_LYING: _Saying(
        "mail", "message", "kept, though a task waits for it",
        "restart the engine and send the callback again; please report it",
    ),
    Odd.LATE_MAIL: _Saying(
        "mail", "message", "kept beyond their time", _NOT_WORKING, needs_engine=True
    ),
    Odd.HISTORY_WITHOUT_TASK: _Saying(
        "history", "task", "have a history, and are not there themselves",
        "it only takes up space; please report it", Severity.WARNING,
    ),
}  # fmt: skip


def examine_rows(audit: Audit, graphs: Graphs, *, is_served: bool) -> Iterator[Finding]:
    """Tells the odd rows, together where they are alike."""
    told = [
        each
        for each in audit.oddities
        if (is_served or not _SAYINGS[each.kind].needs_engine)
        and not (each.kind is Odd.IDLE and _is_paused(graphs, each.process))
    ]
    for (kind, process, node), alike in groupby(sorted(told, key=_alike), key=_alike):
        yield _told(Odd(kind), process, node, [each.row_id for each in alike])
    for index in audit.missing_indexes:
        yield Finding(
            "indexes", f"the index '{index}' is missing",
            "restore a backup, or move the tasks to a new database", rows=(index,),
        )  # fmt: skip


def examine_newest(audit: Audit, now: int) -> Iterator[Finding]:
    """Ids begin with the millisecond of their making: none is of the future."""
    try:
        made = min(int(audit.newest[:12], 16) * 1000, LAST_MOMENT)
    except ValueError:
        return
    if made > now + 60_000_000:
        yield Finding(
            "clock",
            f"the newest task was made at {iso_time(made)}, which is yet to come",
            "the clock was set back: correct it, or timers ring late by this much",
        )


def _told(kind: Odd, process: str, node: str, ids: Sequence[str]) -> Finding:
    saying = _SAYINGS[kind]
    number = counted(len(ids), saying.noun) + (" or more" if len(ids) >= MOST else "")
    of = f" of '{process}'" if process else ""
    where = f" in '{node}'" if node else ""
    return Finding(
        saying.check, f"{number}{of}{where}: {saying.message}", saying.hint, saying.severity,
        tuple(ids[:SHOWN]),
    )  # fmt: skip


def _alike(each: Oddity) -> tuple[str, str, str]:
    return (each.kind, each.process, each.node)


def _is_paused(graphs: Graphs, process: str) -> bool:
    graph = graphs.newest(process)
    return graph is not None and not graph.is_active
