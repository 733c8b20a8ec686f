"""What a node can ask for, as plain data.

Commands on the store are carried out in the turn that asks, in the same transaction as the
task's move: exactly once. Commands on the outside world start after that transaction is safe on
disk and are answered by a message: at least once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Create a task in the start node of a process.

    An empty `ref` asks for a generated one. `inherited` is data that was not listed one by one:
    names that the process does not declare are let through there. With `wait_for_reply` the new
    task owes its creator a reply. The answer is `Done` or `Refused`.
    """

    process: str
    ref: str
    data: dict[str, Any]
    inherited: dict[str, Any]
    wait_for_reply: bool = False


@dataclass(frozen=True, slots=True)
class ModifyTask:
    """Merge data into a task of another process, named by ref or by task id.

    With `strict` a task that does not stand in a callback node refuses it; without, the data is
    kept until the task gets to one. The answer is `Done` or `Refused`.
    """

    process: str
    ref: str
    task_id: str
    data: dict[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class SendReply:
    """Answer the task that called this one. No effect if nobody waits. The answer is `Done`."""

    data: dict[str, Any]
    is_exception: bool = False
    reason: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class TakeFromQueue:
    """Take the task that came first, or last, into a queue. The answer is `Taken` or `Refused`."""

    process: str
    node: str
    newest: bool = False


@dataclass(frozen=True, slots=True)
class AddToSums:
    """Add to counters of the node, by name; in billionths, exact. The answer is `Done`."""

    amounts: Mapping[str, int]


StoreCommand = CreateTask | ModifyTask | SendReply | TakeFromQueue | AddToSums


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken out of a queue: the task's data, with what its queue adds to it."""

    task_id: str
    ref: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A store command was carried out."""

    task_id: str = ""


class Refusal(StrEnum):
    """Why a store command can't be carried out."""

    UNKNOWN_PROCESS = "unknown_process"
    NOT_ACTIVE = "not_active"
    INVALID_DATA = "invalid_data"
    TOO_LARGE = "too_large"
    REF_TAKEN = "ref_taken"
    TOO_DEEP = "too_deep"
    UNKNOWN_TASK = "unknown_task"
    NOT_WAITING = "not_waiting"
    NO_QUEUE = "no_queue"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Refused:
    """A store command could not be carried out."""

    reason: Refusal
    description: str


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One HTTP request, complete to the last header."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    timeout_s: float
    max_response_bytes: int
    max_threads: int
    follow_redirects: bool = False
    verify_tls: bool = True
    client_cert_pem: str | None = None


@dataclass(frozen=True, slots=True)
class RunScript:
    """One run of a JavaScript on a task's data, in a sandbox without network and files.

    Without a `function` the source is the body of one, which finds the data as `data`; with one
    it is a module that exports it. `data` and `meta` (read as `data.__root`, none if empty) are
    JSON as they were when the task came in.
    """

    max_threads: ClassVar[int] = 1000  # what is too much for the sandbox waits in its own line

    source: str
    data: bytes
    meta: bytes
    time_limit_s: float
    memory_bytes: int
    function: str | None = None


@dataclass(frozen=True, slots=True)
class RunRepositoryFunction:
    """One run of a function that a file of a git repository holds, in the same kind of sandbox.

    `repository` is an https URL or a folder; `revision` a full commit hash, a tag or a branch.
    Without a `function` the file has only one. What the file is written in its ending says.
    """

    max_threads: ClassVar[int] = 1000

    repository: str
    revision: str
    path: str
    function: str
    data: bytes
    time_limit_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class RunStatement:
    """One SQL statement on a named database, in a transaction of its own.

    Where `sql` has `:name`, the value of that name is bound. More than `max_rows` rows, or more
    than `max_response_bytes` of them as JSON, is a failure, and nothing is changed then.
    """

    connection: str
    sql: str
    params: Mapping[str, Any]
    time_limit_s: float
    max_rows: int
    max_response_bytes: int
    wants_rows: bool = True
    max_threads: int = 5


OutsideCommand = HttpCall | RunScript | RunRepositoryFunction | RunStatement
Command = StoreCommand | OutsideCommand


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP response, whatever its status. Header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    elapsed_ms: float = 0.0


class CallFailure(StrEnum):
    """Why a call has no answer."""

    INVALID = "invalid"  # the request could not be built: nothing was sent
    NOT_ALLOWED = "not_allowed"  # the settings do not open its host: nothing was sent there
    CIRCUIT_OPEN = "circuit_open"  # its host failed too often or asked for a rest: nothing was sent
    UNREACHABLE = "unreachable"  # DNS, refused, TLS, connect time-out: nothing was sent
    TIMEOUT = "timeout"  # sent, and no answer in time
    BROKEN = "broken"  # sent, and the connection ended before the answer
    TOO_LARGE = "too_large"  # answered, with more than `max_response_bytes`
    INTERRUPTED = "interrupted"  # the engine stopped while the call was out
    INTERNAL = "internal"  # a fault of ours


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call without an answer. The other side may have acted unless the failure says not."""

    failure: CallFailure
    description: str

    @property
    def is_in_doubt(self) -> bool:
        """Whether the other side may have acted although its answer is unknown."""
        return self.failure in IN_DOUBT


IN_DOUBT = frozenset(
    {CallFailure.TIMEOUT, CallFailure.BROKEN, CallFailure.INTERRUPTED, CallFailure.INTERNAL}
)


@dataclass(frozen=True, slots=True)
class ScriptAnswer:
    """What a script made of the data it was given: names to write, and names to take out."""

    changes: dict[str, Any]
    removed: tuple[str, ...] = ()


class ScriptFailure(StrEnum):
    """Why a script gave no data."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    EXCEPTION = "exception"  # thrown by the script, or its source can't be read
    FORMAT = "format"  # the result is no object, or can't be written as JSON
    TOO_LARGE = "too_large"
    DIED = "died"  # the sandbox ended without an answer
    UNSUPPORTED = "unsupported"  # there is no sandbox for it on this machine


@dataclass(frozen=True, slots=True)
class ScriptFailed:
    """A script that gave no data."""

    failure: ScriptFailure
    description: str


@dataclass(frozen=True, slots=True)
class StatementAnswer:
    """What a statement gave: rows as JSON if it gives any, and how many it changed or gave."""

    affected: int
    rows: list[dict[str, Any]] | None = None


class StatementFailure(StrEnum):
    """Why a statement gave nothing. Whichever it is, it changed nothing either."""

    UNREACHABLE = "unreachable"  # no such connection, no server, or lost before the commit
    TIMEOUT = "timeout"
    CONFLICT = "conflict"  # with another transaction; the same statement may work later
    REFUSED = "refused"  # by the database: wrong SQL, a constraint, no right to it
    PARAMETER = "parameter"  # a value can't be bound where it stands
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"  # rows


@dataclass(frozen=True, slots=True)
class StatementFailed:
    """A statement that was not carried out.

    One whose commit was sent, and no more is known, is a `CallFailed` in doubt.
    """

    failure: StatementFailure
    description: str


HttpResult = HttpAnswer | CallFailed
ScriptResult = ScriptAnswer | ScriptFailed
StatementResult = StatementAnswer | StatementFailed | CallFailed
CallResult = HttpResult | ScriptResult | StatementResult
