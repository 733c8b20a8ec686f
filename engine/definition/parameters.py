"""Which parameters a task can have when it comes into a node."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.definition.process import Definition
from engine.definition.ways import Ways, backwards, groups, reached, ways_of

_ANY = -1
"""All bits: any parameter may have been set."""


class Known(Collection[str]):
    """Names out of all that the process sets, a bit for each: nodes by the thousand share them."""

    __slots__ = ("_bits", "_numbers")

    def __init__(self, bits: int, numbers: Mapping[str, int]) -> None:
        self._bits = bits
        self._numbers = numbers

    def __contains__(self, name: object) -> bool:
        number = self._numbers.get(name) if isinstance(name, str) else None
        return number is not None and bool(self._bits >> number & 1)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._numbers if name in self)

    def __len__(self) -> int:
        return self._bits.bit_count()


def parameters_before(definition: Definition) -> Mapping[str, Known]:
    """Gives, for each node reached, every parameter that some way to it can have set.

    Nodes before which any parameter may have been set are left out. A process that declares no
    parameters takes any, so nothing is known about its tasks.
    """
    if not definition.params:
        return {}
    ways = ways_of(definition)
    starts = [
        node.id
        for node in definition.nodes.values()
        if node.node_type is not None and node.node_type.is_start
    ]
    there = reached(ways, starts)
    numbers: dict[str, int] = {}
    declared = _bits(definition.params, numbers)
    sets = {name: _set_by(definition, name, numbers) for name in there}
    before = _before(ways, there, dict.fromkeys(starts, declared), sets)
    return {name: Known(bits, numbers) for name, bits in before.items() if bits != _ANY}


def _before(
    ways: Ways, there: set[str], starts: Mapping[str, int], sets: Mapping[str, int]
) -> Mapping[str, int]:
    """Joins what every way can have set, circle by circle: in one, each node comes before each."""
    turned = backwards(ways)
    before: dict[str, int] = {}
    for group in groups(ways):
        if not group <= there:
            continue
        above = {name for below in group for name in turned[below] if name in there}
        bits = 0
        for name in group:
            bits |= starts.get(name, 0)
        for name in above:
            bits |= sets[name] if name in group else before[name] | sets[name]
        before.update(dict.fromkeys(group, bits))
    return before


def _bits(names: Iterable[str], numbers: dict[str, int]) -> int:
    bits = 0
    for name in names:
        bits |= 1 << numbers.setdefault(name, len(numbers))
    return bits


def _set_by(definition: Definition, name: str, numbers: dict[str, int]) -> int:
    writes = definition.nodes[name].writes
    return _ANY if writes is None else _bits(writes, numbers)
