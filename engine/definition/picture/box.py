"""The box of a node: how large it is and what stands in it."""

from dataclasses import dataclass
from enum import StrEnum

from engine.definition.picture.drawing import Shape
from engine.definition.picture.text import elide, measure, wrap

# The longest text that is looked at: the rest would be elided anyway.
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point in the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def is_within(self, other: "Rect") -> bool:
        """Whether no part of it is outside of the other."""
        return (
            self.x >= other.x
            and self.y >= other.y
            and self.x + self.width <= other.x + other.width
            and self.y + self.height <= other.y + other.height
        )

    def overlaps(self, other: "Rect") -> bool:
        """Whether the two share more than an edge."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Outline(StrEnum):
    """The form of a box."""

    CARD = "card"
    CHOICE = "choice"
    PILL = "pill"


OUTLINES = {"start": Outline.PILL, "end": Outline.PILL, "condition": Outline.CHOICE}


@dataclass(frozen=True, slots=True)
class Look:
    """Sizes in pixels of the boxes on one side of a drawing."""

    widest: float
    narrowest: float
    font: float
    line: float
    icon: float
    pad: float
    lines: int


MAIN = Look(widest=170, narrowest=100, font=13, line=16, icon=30, pad=8, lines=2)
RAIL = Look(widest=140, narrowest=70, font=11.5, line=14, icon=20, pad=6, lines=3)
TYPE_FONT = 10.5


@dataclass(frozen=True, slots=True)
class Face:
    """A node as it will be shown, without a place yet."""

    shape: Shape
    look: Look
    outline: Outline
    title: tuple[str, ...]
    subtitle: str
    width: float
    height: float


def face_of(shape: Shape, *, is_aside: bool) -> Face:
    """Breaks the title into lines and sizes the box around it."""
    look = RAIL if is_aside else MAIN
    outline = OUTLINES.get(shape.type, Outline.CARD)
    name = " ".join((shape.title or "").split())[:LONGEST]
    kind = shape.type.replace("_", " ")
    # The form of a pill and of a retry's clock says the type already.
    subtitle = kind if name and outline is not Outline.PILL and not is_aside else ""
    slack = _slack(look, outline)
    # Words that must never be bold are measured as bold: the safe side.
    shown = name or kind[:1].upper() + kind[1:] or shape.id
    title = wrap(shown, look.widest - slack, look.font, most=look.lines, bold=True)
    subtitle = elide(subtitle, look.widest - slack, TYPE_FONT)
    text = max(
        *(measure(line, look.font, bold=True) for line in title), measure(subtitle, TYPE_FONT)
    )
    lines = look.line * len(title) + (13 if subtitle else 0)
    return Face(
        shape,
        look,
        outline,
        title,
        subtitle,
        width=max(look.narrowest, min(look.widest, round(text + slack))),
        height=round(max(0 if outline is Outline.PILL else look.icon, lines) + 2 * look.pad),
    )


def _slack(look: Look, outline: Outline) -> float:
    """What the icon and the margins take of the width."""
    if outline is Outline.PILL:
        return look.icon * 0.6 + 4 * look.pad
    point = 10 if outline is Outline.CHOICE else 0
    return look.icon + 3 * look.pad + 2 * point
