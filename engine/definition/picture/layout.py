"""Where everything in a picture stands, in pixels: what the SVG writer draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, assert_never

from engine.definition.picture.box import Face, Rect
from engine.definition.picture.drawing import Arrangement, LineKind, Picture
from engine.definition.picture.label import Label, Tag, Wish, place_labels, tag_of
from engine.definition.picture.plan import MARGIN, Axis, Plan, make_plan
from engine.definition.picture.port import Ports, spread
from engine.definition.picture.router import Side, Way
from engine.definition.picture.sheet import Sheet, lay_out_sheet
from engine.definition.picture.track import Tracks, assign_tracks

Dot: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place."""

    drawing: int
    face: Face
    is_aside: bool
    rect: Rect


@dataclass(frozen=True, slots=True)
class Route:
    """A line in its place, with its label if it has one."""

    source: Box
    target: Box
    kind: LineKind
    dots: tuple[Dot, ...]
    label: Label | None


@dataclass(frozen=True, slots=True)
class Panel:
    """The frame of one drawing."""

    title: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of `width` by `height` pixels."""

    width: float
    height: float
    panels: tuple[Panel, ...]
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def lay_out(picture: Picture) -> Layout:
    """Places all nodes, lines and labels; the same picture always comes out the same."""
    sheet = lay_out_sheet(picture)
    ports = spread(sheet.ways, sheet.faces)
    tracks = assign_tracks(sheet.ways, ports)
    tags = [tag_of(way) for way in sheet.ways]
    plan = make_plan(sheet, tracks, tags, picture.arrangement)
    boxes = tuple(_box(sheet, plan, node) for node in range(len(sheet.cells)))
    rects = [box.rect for box in boxes]
    pen = _Pen(plan, ports, tracks, rects)
    lines = [pen.trace(number, way) for number, way in enumerate(sheet.ways)]
    panels = _panels(sheet, plan, picture)
    wishes = [
        None
        if tag is None
        else _wish(way, tag, line, plan, panels[sheet.owners[way.arc.source]].rect)
        for way, tag, line in zip(sheet.ways, tags, lines, strict=True)
    ]
    labels = place_labels(wishes, lines, rects)
    routes = tuple(
        Route(boxes[way.arc.source], boxes[way.arc.target], way.arc.kind, line, label)
        for way, line, label in zip(sheet.ways, lines, labels, strict=True)
    )
    return Layout(
        width=max((p.rect.x + p.rect.width for p in panels), default=0) + MARGIN,
        height=max((p.rect.y + p.rect.height for p in panels), default=0) + MARGIN,
        panels=panels,
        boxes=boxes,
        routes=routes,
    )


def _box(sheet: Sheet, plan: Plan, node: int) -> Box:
    face, cell = sheet.faces[node], sheet.cells[node]
    x, y = plan.across.middle(cell.column), plan.along.middle(cell.row)
    rect = Rect(x - face.width / 2, y - face.height / 2, face.width, face.height)
    return Box(sheet.owners[node], face, node in sheet.aside, rect)


def _wish(way: Way, tag: Tag, line: Sequence[Dot], plan: Plan, frame: Rect) -> Wish:
    home = plan.home(way, tag, line[-1] if tag.is_at_entry else line[0])
    return Wish(tag, home, None if tag.is_free else frame)


def _panels(sheet: Sheet, plan: Plan, picture: Picture) -> tuple[Panel, ...]:
    is_below = picture.arrangement is Arrangement.BELOW
    columns, rows = (0, sheet.size.column - 1), (0, sheet.size.row - 1)
    return tuple(
        Panel(
            area.title,
            plan.frame(columns if is_below else area.columns, area.rows if is_below else rows),
        )
        for area in sheet.areas
    )


@dataclass(frozen=True, slots=True)
class _Pen:
    plan: Plan
    ports: Ports
    tracks: Tracks
    rects: Sequence[Rect]

    def trace(self, number: int, way: Way) -> tuple[Dot, ...]:
        """Turns the corners of a way into points of the picture."""
        start = self._end(way.arc.source, way.exit, way.exit_key)
        end = self._end(way.arc.target, way.entry, way.entry_key)
        if way.is_straight:
            return start, end
        # What a part keeps while it runs: an upright one its x, a level one its y.
        kept = [start[0 if way.exit.is_upright else 1]]
        for part in range(1, len(way.corners) - 2):
            axis, gap = self._axis(way, part)
            kept.append(axis.track(gap, self.tracks.of[number, part]))
        kept.append(end[0 if way.entry.is_upright else 1])
        dots = [start]
        upright = way.exit.is_upright
        for before, after in pairwise(kept):
            dots.append((before, after) if upright else (after, before))
            upright = not upright
        return *dots, end

    def _axis(self, way: Way, part: int) -> tuple[Axis, int]:
        (x, y), (to_x, _) = way.corners[part : part + 2]
        return (self.plan.across, x // 2) if x == to_x else (self.plan.along, y // 2)

    def _end(self, node: int, side: Side, key: str) -> Dot:
        rect, shift = self.rects[node], self.ports[node, side, key]
        x, y = rect.middle
        match side:
            case Side.TOP:
                return x + shift, rect.y
            case Side.BOTTOM:
                return x + shift, rect.y + rect.height
            case Side.LEFT:
                return rect.x, y + shift
            case Side.RIGHT:
                return rect.x + rect.width, y + shift
            case unknown:
                assert_never(unknown)
