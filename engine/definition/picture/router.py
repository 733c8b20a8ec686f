"""Which way each line takes between the nodes: through the gaps of the grid, never through a node.

Points are counted in half cells: odd numbers are the middles of columns and rows, even numbers
the gaps between them, so that (3, 5) is the middle of the cell in column 1, row 2.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import TypeAlias

from engine.definition.picture.drawing import LineKind
from engine.definition.picture.grid import Cell
from engine.definition.picture.order import Arc

Point: TypeAlias = tuple[int, int]


class Side(StrEnum):
    """The side of a node at which a line leaves or arrives."""

    TOP = "top"
    RIGHT = "right"
    BOTTOM = "bottom"
    LEFT = "left"

    @property
    def is_upright(self) -> bool:
        """Whether a line at this side runs up or down."""
        return self in (Side.TOP, Side.BOTTOM)


STEP = {Side.TOP: (0, -1), Side.RIGHT: (1, 0), Side.BOTTOM: (0, 1), Side.LEFT: (-1, 0)}

UPRIGHT = frozenset({Side.TOP, Side.BOTTOM})

# What a line pays: for half a column, half a row, a bend, company on its way, a crossing,
# and for a stretch in the middle of a column or row that another line uses.
ACROSS, ALONG, BEND, COMPANY, CROSSING, CLASH = 2.2, 1.0, 1.5, 0.3, 1.2, 25.0
MOST = 4  # company or crossings beyond this cost no more: it is crowded anyway
NEAR = 7  # how many half rows around its ends a long way is searched in detail
OUTSIDE = 2  # how many half rows a way may leave the rows of its ends

_T, _R, _B, _L = Side.TOP, Side.RIGHT, Side.BOTTOM, Side.LEFT
_OPPOSITE = {_T: _B, _B: _T, _L: _R, _R: _L}
_FORWARD = {_B: 0.0, _R: 3.0, _L: 3.5, _T: 8.0}
_FAILURE = {_R: 0.0, _B: 3.0, _L: 4.0, _T: 5.0}
_SIDEWAYS = {_R: 0.0, _L: 0.0, _B: 2.0, _T: 2.0}
_BACK = {_L: 0.0, _R: 0.5, _T: 0.0, _B: 5.0}
_SELF_EXIT, _SELF_ENTRY = {_R: 0.0, _L: 1.0}, {_T: 0.0}
_ARRIVE = {_T: 0.0, _L: 1.0, _R: 1.5, _B: 7.0}
_RETURN = {_L: 0.0, _R: 0.5, _T: 0.5, _B: 6.0}


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one arc: the corners it turns at, from the source's cell to the target's."""

    arc: Arc
    is_back: bool
    exit: Side
    entry: Side
    corners: tuple[Point, ...]

    @property
    def is_straight(self) -> bool:
        """Whether it is one stretch from node to node."""
        return len(self.corners) == 2

    @property
    def exit_key(self) -> str:
        """Ways with the same key leave a side of a node at one point."""
        return f"out {_trunk(self.arc, is_back=self.is_back)}"

    @property
    def entry_key(self) -> str:
        """Ways with the same key arrive at a side of a node at one point."""
        return f"in {_trunk(self.arc, is_back=self.is_back)}"


_Key: TypeAlias = tuple[str, int, str]


def _shared(arc: Arc, *, is_back: bool) -> _Key | None:
    """Names the ways that may run as one: out of a choice, or into the target of a failure."""
    if is_back or arc.kind is LineKind.MESSAGE:
        return None
    trunk = _trunk(arc, is_back=False)
    return ("out", arc.source, trunk) if arc.is_ordinary else ("in", arc.target, trunk)


def _trunk(arc: Arc, *, is_back: bool) -> str:
    kind = "on" if arc.is_ordinary else str(arc.kind)
    return f"{kind} back" if is_back else kind


@dataclass(slots=True)
class Router:
    """Finds a way for one arc after the other, each avoiding those before it."""

    size: Cell
    cells: Sequence[Cell]
    used: dict[tuple[int, int, bool], int] = field(default_factory=lambda: defaultdict(int))
    claimed: dict[Point, set[_Key]] = field(default_factory=lambda: defaultdict(set))
    straight: dict[tuple[int, Side], str] = field(default_factory=dict)
    trunks: set[tuple[int, int, bool, _Key | None]] = field(default_factory=set)
    occupied: frozenset[Cell] = frozenset()

    def __post_init__(self) -> None:
        self.occupied = frozenset(self.cells)

    def route(self, arc: Arc, span: tuple[int, int], *, is_back: bool) -> Way:
        """Finds the cheapest way within the columns `span`, and remembers that it is used."""
        way = _Search(self, arc, span, is_back=is_back).run()
        self._remember(way)
        return way

    def middle(self, node: int) -> Point:
        """Tells the point in the middle of a node."""
        return 2 * self.cells[node].column + 1, 2 * self.cells[node].row + 1

    def is_free(self, point: Point) -> bool:
        """Whether a line may pass: it is a gap, or a cell without a node."""
        x, y = point
        return not (x % 2 and y % 2 and Cell(x // 2, y // 2) in self.occupied)

    def _remember(self, way: Way) -> None:
        if way.is_straight:
            self.straight[way.arc.source, way.exit] = way.exit_key
            self.straight[way.arc.target, way.entry] = way.entry_key
        last = len(way.corners) - 2
        trunk = _trunk(way.arc, is_back=way.is_back)
        shared = _shared(way.arc, is_back=way.is_back)
        for index, (start, end) in enumerate(zip(way.corners, way.corners[1:], strict=False)):
            upright = start[0] == end[0]
            for point in walk(start, end):
                if index == 0:
                    self.claimed[point].add(("out", way.arc.source, trunk))
                if index == last:
                    self.claimed[point].add(("in", way.arc.target, trunk))
                if shared is None or (*point, upright, shared) not in self.trunks:
                    self.used[*point, upright] += 1
                if shared is not None:
                    self.trunks.add((*point, upright, shared))


def walk(start: Point, end: Point) -> Iterator[Point]:
    """Yields the points of a straight stretch, both ends included."""
    (x, y), (to_x, to_y) = start, end
    step_x, step_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
    yield x, y
    while (x, y) != (to_x, to_y):
        x, y = x + step_x, y + step_y
        yield x, y


# A state of the search: a point in a gap, and whether the way came there upright.
_State: TypeAlias = tuple[int, int, bool]


class _Search:
    """The search for one way: the cheapest of all that keep to the gaps (A*)."""

    def __init__(self, router: Router, arc: Arc, span: tuple[int, int], *, is_back: bool) -> None:
        self.router, self.arc, self.is_back = router, arc, is_back
        self.source, self.target = router.middle(arc.source), router.middle(arc.target)
        self.shared = _shared(arc, is_back=is_back)
        self.trunk = _trunk(arc, is_back=is_back)
        rows = sorted((self.source[1], self.target[1]))
        self.top, self.bottom = (
            max(0, rows[0] - OUTSIDE),
            min(rows[1] + OUTSIDE, 2 * router.size.row),
        )
        self.left, self.right = 2 * span[0], 2 * span[1] + 2
        # Between the rows around its two ends a long way is one leap.
        self.leap = (rows[0] + NEAR, rows[1] - NEAR)
        self.queue: list[tuple[float, int, float, _State | None]] = []
        self.came: dict[_State | None, tuple[_State | Side, Side | None]] = {}
        self.best: dict[_State | None, float] = {}
        self.goals: dict[_State, tuple[float, Side]] = {}

    def run(self) -> Way:
        """Finds the way; there always is one, as the gaps surround each node."""
        self._prepare_goals()
        self._leave()
        while True:
            _, _, cost, state = heappop(self.queue)
            if state is None:
                break
            if cost > self.best[state]:
                continue
            if state in self.goals:
                price, side = self.goals[state]
                self._offer(None, cost + price, state, side)
            self._go_on(state, cost)
        return self._trace()

    def _prepare_goals(self) -> None:
        """Notes the states from which one bend leads straight into the target."""
        for side, price in self._entries().items():
            upright = side in UPRIGHT
            cost = BEND + price
            for x, y in self._run(self.target, side):
                cost += self._price((x, y), upright) + self._clash((x, y), "in", self.arc.target)
                if (y if upright else x) % 2 == 0:
                    self.goals[x, y, not upright] = (cost, side)

    def _leave(self) -> None:
        """Opens the search with every stretch that runs straight out of the source."""
        for side, price in self._exits().items():
            cost, upright = price, side in UPRIGHT
            for x, y in self._run(self.source, side):
                if (x, y) == self.target:
                    if self._may_run_straight(side):
                        self._offer(None, cost + self._entries()[_OPPOSITE[side]], side, None)
                    break
                cost += self._price((x, y), upright) + self._clash((x, y), "out", self.arc.source)
                if (y if upright else x) % 2 == 0 and not self.leap[0] < y < self.leap[1]:
                    self._offer((x, y, upright), cost, side, None)

    def _may_run_straight(self, side: Side) -> bool:
        # A loop is seen best when it goes around.
        if self.is_back and side in UPRIGHT:
            return False
        # The middle of a side, where straight ways are, is for one kind of them.
        straight = self.router.straight
        leaves, arrives = f"out {self.trunk}", f"in {self.trunk}"
        return (
            straight.get((self.arc.source, side), leaves) == leaves
            and straight.get((self.arc.target, _OPPOSITE[side]), arrives) == arrives
        )

    def _run(self, start: Point, side: Side) -> Iterator[Point]:
        step_x, step_y = STEP[side]
        x, y = start[0] + step_x, start[1] + step_y
        while (
            self.left <= x <= self.right
            and self.top <= y <= self.bottom
            and ((x, y) == self.target or self.router.is_free((x, y)))
        ):
            yield x, y
            x, y = x + step_x, y + step_y

    def _go_on(self, state: _State, cost: float) -> None:
        x, y, upright = state
        # In a stretch out of the source the search stands in the middle of a column or row:
        # from there it may only turn into the gap.
        may_go_straight = (x if upright else y) % 2 == 0
        may_turn = not may_go_straight or (x % 2 == 0 and y % 2 == 0)
        level, along = (may_turn, may_go_straight) if upright else (may_go_straight, may_turn)
        origin = self.came[state][0]
        # A way that went back over itself would cut across its own start.
        behind = None if isinstance(origin, Side) else origin[:2]
        if level:
            bend = cost + BEND * upright
            for to_x in (x - 1, x + 1):
                if self.left <= to_x <= self.right and (to_x, y) != behind:
                    price = bend + self._price((to_x, y), upright=False)
                    self._offer((to_x, y, False), price, state, None)
        if along:
            bend = cost + BEND * (not upright)
            for to_y in (self._leap(y, -1), self._leap(y, 1)):
                if self.top <= to_y <= self.bottom and (x, to_y) != behind:
                    leapt = ALONG * (abs(to_y - y) - 1)
                    price = bend + leapt + self._price((x, to_y), upright=True)
                    self._offer((x, to_y, True), price, state, None)

    def _leap(self, y: int, step: int) -> int:
        low, high = self.leap
        if low < y + step < high:
            return high if step > 0 else low
        return y + step

    def _offer(
        self, state: _State | None, cost: float, origin: _State | Side, entry: Side | None
    ) -> None:
        if cost >= self.best.get(state, float("inf")):
            return
        self.best[state] = cost
        self.came[state] = (origin, entry)
        rest = 0.0
        if state is not None:
            rest = ACROSS * abs(state[0] - self.target[0]) + ALONG * abs(state[1] - self.target[1])
        heappush(self.queue, (cost + rest, len(self.queue), cost, state))

    def _price(self, point: Point, upright: bool) -> float:  # noqa: FBT001 - a direction, not a mode
        used = self.router.used
        price = ALONG if upright else ACROSS
        crossing = used.get((*point, not upright), 0)
        if crossing:
            price += CROSSING * min(crossing, MOST)
        company = used.get((*point, upright), 0)
        if company and (*point, upright, self.shared) not in self.router.trunks:
            price += COMPANY * min(company, MOST)
        return price

    def _clash(self, point: Point, end: str, node: int) -> float:
        claimed = self.router.claimed.get(point)
        if not claimed or (end, node, self.trunk) in claimed:
            return 0
        # In a gap the points of departure keep lines apart; through an empty cell nothing does.
        return CLASH if point[0] % 2 and point[1] % 2 else CROSSING

    def _exits(self) -> Mapping[Side, float]:
        if self.source == self.target:
            return _SELF_EXIT
        if self.arc.kind is LineKind.MESSAGE:
            return _SIDEWAYS
        if not self.arc.is_ordinary:
            return _FAILURE
        return _BACK if self.is_back else _FORWARD

    def _entries(self) -> Mapping[Side, float]:
        if self.source == self.target:
            return _SELF_ENTRY
        if self.arc.kind is LineKind.MESSAGE:
            return _SIDEWAYS
        return _RETURN if self.is_back else _ARRIVE

    def _trace(self) -> Way:
        origin, entry = self.came[None]
        points: list[Point] = [self.target]
        while not isinstance(origin, Side):
            points.append(origin[:2])
            origin = self.came[origin][0]
        points.append(self.source)
        return Way(
            self.arc,
            self.is_back,
            exit=origin,
            entry=_OPPOSITE[origin] if entry is None else entry,
            corners=_corners(points[::-1]),
        )


def _corners(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = [points[0]]
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        if (before[0] == point[0]) != (point[0] == after[0]):
            kept.append(point)
    return (*kept, points[-1])
