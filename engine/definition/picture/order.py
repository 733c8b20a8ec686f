"""The reading order of one drawing: its spine, what stands aside, which lines lead back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.definition.picture.drawing import Drawing, LineKind, Shape

# The order in which the lines of one node are followed.
RANK = {
    LineKind.NEXT: 0,
    LineKind.CASE: 1,
    LineKind.ELSE: 2,
    LineKind.LIMIT: 3,
    LineKind.TIMEOUT: 4,
    LineKind.ERROR: 5,
    LineKind.MESSAGE: 6,
}
ORDINARY = frozenset({LineKind.NEXT, LineKind.CASE, LineKind.ELSE})


@dataclass(frozen=True, slots=True)
class Arc:
    """All lines of one look between two nodes, drawn as one."""

    source: int
    target: int
    kind: LineKind
    labels: tuple[str, ...] = ()

    @property
    def is_ordinary(self) -> bool:
        """Whether a task takes it when all goes well."""
        return self.kind in ORDINARY


@dataclass(frozen=True, slots=True)
class Order:
    """How the nodes of a drawing (by number) follow each other.

    `ways[n]` are the arcs out of node n, the most important first. `sequence` is the order in
    which the nodes are read. Without the arcs in `back` there is no loop.
    """

    shapes: Sequence[Shape]
    arcs: tuple[Arc, ...]
    ways: tuple[tuple[int, ...], ...]
    spine: tuple[int, ...]
    aside: frozenset[int]
    back: frozenset[int]
    sequence: tuple[int, ...]

    def is_retry(self, node: int) -> bool:
        """Whether a task can only go back from this node, as from a delay before a retry."""
        return bool(self.ways[node]) and self.back.issuperset(self.ways[node])


def find_order(drawing: Drawing) -> Order:
    """Finds the way that a task takes when all goes well, and sorts the rest around it."""
    shapes = drawing.shapes
    arcs = _join_lines(drawing)
    hopeful = _find_hopeful(shapes, arcs)
    ordinary = _find_ordinary(shapes, arcs)
    ways = _sort_ways(shapes, arcs, hopeful & ordinary)
    roots = _sort_roots(shapes, arcs)
    spine = _follow(roots[0], shapes, arcs, ways) if roots else ()
    aside = frozenset(
        node
        for node in range(len(shapes))
        if node not in spine and not (node in ordinary and node in hopeful)
    )
    back, sequence = _walk(roots, arcs, ways)
    return Order(shapes, arcs, ways, spine, aside, back, sequence)


def _join_lines(drawing: Drawing) -> tuple[Arc, ...]:
    number = {shape.id: index for index, shape in enumerate(drawing.shapes)}
    labels: dict[tuple[int, int, LineKind], list[str]] = {}
    kinds: dict[tuple[int, int, bool, LineKind | None], LineKind] = {}
    for line in drawing.lines:
        source, target = number[line.source], number[line.target]
        # Two cases, or a case and the rest, that lead to one node are one line with two labels.
        look = None if line.kind in ORDINARY else line.kind
        kind = kinds.setdefault((source, target, look is None, look), line.kind)
        words = labels.setdefault((source, target, kind), [])
        if line.label and line.label not in words:
            words.append(line.label)
    return tuple(Arc(*key, tuple(words)) for key, words in labels.items())


def _reach(start: Iterable[int], count: int, pairs: Iterable[tuple[int, int]]) -> frozenset[int]:
    onward: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        onward[source].append(target)
    found = set(start)
    stack = list(found)
    while stack:
        for target in onward[stack.pop()]:
            if target not in found:
                found.add(target)
                stack.append(target)
    return frozenset(found)


def _find_hopeful(shapes: Sequence[Shape], arcs: Sequence[Arc]) -> frozenset[int]:
    """Finds the nodes from which a task can still succeed; all, if nothing says what success is."""
    goals = [
        node
        for node, shape in enumerate(shapes)
        if shape.result == "success" and not shape.is_escalation
    ]
    if not goals:
        return frozenset(range(len(shapes)))
    return _reach(goals, len(shapes), ((arc.target, arc.source) for arc in arcs if arc.is_ordinary))


def _find_ordinary(shapes: Sequence[Shape], arcs: Sequence[Arc]) -> frozenset[int]:
    """Finds the nodes that a task can come to without failing."""
    roots = [node for node in _sort_roots(shapes, arcs) if not shapes[node].is_escalation]
    return _reach(
        roots,
        len(shapes),
        (
            (arc.source, arc.target)
            for arc in arcs
            if arc.kind is not LineKind.ERROR and not shapes[arc.target].is_escalation
        ),
    )


def _sort_ways(
    shapes: Sequence[Shape], arcs: Sequence[Arc], good: frozenset[int]
) -> tuple[tuple[int, ...], ...]:
    ways: list[list[int]] = [[] for _ in shapes]
    for index, arc in enumerate(arcs):
        ways[arc.source].append(index)
    for way in ways:
        way.sort(
            key=lambda i: (
                not arcs[i].is_ordinary,
                shapes[arcs[i].target].is_escalation,
                arcs[i].target not in good,
                RANK[arcs[i].kind],
                i,
            )
        )
    return tuple(map(tuple, ways))


def _sort_roots(shapes: Sequence[Shape], arcs: Sequence[Arc]) -> list[int]:
    """Lists the start, and after it whatever else no line leads to; never nothing."""
    entered = {arc.target for arc in arcs if arc.target != arc.source}
    free = [node for node in range(len(shapes)) if node not in entered]
    starts = [node for node, shape in enumerate(shapes) if shape.type == "start"]
    roots = [*starts, *(node for node in free if node not in starts)]
    return roots or list(range(min(1, len(shapes))))


def _follow(
    root: int, shapes: Sequence[Shape], arcs: Sequence[Arc], ways: Sequence[Sequence[int]]
) -> tuple[int, ...]:
    spine = [root]
    seen = {root}
    while True:
        onward = [
            arcs[way].target
            for way in ways[spine[-1]]
            if arcs[way].is_ordinary
            and arcs[way].target not in seen
            and not shapes[arcs[way].target].is_escalation
        ]
        if not onward:
            return tuple(spine)
        spine.append(onward[0])
        seen.add(onward[0])


def _walk(
    roots: Sequence[int], arcs: Sequence[Arc], ways: Sequence[Sequence[int]]
) -> tuple[frozenset[int], tuple[int, ...]]:
    """Walks depth first and tells the arcs that close a loop, and the order of first sight."""
    back: set[int] = set()
    sequence: list[int] = []
    seen: set[int] = set()
    active: set[int] = set()
    for root in [*roots, *range(len(ways))]:
        if root in seen:
            continue
        seen.add(root)
        active.add(root)
        sequence.append(root)
        path = [(root, iter(ways[root]))]
        while path:
            node, onward = path[-1]
            way = next(onward, None)
            if way is None:
                active.discard(node)
                path.pop()
            elif (target := arcs[way].target) in active:
                back.add(way)
            elif target not in seen:
                seen.add(target)
                active.add(target)
                sequence.append(target)
                path.append((target, iter(ways[target])))
    return frozenset(back), tuple(sequence)
