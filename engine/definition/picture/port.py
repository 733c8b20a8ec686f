"""At which point of a node's side each line leaves or arrives."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from engine.definition.picture.box import Face
from engine.definition.picture.router import Side, Way

SPACING = 18.0
CORNER = 10.0

# (node, side, key) to the distance from the middle of the side, in pixels.
Ports: TypeAlias = Mapping[tuple[int, Side, str], float]


def spread(ways: Sequence[Way], faces: Sequence[Face]) -> Ports:
    """Gives straight lines the middle of a side and sorts the others to where they turn."""
    leanings: dict[tuple[int, Side], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    straight: set[tuple[int, Side, str]] = set()
    for way in ways:
        ends = (
            ((way.arc.source, way.exit, way.exit_key), way.corners),
            ((way.arc.target, way.entry, way.entry_key), way.corners[::-1]),
        )
        for (node, side, key), corners in ends:
            leanings[node, side][key].append(_lean(corners, side))
            if way.is_straight:
                straight.add((node, side, key))
    ports: dict[tuple[int, Side, str], float] = {}
    for (node, side), keys in leanings.items():
        face = faces[node]
        room = (face.width if side.is_upright else face.height) / 2 - CORNER
        for key, slot in _slots(node, side, keys, straight).items():
            reach = max(1.0, *(abs(s) for s in _slots(node, side, keys, straight).values()))
            ports[node, side, key] = round(slot * min(SPACING, room / reach), 1)
    return ports


def _lean(corners: Sequence[tuple[int, int]], side: Side) -> float:
    """Tells where a line turns to first: below zero to the left or up, far turns further out."""
    axis = 0 if side.is_upright else 1
    here = corners[0][axis]
    turned = next((corner[axis] for corner in corners if corner[axis] != here), here)
    # Of two lines that turn the same way, the one that turns later stands nearer the middle.
    later = abs(corners[1][1 - axis] - corners[0][1 - axis])
    return (turned - here) / (1 + later)


def _slots(
    node: int,
    side: Side,
    keys: Mapping[str, Sequence[float]],
    straight: set[tuple[int, Side, str]],
) -> dict[str, float]:
    order = sorted(keys, key=lambda key: (sum(keys[key]) / len(keys[key]), key))
    middle = next((key for key in order if (node, side, key) in straight), None)
    if middle is None:
        return {key: index - (len(order) - 1) / 2 for index, key in enumerate(order)}
    before = [key for key in order if key != middle and sum(keys[key]) < 0]
    after = [key for key in order if key != middle and sum(keys[key]) >= 0]
    slots = {middle: 0.0}
    slots |= {key: float(index + 1) for index, key in enumerate(after)}
    slots |= {key: float(index - len(before)) for index, key in enumerate(before)}
    return slots
