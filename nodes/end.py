"""End: the task is done, with success or with an error."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from engine.node import Finish, NodeType, Outcome, Visit


class Result(StrEnum):
    """How a task ends."""

    SUCCESS = "success"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of an end node."""

    result: Annotated[Result, "Whether a task that gets here has succeeded or failed."] = (
        Result.SUCCESS
    )
    keep: Annotated[bool, "Whether the finished task stays in the archive."] = True


class End(NodeType[Settings]):
    """Finishes a task, which frees its ref."""

    type = "end"
    title = "End"
    can_fail = False
    has_next = False
    is_end = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:  # noqa: ARG002 -- no data is read
        return Finish(is_success=settings.result is Result.SUCCESS, is_kept=settings.keep)

    def result_title(self, settings: Settings) -> str:
        return settings.result.value
