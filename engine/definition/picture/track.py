"""Which of the parallel tracks in a gap each stretch of a line takes.

Stretches that belong together share one track; the others are ordered so that they cross little.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.definition.picture.drawing import LineKind
from engine.definition.picture.router import Point, Side, Way

# A gap: (True, 4) is the upright gap before column 4, (False, 4) the level one above row 4.
Gap: TypeAlias = tuple[bool, int]
# Above this many stretches in one gap their order is left as it is found.
MANY = 120
# Stretches that end this near to each other do not share a track.
MARGIN = 0.3
# Turns this near to each other would lie on one another.
NEAR = 0.05


@dataclass(slots=True)
class Stretch:
    """A part of one or several ways in a gap, with the sides to which they leave it.

    `turns` are pairs of a position along the gap and -1 (up or left) or 1 (down or right).
    """

    low: float
    high: float
    turns: list[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Tracks:
    """The track of each stretch (way, its part), and how many tracks each gap has."""

    of: Mapping[tuple[int, int], int]
    count: Mapping[Gap, int]


def assign_tracks(ways: Sequence[Way], ports: Mapping[tuple[int, Side, str], float]) -> Tracks:
    """Gives each middle part of each way its track."""
    gaps: dict[Gap, dict[object, Stretch]] = defaultdict(dict)
    home: dict[tuple[int, int], tuple[Gap, object]] = {}
    for number, way in enumerate(ways):
        for part in range(1, len(way.corners) - 2):
            (start, end), (before, after) = way.corners[part : part + 2], _around(way, part)
            upright = start[0] == end[0]
            gap = (upright, start[0 if upright else 1] // 2)
            key = _share(number, way, part)
            axis, other = (1, 0) if upright else (0, 1)
            turns = [
                (_fine(way, part, start[axis], ports), _sign(before[other] - start[other])),
                (_fine(way, part + 1, end[axis], ports), _sign(after[other] - end[other])),
            ]
            home[number, part] = (gap, key)
            low, high = sorted(position for position, _ in turns)
            stretch = gaps[gap].setdefault(key, Stretch(low, high, []))
            stretch.low, stretch.high = min(stretch.low, low), max(stretch.high, high)
            stretch.turns.extend(turns)
    levels = {gap: _level(stretches) for gap, stretches in gaps.items()}
    return Tracks(
        {part: levels[gap][key] for part, (gap, key) in home.items()},
        {gap: 1 + max(level.values()) for gap, level in levels.items()},
    )


def _around(way: Way, part: int) -> tuple[Point, Point]:
    return way.corners[part - 1], way.corners[part + 2]


def _share(number: int, way: Way, part: int) -> object:
    """Names what a stretch shares its track with: ways that come or go on as it does."""
    if way.is_back:
        return number
    if way.arc.is_ordinary:
        return "out", way.arc.source, way.exit, way.corners[: part + 1]
    if way.arc.kind is LineKind.MESSAGE:
        return number
    return "in", way.arc.target, way.entry, way.entry_key, way.corners[part + 1 :]


def _fine(
    way: Way, corner: int, position: int, ports: Mapping[tuple[int, Side, str], float]
) -> float:
    """Refines a position by the point at which the way leaves or enters a node there."""
    if corner == 1:
        return position + ports[way.arc.source, way.exit, way.exit_key] / 100
    if corner == len(way.corners) - 2:
        return position + ports[way.arc.target, way.entry, way.entry_key] / 100
    return position


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _level(stretches: Mapping[object, Stretch]) -> dict[object, int]:
    order = sorted(stretches, key=lambda key: _first_guess(stretches[key]))
    if len(order) <= MANY:
        _swap_crossings(order, stretches)
    levels: dict[object, int] = {}
    for index, key in enumerate(order):
        levels[key] = max(
            (levels[e] + 1 for e in order[:index] if _meet(stretches[e], stretches[key])),
            default=0,
        )
    return levels


def _first_guess(stretch: Stretch) -> tuple[float, float, float]:
    """Sorts what turns up or left first, and of those the short ones nearest to where they turn."""
    turn = sum(sign for _, sign in stretch.turns)
    length = stretch.high - stretch.low
    return turn, -length if turn > 0 else length, stretch.low


def _swap_crossings(order: list[object], stretches: Mapping[object, Stretch]) -> None:
    # Bounded: three stretches may each prefer to be above the next.
    rounds = len(order)
    while rounds and _swap_neighbours(order, stretches):
        rounds -= 1


def _swap_neighbours(order: list[object], stretches: Mapping[object, Stretch]) -> bool:
    """Swaps neighbours that cross less the other way round, and tells whether there were any."""
    swapped = False
    for index in range(len(order) - 1):
        one, two = stretches[order[index]], stretches[order[index + 1]]
        if _crossings(two, one) < _crossings(one, two):
            order[index], order[index + 1] = order[index + 1], order[index]
            swapped = True
    return swapped


def _crossings(first: Stretch, second: Stretch) -> int:
    """Counts where two stretches cross if the first has the lower track, overlaps tenfold."""
    overlaps = sum(
        turn == 1 and other_turn == -1 and abs(position - other) < NEAR
        for position, turn in first.turns
        for other, other_turn in second.turns
    )
    return 10 * overlaps + sum(_inside(first, second, 1)) + sum(_inside(second, first, -1))


def _inside(one: Stretch, two: Stretch, sign: int) -> Iterator[bool]:
    return (two.low < position < two.high for position, turn in one.turns if turn == sign)


def _meet(one: Stretch, two: Stretch) -> bool:
    return one.low < two.high + MARGIN and two.low < one.high + MARGIN
