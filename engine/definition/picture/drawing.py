"""What is to be drawn, as plain values: nothing here knows where a process comes from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Result: TypeAlias = Literal["success", "error"]


class LineKind(StrEnum):
    """Why a task takes a line; it decides how the line looks and which side it leaves."""

    NEXT = "next"
    ERROR = "error"
    TIMEOUT = "timeout"
    CASE = "case"
    ELSE = "else"
    LIMIT = "limit"
    MESSAGE = "message"


class Arrangement(StrEnum):
    """How several drawings share one picture."""

    BESIDE = "beside"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Shape:
    """A node. `standing` tasks are in it now, `passed` tasks have left it."""

    id: str
    type: str
    title: str = ""
    is_escalation: bool = False
    result: Result | None = None
    position: tuple[float, float] | None = None
    standing: int | None = None
    passed: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A way from one node to another of the same drawing."""

    source: str
    target: str
    kind: LineKind = LineKind.NEXT
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One process: its nodes in reading order and the lines between them.

    Raises:
        ValueError: An id is used twice, or a line leads to a node that is not there.
    """

    title: str
    shapes: Sequence[Shape]
    lines: Sequence[Line] = ()

    def __post_init__(self) -> None:
        known: set[str] = set()
        for shape in self.shapes:
            if shape.id in known:
                raise ValueError(f"the drawing '{self.title}' has two nodes '{shape.id}'")
            known.add(shape.id)
        _require(known, (end for line in self.lines for end in (line.source, line.target)))


@dataclass(frozen=True, slots=True)
class Message:
    """What one process sends to a task of another: from and to (number of drawing, node)."""

    source: tuple[int, str]
    target: tuple[int, str]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One or several drawings on one sheet, with the messages between them.

    Raises:
        ValueError: A message leads to a drawing or a node that is not there.
    """

    drawings: Sequence[Drawing]
    messages: Sequence[Message] = ()
    arrangement: Arrangement = Arrangement.BESIDE

    def __post_init__(self) -> None:
        known = [
            (number, shape.id)
            for number, drawing in enumerate(self.drawings)
            for shape in drawing.shapes
        ]
        _require(known, (end for item in self.messages for end in (item.source, item.target)))


def _require(known: Iterable[object], ends: Iterable[object]) -> None:
    present = set(known)
    for end in ends:
        if end not in present:
            raise ValueError(f"a line leads to the node '{end}', which is not drawn")
