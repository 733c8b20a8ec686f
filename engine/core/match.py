"""Where in a callback's body its task is named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from engine.core.duration import Duration
from engine.core.node import Address
from engine.core.value import as_text, read_path, split_path


@dataclass(frozen=True, slots=True)
class Match:
    """Where a callback names its task: one of the two."""

    task_id: Annotated[
        str | None, "Path to the task's id in the callback's body, such as data.items[0].id."
    ] = None
    ref: Annotated[str | None, "Path to the task's ref in the callback's body."] = None


def addressed(
    match: Match | None, body: Mapping[str, Any], *, sync: bool, keep: Duration
) -> Address:
    """Finds whom a callback is for.

    Raises:
        ValueError: the body names nobody; the message says where it was looked for.
    """
    name, path = _where(match)
    if not path:
        raise ValueError("the node has no 'match' that says where a body names its task")
    found = read_path(body, split_path(path))
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise ValueError(f"the body has no {name} at '{path}'")
    text = as_text(found)
    task_id, ref = (text, "") if name == "task_id" else ("", text)
    return Address(task_id, ref, sync, keep)


def match_problems(match: Match | None) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with a match that could be read."""
    if match is None:
        return
    if (match.task_id is None) == (match.ref is None):
        yield "match", "a callback is matched either by 'task_id' or by 'ref'"
        return
    _, path = _where(match)
    try:
        split_path(path)
    except ValueError as error:
        yield "match", str(error)


def _where(match: Match | None) -> tuple[str, str]:
    if match is None:
        return "", ""
    return ("task_id", match.task_id) if match.task_id is not None else ("ref", match.ref or "")
