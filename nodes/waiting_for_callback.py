"""Waiting for Callback: the task stands until a callback or a modification reaches it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from engine.node import (
    Address,
    Answer,
    Arrived,
    Duration,
    Go,
    NodeType,
    Outcome,
    Visit,
    Wait,
    WaitKind,
    as_text,
    parse_duration,
    read_path,
    split_path,
)

ONE_DAY = parse_duration("1d")
_STEP = re.compile(r"(?:^|\.)([^.\[\]{}]+)|\[(\d{1,9})\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a callback names its task: one of the two."""

    task_id: Annotated[
        str | None, "Path to the task's id in the callback's body, such as data.items[0].id."
    ] = None
    ref: Annotated[str | None, "Path to the task's ref in the callback's body."] = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a callback node."""

    match: Annotated[
        Match | None, "Where in a callback's body its task is named, by id or by ref."
    ] = None
    sync: Annotated[
        bool, "Whether a callback for a task that waits in another node is refused."
    ] = True
    keep_early: Annotated[
        Duration, "How long a callback that comes before its task is kept for it."
    ] = ONE_DAY


class WaitingForCallback(NodeType[Settings]):
    """Waits; what arrives is merged into the task's data, which then goes on."""

    type = "waiting_for_callback"
    title = "Waiting for Callback"
    prefixes = ("callback",)
    can_fail = False
    waits = True

    def enter(self, settings: Settings, visit: Visit) -> Outcome:  # noqa: ARG002 -- it only waits
        return Wait(WaitKind.CALLBACK)

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:
        match answer:
            case Arrived(data):
                return Go(changes=data)
            case _:
                return super().resume(settings, visit, answer)

    def address(self, settings: Settings, body: Mapping[str, Any]) -> Address:
        name, path = _where(settings.match)
        if not path:
            raise ValueError("the node has no 'match' that says where a body names its task")
        found = read_path(body, split_path(path))
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise ValueError(f"the body has no {name} at '{path}'")
        text = as_text(found)
        task_id, ref = (text, "") if name == "task_id" else ("", text)
        return Address(task_id, ref, settings.sync, settings.keep_early)

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if settings.match is None:
            return
        if (settings.match.task_id is None) == (settings.match.ref is None):
            yield "match", "a callback is matched either by 'task_id' or by 'ref'"
            return
        _, path = _where(settings.match)
        try:
            split_path(path)
        except ValueError as error:
            yield "match", str(error)


def _where(match: Match | None) -> tuple[str, str]:
    if match is None:
        return "", ""
    return ("task_id", match.task_id) if match.task_id is not None else ("ref", match.ref or "")
