"""How wide the columns, the rows and the gaps between them are, in pixels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from engine.definition.picture.box import Rect
from engine.definition.picture.drawing import Arrangement
from engine.definition.picture.label import ARROW, LABEL_HEIGHT, Tag
from engine.definition.picture.router import Side, Way
from engine.definition.picture.sheet import Sheet
from engine.definition.picture.track import Tracks

MARGIN = 12.0
TITLE = 38.0
GUTTER = 18.0
PAD = 20.0  # between the frame of a drawing and its nodes
TRACK = 11.0  # between parallel lines
EDGE = 11.0  # between a node and the line beside it
ACROSS, ALONG = 34.0, 30.0  # at least, between columns and between rows


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the grid: where each gap and each column (or row) begins."""

    gaps: Sequence[float]
    gap_sizes: Sequence[float]
    cells: Sequence[float]
    cell_sizes: Sequence[float]
    tracks: Sequence[float]

    def middle(self, cell: int) -> float:
        """Tells the middle of a column or row."""
        return self.cells[cell] + self.cell_sizes[cell] / 2

    def track(self, gap: int, number: int) -> float:
        """Tells where a track of a gap runs."""
        return self.tracks[gap] + number * TRACK

    def end(self, gap: int) -> float:
        """Tells where a gap ends."""
        return self.gaps[gap] + self.gap_sizes[gap]


@dataclass(frozen=True, slots=True)
class Plan:
    """Both directions of the grid."""

    across: Axis
    along: Axis

    def frame(self, columns: tuple[int, int], rows: tuple[int, int]) -> Rect:
        """Tells the frame around a part of the grid, with room for a title above it."""
        left, right = self.across.gaps[columns[0]], self.across.end(columns[1] + 1)
        top, bottom = self.along.gaps[rows[0]] - TITLE, self.along.end(rows[1] + 1)
        return Rect(left, top, right - left, bottom - top)

    def home(self, way: Way, tag: Tag, end: tuple[float, float]) -> tuple[float, float]:
        """Tells the middle of a label beside the column or row of the node it is about."""
        node = way.corners[-1] if tag.is_at_entry else way.corners[0]
        column, row = node[0] // 2, node[1] // 2
        arrow = ARROW if tag.is_at_entry else ARROW / 2
        reach = arrow + (LABEL_HEIGHT if tag.side.is_upright else tag.width) / 2
        match tag.side:
            case Side.TOP:
                return end[0], self.along.cells[row] - reach
            case Side.BOTTOM:
                return end[0], self.along.gaps[row + 1] + reach
            case Side.LEFT:
                return self.across.cells[column] - reach, end[1]
            case Side.RIGHT:
                return self.across.gaps[column + 1] + reach, end[1]
            case unknown:
                assert_never(unknown)


def make_plan(
    sheet: Sheet, tracks: Tracks, tags: Sequence[Tag | None], arrangement: Arrangement
) -> Plan:
    """Makes every column as wide as its widest node, and every gap as wide as its lines need."""
    rooms = _label_rooms(sheet.ways, tags)
    is_below = arrangement is Arrangement.BELOW
    widths = [GUTTER] * sheet.size.column
    heights = [GUTTER + TITLE if is_below else 0.0] * sheet.size.row
    for area in sheet.areas:
        for column in range(area.columns[0], area.columns[1] + 1):
            widths[column] = 0
        for row in range(area.rows[0], area.rows[1] + 1):
            heights[row] = 0
    for face, cell in zip(sheet.faces, sheet.cells, strict=True):
        widths[cell.column] = max(widths[cell.column], face.width)
        heights[cell.row] = max(heights[cell.row], face.height)
    borders = {gap for a in sheet.areas for gap in (a.columns[0], a.columns[1] + 1)}
    frames = {gap for a in sheet.areas for gap in (a.rows[0], a.rows[1] + 1)}
    if not is_below:
        frames = {0, sheet.size.row}
    return Plan(
        _measure_axis(widths, _Gaps(upright=True, least=ACROSS, borders=borders), rooms, tracks),
        _measure_axis(heights, _Gaps(upright=False, least=ALONG, borders=frames), rooms, tracks),
    )


# (upright, number of the gap, whether at its far end) to the room that labels need there.
_Rooms: TypeAlias = Mapping[tuple[bool, int, bool], float]


def _label_rooms(ways: Sequence[Way], tags: Sequence[Tag | None]) -> _Rooms:
    rooms: dict[tuple[bool, int, bool], float] = defaultdict(float)
    for way, tag in zip(ways, tags, strict=True):
        if tag is None or tag.is_free:
            continue
        x, y = way.corners[-1] if tag.is_at_entry else way.corners[0]
        upright = not tag.side.is_upright
        is_far = tag.side in (Side.LEFT, Side.TOP)
        cell = (x if upright else y) // 2
        place = (upright, cell if is_far else cell + 1, is_far)
        rooms[place] = max(rooms[place], ARROW + (tag.width if upright else LABEL_HEIGHT))
    return rooms


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gaps:
    upright: bool
    least: float
    borders: set[int]


def _measure_axis(sizes: Sequence[float], gaps: _Gaps, rooms: _Rooms, tracks: Tracks) -> Axis:
    position = MARGIN if gaps.upright else MARGIN + TITLE
    starts, gap_sizes, cells, first_tracks = [], [], [], []
    for gap in range(len(sizes) + 1):
        low, high = (rooms.get((gaps.upright, gap, far), 0.0) for far in (False, True))
        count = tracks.count.get((gaps.upright, gap), 0)
        band = 2 * EDGE + (count - 1) * TRACK if count else EDGE
        least = PAD if gap in gaps.borders else gaps.least
        size = max(least, low + band + high)
        starts.append(position)
        gap_sizes.append(size)
        spare = size - low - high - band
        first_tracks.append(position + low + spare / 2 + EDGE)
        position += size
        if gap < len(sizes):
            cells.append(position)
            position += sizes[gap]
    return Axis(starts, gap_sizes, cells, sizes, first_tracks)
