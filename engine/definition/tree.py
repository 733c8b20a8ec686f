"""A YAML document as a tree of values that know where they stand."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from engine.definition.fault import Position

Path = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `text` is what was written; `start` and `end` span it in the source."""

    position: Position
    value: Any
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    position: Position
    items: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: Scalar
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; its keys are text and differ."""

    position: Position
    entries: tuple[Entry, ...]

    def get(self, key: str) -> "Tree | None":
        """Finds a value by its key."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def position_of(self, key: str) -> Position:
        """Gives the position of a key, or of the whole if it is missing."""
        found = (entry.key.position for entry in self.entries if entry.key.text == key)
        return next(found, self.position)


Tree = Scalar | Sequence | Table


def plain(tree: Tree) -> Any:
    """Gives the tree as plain JSON values."""
    match tree:
        case Scalar():
            return tree.value
        case Sequence():
            return [plain(item) for item in tree.items]
        case Table():
            return {entry.key.text: plain(entry.value) for entry in tree.entries}


def locate(tree: Tree, path: Path) -> Position:
    """Finds where the value at a path begins; for a last key, the key itself."""
    position = tree.position
    for step in path:
        match tree:
            case Table() if (below := tree.get(str(step))) is not None:
                position = tree.position_of(str(step))
                tree = below
            case Sequence() if isinstance(step, int) and step < len(tree.items):
                tree = tree.items[step]
                position = tree.position
            case _:
                break
    return position


def texts(tree: Tree) -> Iterator[Scalar]:
    """Yields every text of a tree in reading order, keys included."""
    match tree:
        case Scalar(value=str()):
            yield tree
        case Sequence():
            for item in tree.items:
                yield from texts(item)
        case Table():
            for entry in tree.entries:
                yield entry.key
                yield from texts(entry.value)


def within(source: str, scalar: Scalar, offset: int) -> Position:
    """Finds where a character of a scalar's value stands in the file."""
    return places_within(source, scalar, [offset])[0]


def places_within(source: str, scalar: Scalar, offsets: Collection[int]) -> list[Position]:
    """Finds where characters of a scalar's value stand in the file, for each of these offsets.

    The written form differs from the value by quotes, escapes, folding and indentation. So the
    value's visible characters are looked up one after the other in what was written.
    """
    at = scalar.start
    if source[at : at + 1] in {"|", ">"}:
        at = source.find("\n", at) + 1
    elif source[at : at + 1] in {"'", '"'}:
        at += 1
    end = max(offsets, default=0)
    if source.startswith(scalar.text[: end + 1], at):  # as most are
        return [_position(source, at + offset) for offset in offsets]
    wanted, places, found = set(offsets), {}, at
    for offset, character in enumerate(scalar.text[: end + 1]):
        place = -1 if character.isspace() else source.find(character, at, scalar.end)
        if place >= 0:  # one that is not found is written as an escape
            found, at = place, place + 1
        if offset in wanted:
            places[offset] = found
    return [_position(source, places.get(offset, found)) for offset in offsets]


def _position(source: str, at: int) -> Position:
    return Position(source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at))
