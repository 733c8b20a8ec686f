"""What is written on a line, and where: beside the node that the words are about."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeAlias

from engine.definition.picture.box import LONGEST, Rect
from engine.definition.picture.drawing import LineKind
from engine.definition.picture.router import Side, Way
from engine.definition.picture.text import elide, measure

Dot: TypeAlias = tuple[float, float]

LABEL_FONT = 10.5
LABEL_HEIGHT = 16.0
SNUG = 0.92  # a label has no box to burst, so it may be measured less safely
WIDEST_ABOVE, WIDEST_BESIDE = 150.0, 84.0
ARROW = 10.0  # room for the head of an arrow, or for the foot of a line


@dataclass(frozen=True, slots=True)
class Tag:
    """The text of a label and the end of the line at which it wants to stand."""

    text: str
    full: str
    width: float
    is_at_entry: bool
    is_free: bool
    side: Side


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a label would stand best, and the frame that it should not leave."""

    tag: Tag
    home: Dot
    frame: Rect | None


@dataclass(frozen=True, slots=True)
class Label:
    """A label in its place; `full` is the text before it was shortened."""

    text: str
    full: str
    rect: Rect


def tag_of(way: Way) -> Tag | None:
    """Decides what a line says and at which end.

    A case is read where it arrives: several leave their node as one line. A failure or a timeout
    is read where it leaves: several arrive as one line.
    """
    full = " · ".join(" ".join(label.split()) for label in way.arc.labels)[:LONGEST].strip()
    if not full:
        return None
    at_entry = way.arc.is_ordinary and not way.is_back
    side = way.entry if at_entry else way.exit
    is_free = way.arc.kind is LineKind.MESSAGE
    widest = WIDEST_ABOVE if side.is_upright or is_free else WIDEST_BESIDE
    text = elide(full, widest - 6, LABEL_FONT)
    return Tag(
        text,
        full,
        round(measure(text, LABEL_FONT) * SNUG + 6),
        is_at_entry=at_entry,
        is_free=is_free,
        side=side,
    )


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a label should not cover: a box or a label (heavy), or the line of a way (light)."""

    rect: Rect
    way: int | None = None


# Things are looked up by squares of this size.
SQUARE = 128
# How bad it is to cover a box or a label, and to leave the frame; a line counts 1.
HEAVY, OUT = 100, 20


@dataclass(slots=True)
class _Board:
    squares: dict[tuple[int, int], list[_Thing]]

    def put(self, thing: _Thing) -> None:
        for square in _squares(thing.rect):
            self.squares[square].append(thing)

    def weigh(self, rect: Rect, way: int) -> int:
        """Tells how bad a place is for the label of a way."""
        return sum(
            HEAVY if thing.way is None else 1
            for square in _squares(rect)
            for thing in self.squares.get(square, ())
            if thing.way != way and rect.overlaps(thing.rect)
        )


def _squares(rect: Rect) -> Iterator[tuple[int, int]]:
    across = range(int(rect.x // SQUARE), int((rect.x + rect.width) // SQUARE) + 1)
    along = range(int(rect.y // SQUARE), int((rect.y + rect.height) // SQUARE) + 1)
    return product(across, along)


def place_labels(
    wishes: Sequence[Wish | None], lines: Sequence[Sequence[Dot]], boxes: Sequence[Rect]
) -> list[Label | None]:
    """Places each label at its end of the line, or where else on the line there is room."""
    board = _Board(defaultdict(list))
    for box in boxes:
        board.put(_Thing(box))
    for number, line in enumerate(lines):
        for start, end in pairwise(line):
            board.put(_Thing(_strip(start, end), number))
    return [
        None if wish is None else _place(wish, lines[number], number, board)
        for number, wish in enumerate(wishes)
    ]


def _place(wish: Wish, line: Sequence[Dot], number: int, board: _Board) -> Label:
    def weigh(rect: Rect) -> int:
        out = 0 if wish.frame is None or rect.is_within(wish.frame) else OUT
        return board.weigh(rect, number) + out

    rects = list(_rects(line, wish))
    rect = next((rect for rect in rects if not weigh(rect)), None) or min(rects, key=weigh)
    board.put(_Thing(rect))
    return Label(wish.tag.text, wish.tag.full, rect)


def _strip(start: Dot, end: Dot) -> Rect:
    x, y = min(start[0], end[0]), min(start[1], end[1])
    return Rect(x - 1, y - 1, abs(end[0] - start[0]) + 2, abs(end[1] - start[1]) + 2)


def _rects(line: Sequence[Dot], wish: Wish) -> Iterator[Rect]:
    """Yields where a label may stand, the best place first."""
    tag = wish.tag
    shift = tag.width / 2 + 3
    x, y = wish.home
    if not tag.is_free:
        yield _around(wish.home, tag)
        if tag.side.is_upright:
            yield _around((x - shift, y), tag)
            yield _around((x + shift, y), tag)
    parts = list(pairwise(line))
    # Level stretches carry a text best, then the long ones.
    parts.sort(key=lambda part: (part[0][1] != part[1][1], -_length(part)))
    for (start_x, start_y), (to_x, to_y) in parts:
        for share in (0.5, 0.35, 0.65, 0.2, 0.8):
            spot = start_x + (to_x - start_x) * share, start_y + (to_y - start_y) * share
            yield _around(spot, tag)


def _around(middle: Dot, tag: Tag) -> Rect:
    return Rect(
        round(middle[0] - tag.width / 2, 1),
        round(middle[1] - LABEL_HEIGHT / 2, 1),
        tag.width,
        LABEL_HEIGHT,
    )


def _length(part: tuple[Dot, Dot]) -> float:
    (x, y), (to_x, to_y) = part
    return abs(x - to_x) + abs(y - to_y)
