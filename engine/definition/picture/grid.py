"""Where the nodes of one drawing stand: a cell of a grid for each.

The spine runs straight down in the first column, other ordinary ways in the columns beside it,
and the error paths in a rail of their own to the right of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import product
from typing import NamedTuple

from engine.definition.picture.drawing import LineKind, Shape
from engine.definition.picture.order import Arc, Order

# How far a node may go to find a free cell before it takes the next row that is free.
SEARCH_COLUMNS = 6
SEARCH_ROWS = 8
# A chain would rather go down than leave its column; a branch rather opens a new column.
CHAIN_SHIFT = 2.5
BRANCH_SHIFT, RAIL_SHIFT = 0.45, 1.2
# Positions closer than this (in the author's units) are meant to be one column or one row.
SAME_COLUMN = 100
SAME_ROW = 40


class Cell(NamedTuple):
    """A place in the grid, counted from 0."""

    column: int
    row: int


def place(order: Order) -> tuple[Cell, ...]:
    """Gives each node a cell of its own, in the order of the drawing's shapes."""
    if order.shapes and all(shape.position is not None for shape in order.shapes):
        return _place_as_told(order.shapes)
    return _Placer(order).place()


def _place_as_told(shapes: Sequence[Shape]) -> tuple[Cell, ...]:
    """Keeps the author's arrangement: what stood left, above or in line still does."""
    spots = [shape.position or (0, 0) for shape in shapes]
    columns = _rank([x for x, _ in spots], SAME_COLUMN)
    rows = _rank([y for _, y in spots], SAME_ROW)
    cells: list[Cell] = []
    taken: set[Cell] = set()
    for index in range(len(shapes)):
        cell = Cell(columns[index], rows[index])
        while cell in taken:
            cell = Cell(cell.column, cell.row + 1)
        taken.add(cell)
        cells.append(cell)
    return tuple(cells)


def _rank(values: Sequence[float], tolerance: float) -> list[int]:
    ranks: dict[float, int] = {}
    first = None
    for value in sorted(set(values)):
        if first is None or value - first > tolerance:
            first = value
            ranks[value] = max(ranks.values(), default=-1) + 1
        else:
            ranks[value] = max(ranks.values())
    return [ranks[value] for value in values]


@dataclass(slots=True)
class _Placer:
    order: Order
    rows: dict[int, int] = field(default_factory=dict)
    columns: dict[int, int] = field(default_factory=dict)
    taken: set[tuple[bool, int, int]] = field(default_factory=set)
    entering: list[list[Arc]] = field(default_factory=list)
    bottom: int = -1

    def place(self) -> tuple[Cell, ...]:
        count = len(self.order.shapes)
        self.entering = [[] for _ in range(count)]
        for index, arc in enumerate(self.order.arcs):
            if index not in self.order.back and arc.source != arc.target:
                self.entering[arc.target].append(arc)
        for node in self._in_turn():
            self._put(node)
        aside = self.order.aside
        shift = 1 + max((self.columns[n] for n in range(count) if n not in aside), default=-1)
        return tuple(
            Cell(self.columns[node] + (shift if node in aside else 0), self.rows[node])
            for node in range(count)
        )

    def _in_turn(self) -> list[int]:
        """Orders the nodes so that each comes after all that lead to it, its branches first."""
        waiting = [len(arcs) for arcs in self.entering]
        ready = [node for node in reversed(self.order.sequence) if not waiting[node]]
        turn = []
        while ready:
            node = ready.pop()
            turn.append(node)
            # Taken from the end: the branches in their order, then what goes straight on.
            for way in (*self.order.ways[node][:1], *reversed(self.order.ways[node][1:])):
                arc = self.order.arcs[way]
                if way in self.order.back or arc.source == arc.target:
                    continue
                waiting[arc.target] -= 1
                if not waiting[arc.target]:
                    ready.append(arc.target)
        return turn

    def _put(self, node: int) -> None:
        arcs = self.entering[node]
        is_aside = node in self.order.aside
        above = max((self._row_below(arc) for arc in arcs), default=self.bottom + 1)
        chain = next((arc.source for arc in arcs if self._is_chain(arc)), None)
        if chain is None and self._has_no_room(node, arcs):
            chain, above = arcs[0].source, above + 1
        if node in self.order.spine:
            cell = self._go_down(node, 0, above)
        elif chain is not None:
            cell = self._search(node, Cell(self.columns[chain], above), CHAIN_SHIFT)
        elif arcs:
            shift = RAIL_SHIFT if is_aside else BRANCH_SHIFT
            cell = self._search(node, Cell(self._branch_column(arcs, node), above), shift)
        else:
            cell = self._go_down(node, 0, above)
        self.columns[node], self.rows[node] = cell
        self.taken.add((is_aside, *cell))
        self.bottom = max(self.bottom, cell.row)

    def _has_no_room(self, node: int, arcs: Sequence[Arc]) -> bool:
        """Whether the end right after a node can't stand beside it."""
        if node not in self.order.aside or not any(map(self._is_short_exit, arcs)):
            return False
        source = arcs[0].source
        return (True, self.columns[source] + 1, self.rows[source]) in self.taken

    def _branch_column(self, arcs: Sequence[Arc], node: int) -> int:
        near = max(arcs, key=lambda arc: self.rows[arc.source]).source
        if (near in self.order.aside) != (node in self.order.aside):
            return 0
        return self.columns[near] + 1

    def _row_below(self, arc: Arc) -> int:
        return self.rows[arc.source] + (0 if self._is_level(arc) else 1)

    def _is_level(self, arc: Arc) -> bool:
        """Whether the target may stand in the source's row, to the right of it."""
        aside = self.order.aside
        if arc.source in aside:
            return arc.target in aside and (
                self.order.is_retry(arc.target) or self._is_short_exit(arc)
            )
        return arc.target in aside or (
            arc.kind is not LineKind.NEXT and not self._is_chain(arc) and not self._fans(arc)
        )

    def _fans(self, arc: Arc) -> bool:
        """Whether the source has several branches beside the one that goes straight on."""
        ways = self.order.ways[arc.source]
        branches = [w for w in ways if self.order.arcs[w].target not in self.order.aside]
        return len(branches) > 2

    def _is_short_exit(self, arc: Arc) -> bool:
        """Whether this is the end right after a node that hangs on the ordinary way."""
        before = self.entering[arc.source]
        return (
            self.order.shapes[arc.target].type == "end"
            and len(self.entering[arc.target]) == 1
            and len(self.order.ways[arc.source]) == 1
            and bool(before)
            and all(other.source not in self.order.aside for other in before)
        )

    def _is_chain(self, arc: Arc) -> bool:
        """Whether the target goes on in the source's column."""
        aside = self.order.aside
        if (arc.source in aside) != (arc.target in aside) or self.order.is_retry(arc.target):
            return False
        if arc.source in aside and self._is_short_exit(arc):
            return False
        onward = (
            self.order.arcs[way]
            for way in self.order.ways[arc.source]
            if way not in self.order.back
        )
        same_side = (
            other
            for other in onward
            if (other.target in aside) == (arc.source in aside)
            and not self.order.is_retry(other.target)
        )
        return next(same_side, None) is arc

    def _go_down(self, node: int, column: int, row: int) -> Cell:
        """Takes the first free cell that has room beside it for what hangs on the node."""
        is_aside = node in self.order.aside
        room = 0 if is_aside else self._room_beside(node)
        last = row + SEARCH_ROWS
        while (is_aside, column, row) in self.taken or (
            row < last and any((True, beside, row) in self.taken for beside in range(room))
        ):
            row += 1
        return Cell(column, row)

    def _room_beside(self, node: int) -> int:
        """Counts the columns of the rail that what hangs on a node wants in its row."""
        targets = [self.order.arcs[way].target for way in self.order.ways[node]]
        hanging = [t for t in targets if t in self.order.aside and len(self.entering[t]) == 1]
        return max((2 if self.order.ways[target] else 1 for target in hanging), default=0)

    def _search(self, node: int, wish: Cell, shift: float) -> Cell:
        is_aside = node in self.order.aside
        # The first column of the ordinary side belongs to the spine alone.
        first = 0 if is_aside else 1
        column = max(wish.column, first)
        spots = (
            (shift * abs(c - column) + (r - wish.row), r, c)
            for c, r in product(
                range(max(first, column - 1), column + SEARCH_COLUMNS),
                range(wish.row, wish.row + SEARCH_ROWS),
            )
            if (is_aside, c, r) not in self.taken
        )
        for _, row, found in nsmallest(1, spots):
            return Cell(found, row)
        return self._go_down(node, column, wish.row)
