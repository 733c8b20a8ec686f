"""All drawings of a picture in one grid, so that the messages between them find their way too."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.definition.picture.box import Face, Outline, face_of
from engine.definition.picture.drawing import Arrangement, LineKind, Picture
from engine.definition.picture.grid import Cell, place
from engine.definition.picture.order import Arc, Order, find_order
from engine.definition.picture.router import Router, Way


@dataclass(frozen=True, slots=True)
class Area:
    """The part of the grid that a drawing takes: first and last column, first and last row."""

    title: str
    columns: tuple[int, int]
    rows: tuple[int, int]


NOTHING = Cell(0, 0)


@dataclass(slots=True)
class Sheet:
    """Every node and every way of a picture, by number, in one grid.

    Between two drawings an empty column (or row) is left: the gutter.
    """

    size: Cell = NOTHING
    areas: list[Area] = field(default_factory=list)
    faces: list[Face] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    aside: set[int] = field(default_factory=set)
    ways: list[Way] = field(default_factory=list)


def lay_out_sheet(picture: Picture) -> Sheet:
    """Places all nodes in the grid and finds all ways between them."""
    sheet = Sheet()
    orders = [find_order(drawing) for drawing in picture.drawings]
    placed = [place(order) for order in orders]
    corners = _arrange(picture, placed)
    arcs: list[tuple[Arc, tuple[int, int], bool]] = []
    for number, (order, cells, corner) in enumerate(zip(orders, placed, corners, strict=True)):
        first = len(sheet.cells)
        _add(sheet, number, order, cells, corner)
        width = max((cell.column for cell in cells), default=0)
        height = max((cell.row for cell in cells), default=0)
        area = Area(
            picture.drawings[number].title,
            (corner.column, corner.column + width),
            (corner.row, corner.row + height),
        )
        sheet.areas.append(area)
        arcs.extend(
            (Arc(arc.source + first, arc.target + first, arc.kind, arc.labels), area.columns, back)
            for arc, back in ((arc, index in order.back) for index, arc in enumerate(order.arcs))
        )
    sheet.size = Cell(
        max((area.columns[1] + 1 for area in sheet.areas), default=0),
        max((area.rows[1] + 1 for area in sheet.areas), default=0),
    )
    arcs.extend((arc, (0, sheet.size.column - 1), False) for arc in _messages(picture))
    sheet.ways = _route(sheet, arcs)
    _align_widths(sheet)
    return sheet


def _align_widths(sheet: Sheet) -> None:
    """Makes the boxes of an ordinary column equally wide: a column reads as one."""
    widest: dict[int, float] = defaultdict(float)
    for node, (face, cell) in enumerate(zip(sheet.faces, sheet.cells, strict=True)):
        if node not in sheet.aside and face.outline is not Outline.PILL:
            widest[cell.column] = max(widest[cell.column], face.width)
    for node, (face, cell) in enumerate(zip(sheet.faces, sheet.cells, strict=True)):
        if node not in sheet.aside and face.outline is not Outline.PILL:
            sheet.faces[node] = replace(face, width=widest[cell.column])


def _add(sheet: Sheet, number: int, order: Order, cells: Sequence[Cell], corner: Cell) -> None:
    first = len(sheet.cells)
    for index, (shape, cell) in enumerate(zip(order.shapes, cells, strict=True)):
        is_aside = index in order.aside
        sheet.faces.append(face_of(shape, is_aside=is_aside))
        sheet.cells.append(Cell(cell.column + corner.column, cell.row + corner.row))
        sheet.owners.append(number)
        if is_aside:
            sheet.aside.add(first + index)


def _arrange(picture: Picture, placed: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Finds the upper left cell of each drawing."""
    corners: list[Cell] = []
    column = row = 0
    for number, cells in enumerate(placed):
        if picture.arrangement is Arrangement.BELOW:
            corners.append(Cell(0, row))
        else:
            corners.append(Cell(column, _align(picture, placed, number)))
        column += max((cell.column for cell in cells), default=0) + 2
        row += max((cell.row for cell in cells), default=0) + 2
    return corners


def _align(picture: Picture, placed: Sequence[Sequence[Cell]], number: int) -> int:
    """Moves a later drawing down until its messages from and to the first one run level."""
    rows = [
        {shape.id: cell.row for shape, cell in zip(drawing.shapes, cells, strict=True)}
        for drawing, cells in zip(picture.drawings, placed, strict=True)
    ]
    gaps = []
    for message in picture.messages:
        for (here, node), (there, other) in (
            (message.source, message.target),
            (message.target, message.source),
        ):
            if here == number and there == 0 and number:
                gaps.append(rows[0][other] - rows[here][node])
    room = max(rows[0].values(), default=0) - max(rows[number].values(), default=0)
    wish = sorted(gaps)[(len(gaps) - 1) // 2] if gaps else 0
    return max(0, min(wish, room))


def _messages(picture: Picture) -> list[Arc]:
    numbers = {
        (number, shape.id): index
        for index, (number, shape) in enumerate(
            (number, shape)
            for number, drawing in enumerate(picture.drawings)
            for shape in drawing.shapes
        )
    }
    labels: dict[tuple[int, int], list[str]] = {}
    for message in picture.messages:
        words = labels.setdefault((numbers[message.source], numbers[message.target]), [])
        if message.label and message.label not in words:
            words.append(message.label)
    return [Arc(*ends, LineKind.MESSAGE, tuple(words)) for ends, words in labels.items()]


def _route(sheet: Sheet, arcs: Sequence[tuple[Arc, tuple[int, int], bool]]) -> list[Way]:
    """Routes what can run straight down first, then the short arcs, and what leads back last."""
    router = Router(sheet.size, sheet.cells)

    def turn(number: int) -> tuple[bool, bool, int, int]:
        arc, _, is_back = arcs[number]
        one, two = sheet.cells[arc.source], sheet.cells[arc.target]
        is_chain = arc.is_ordinary and one.column == two.column
        far = abs(one.row - two.row) + 2 * abs(one.column - two.column)
        return is_back, not is_chain, far, number

    ways: dict[int, Way] = {}
    for number in sorted(range(len(arcs)), key=turn):
        arc, span, is_back = arcs[number]
        ways[number] = router.route(arc, span, is_back=is_back)
    return [ways[number] for number in range(len(arcs))]
