"""What can go wrong between the engine and those who use it.

EngineError
├── DefinitionError      the author's: a process file has faults (it carries all of them)
├── SettingsError        the operator's: an option, variable or engine.toml that can't be used
├── RequestError         the caller's: carries the HTTP status that tells so
│   ├── InvalidData        422  parameters missing, unknown or of the wrong type
│   ├── TooLarge           413  more than the engine is set to take
│   ├── UnknownProcess     404
│   ├── UnknownTask        404
│   ├── UnknownNode        404
│   ├── RefTaken           409  an unfinished task has this ref
│   ├── KeyReused          409  an idempotency key with another body
│   ├── NotActive          409  the process is paused
│   ├── NotPossible        409  the task is not in a state that allows it
│   ├── PlanRefused        422  a deploy that can't be carried out as it was asked for
│   └── NotAllowed         403  a wrong hash, signature or key
├── TemplateError        the template's: it can't be rendered with this task's data
│   └── ConversionError    a value is not of the type that it should have
├── PatternTooCostly     the pattern's author's: searching this text takes too long
├── Busy                 nobody's: too much is in the air, try again
├── WaitedInVain         the task did not end in the time the caller gave
├── EngineUnreachable    no engine answers at the address given
└── StoreError           the database can't be opened, read or written
    ├── StoreInUse         another engine holds it
    ├── SchemaTooNew       written by a newer engine
    ├── Overtaken          another engine changed a task meanwhile: run it again
    ├── LostLease          this worker was taken for dead: join again
    └── StoreUnavailable   it does not answer now: full disk, lost connection
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class EngineError(Exception):
    """Something went wrong."""

    kind: ClassVar[str] = "engine_error"
    hint: str = ""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or type(self).__doc__)
        if hint:
            self.hint = hint


class DefinitionError(EngineError):
    """A process file has faults."""

    kind = "definition_error"

    def __init__(self, faults: Sequence[Any], message: str = "") -> None:
        super().__init__(message or "\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class SettingsError(EngineError):
    """A setting can't be used."""

    kind = "settings_error"


class RequestError(EngineError):
    """The request can't be carried out as it is."""

    kind = "request_error"
    status: ClassVar[int] = 400

    def __init__(
        self, message: str = "", *, hint: str = "", faults: Sequence[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.faults = tuple(faults)


class InvalidData(RequestError):
    """The task's data does not fit the parameters of the process."""

    kind = "invalid_data"
    status = 422


class TooLarge(RequestError):
    """The task's data is larger than the engine is set to take."""

    kind = "too_large"
    status = 413


class UnknownProcess(RequestError):
    """There is no such process."""

    kind = "unknown_process"
    status = 404


class UnknownTask(RequestError):
    """There is no such task."""

    kind = "unknown_task"
    status = 404


class UnknownNode(RequestError):
    """There is no such node."""

    kind = "unknown_node"
    status = 404


class RefTaken(RequestError):
    """An unfinished task of the process already has this ref."""

    kind = "ref_taken"
    status = 409


class KeyReused(RequestError):
    """This idempotency key was used with another body."""

    kind = "key_reused"
    status = 409


class NotActive(RequestError):
    """The process is paused and takes no tasks."""

    kind = "not_active"
    status = 409


class NotPossible(RequestError):
    """The task is not in a state that allows this."""

    kind = "not_possible"
    status = 409


class PlanRefused(RequestError):
    """The processes can't be put into force as it was asked for."""

    kind = "plan_refused"
    status = 422


class NotAllowed(RequestError):
    """Access denied."""

    kind = "not_allowed"
    status = 403


class TemplateError(EngineError):
    """A template can't be rendered."""

    kind = "template_error"


class ConversionError(TemplateError):
    """A value can't be converted; the message is Corezoid's, word for word."""


class PatternTooCostly(EngineError):
    """Searching this text for the pattern takes too long."""

    kind = "pattern_too_costly"


class Busy(EngineError):
    """The engine is busy; try again in a moment."""

    kind = "busy"


class WaitedInVain(EngineError):
    """The task did not end in the time given."""

    kind = "waited_in_vain"


class EngineUnreachable(EngineError):
    """No engine answers at this address."""

    kind = "unreachable"


class StoreError(EngineError):
    """The database can't be used."""

    kind = "store_error"


class StoreInUse(StoreError):
    """Another engine works on this database."""

    kind = "store_in_use"


class StoreMoved(StoreError):
    """The tasks of this database are in another one, or not all here yet."""

    kind = "store_moved"


class SchemaTooNew(StoreError):
    """This database was written by a newer engine."""

    kind = "schema_too_new"


class Overtaken(StoreError):
    """Another engine changed a task meanwhile."""

    kind = "overtaken"


class LostLease(StoreError):
    """This worker's lease ended, and others may have taken its tasks."""

    kind = "lost_lease"


class StoreUnavailable(StoreError):
    """The database does not answer now."""

    kind = "store_unavailable"
