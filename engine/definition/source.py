"""YAML text to a tree that knows where everything stands.

A small YAML: one document, text keys, no tags, no merge keys, few aliases. A plain scalar is a
number, `true`, `false` or `null` when JSON would say so, and text otherwise: `no`, `012`, `+1`,
`0x1F`, `1:30` and `2024-01-01` stay what was written. The tree is built from parser events with
a stack of our own, so that no depth and no alias can exhaust anything before it is refused.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from engine.definition.fault import MOST_FAULTS, TOP, Fault, Position, fault_at
from engine.definition.tree import Entry, Scalar, Sequence, Table, Tree

LARGEST_BYTES = 1024 * 1024
MOST_NODES = 20_000
MOST_ALIASES = 100
DEEPEST = 64
_LONGEST_INTEGER = 4000  # digits; Python itself refuses to read more than 4300

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
# The line ends of Unicode are left out too: YAML counts them as lines, editors do not.
_ALLOWED = "\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_UNPRINTABLE = re.compile(f"[^{_ALLOWED}]")


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its tree, or with the faults for which there is none."""

    text: str
    tree: Tree | None
    faults: tuple[Fault, ...]


def parse_source(content: str | bytes) -> Source:
    """Reads YAML. Without a tree there is at least one fault; with one there may be some."""
    try:
        text = _text_of(content)
    except _Refusal as refusal:
        return Source("", None, (refusal.fault,))
    builder = _Builder()
    try:
        _check_characters(text)
        tree = builder.build(text)
    except _Refusal as refusal:
        return Source(text, None, (*builder.faults, refusal.fault))
    except yaml.YAMLError as error:
        return Source(text, None, (*builder.faults, _syntax_fault(error, text)))
    return Source(text, tree, tuple(builder.faults))


class _Refusal(Exception):
    """Reading can't go on after this fault."""

    def __init__(self, position: Position, rule: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault_at(position, rule, message)


def _text_of(content: str | bytes) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode(errors="replace"))
    if size > LARGEST_BYTES:
        message = f"the file has {size} bytes, more than the {LARGEST_BYTES} a process may have"
        raise _Refusal(TOP, "too-large", message)
    return _with_plain_lines(content if isinstance(content, str) else _decoded(content))


def _with_plain_lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _position_at(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = _with_plain_lines(content[: error.start].decode())
        place = _position_at(before, len(before))
        raise _Refusal(place, "yaml-syntax", "the file is not UTF-8 text") from None


def _check_characters(text: str) -> None:
    if found := _UNPRINTABLE.search(text):
        message = f"the character U+{ord(found[0]):04X} may not stand here: escape it in quotes"
        raise _Refusal(_position_at(text, found.start()), "yaml-syntax", message)


def _syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "this can't be read"
    context = getattr(error, "context", None)
    position = Position(mark.line + 1, mark.column + 1) if mark else TOP
    lines = text.splitlines() or [""]
    if position.line > len(lines):  # an end that came too early is reported behind the text
        position = Position(len(lines), len(lines[-1]) + 1)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    return fault_at(position, "yaml-syntax", message)


class _Open:
    """A list or mapping that is being read."""

    __slots__ = ("anchor", "children", "depth", "is_table", "keys", "position", "size")

    def __init__(self, position: Position, anchor: str | None, *, is_table: bool) -> None:
        self.position = position
        self.anchor = anchor
        self.is_table = is_table
        self.children: list[Tree] = []
        self.keys: dict[str, Position] = {}
        self.size = 1  # nodes, with those that aliases repeat
        self.depth = 1  # levels below, itself counted


class _Builder:
    """Builds the tree from events."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Tree, int, int] | None] = {}
        self._nodes = 0
        self._aliases = 0
        self._root: Tree | None = None

    def build(self, text: str) -> Tree:
        documents = 0
        events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        for event in events:
            position = Position(event.start_mark.line + 1, event.start_mark.column + 1)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        _refuse(position, "a file holds one process: split it at '---'")
                case yaml.AliasEvent() if event.anchor:
                    self._alias(event.anchor, position)
                case yaml.ScalarEvent():
                    self._check_node(event, position)
                    self._take(_scalar(event, position), event.anchor)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._check_node(event, position)
                    self._begin(event, position)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end()
        if self._root is None:
            raise _Refusal(TOP, "yaml-syntax", "the file is empty: it should hold a process")
        return self._root

    def _check_node(self, event: Any, position: Position) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            message = f"the file has more than {MOST_NODES} values"
            raise _Refusal(position, "too-large", message)
        if event.tag is not None:
            message = f"tags such as {event.tag!r} are not allowed: write plain values"
            self._fault(position, "unsupported-yaml", message)

    def _fault(self, position: Position, rule: str, message: str) -> None:
        if len(self.faults) >= MOST_FAULTS:
            message = f"the first {MOST_FAULTS} faults are shown; what follows has not been read"
            raise _Refusal(position, "too-many-faults", message)
        self.faults.append(fault_at(position, rule, message))

    def _begin(self, event: Any, position: Position) -> None:
        if len(self._open) >= DEEPEST:
            message = f"values are nested more than {DEEPEST} levels deep"
            raise _Refusal(position, "too-large", message)
        if event.anchor:
            self._anchors[event.anchor] = None
        is_table = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(position, event.anchor, is_table=is_table))

    def _end(self) -> None:
        done = self._open.pop()
        tree: Tree
        if done.is_table:
            pairs = zip(done.children[::2], done.children[1::2], strict=True)
            entries = (Entry(k, v) for k, v in pairs if isinstance(k, Scalar))
            tree = Table(done.position, tuple(_without_repeated(entries)))
        else:
            tree = Sequence(done.position, tuple(done.children))
        self._take(tree, done.anchor, done.size, done.depth)

    def _alias(self, anchor: str, position: Position) -> None:
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            message = f"the file has more than {MOST_ALIASES} aliases"
            raise _Refusal(position, "too-many-aliases", message)
        if anchor not in self._anchors:
            _refuse(position, f"the alias '*{anchor}' has no anchor '&{anchor}' before it")
        target = self._anchors[anchor]
        if target is None:
            _refuse(position, f"the alias '*{anchor}' stands inside what it repeats")
        tree, size, depth = target
        if len(self._open) + depth > DEEPEST or self._expanded() + size > MOST_NODES:
            message = f"the alias '*{anchor}' repeats too much: write less or nest less"
            raise _Refusal(position, "too-many-aliases", message)
        self._take(tree, None, size, depth, at=position)

    def _expanded(self) -> int:
        return sum(each.size for each in self._open)

    def _take(
        self,
        tree: Tree,
        anchor: str | None,
        size: int = 1,
        depth: int = 1,
        at: Position | None = None,
    ) -> None:
        if anchor:
            self._anchors[anchor] = (tree, size, depth)
        if not self._open:
            self._root = tree
            return
        parent = self._open[-1]
        parent.size += size
        parent.depth = max(parent.depth, depth + 1)
        if parent.is_table and len(parent.children) % 2 == 0:
            self._check_key(parent, tree, at or tree.position)
        parent.children.append(tree)

    def _check_key(self, parent: _Open, tree: Tree, position: Position) -> None:
        if not isinstance(tree, Scalar):
            message = "a key is a single word or text, not a list or mapping"
            self._fault(position, "unsupported-yaml", message)
        elif not isinstance(tree.value, str):
            message = f"a key is text: write '{tree.text}' in quotes"
            self._fault(position, "unsupported-yaml", message)
        elif tree.text == "<<":
            message = "merge keys ('<<') are not supported: write the keys out"
            self._fault(position, "unsupported-yaml", message)
        elif first := parent.keys.get(tree.text):
            message = f"the key '{tree.text}' stands here twice, first in line {first.line}"
            self._fault(position, "duplicate-key", message)
        else:
            parent.keys[tree.text] = position


def _without_repeated(entries: Iterator[Entry]) -> Iterator[Entry]:
    seen = {"<<"}
    for entry in entries:
        is_usable = isinstance(entry.key.value, str) and entry.key.text not in seen
        if is_usable:
            seen.add(entry.key.text)
            yield entry


def _refuse(position: Position, message: str) -> NoReturn:
    raise _Refusal(position, "yaml-syntax", message)


def _scalar(event: Any, position: Position) -> Scalar:
    is_plain = event.implicit[0]
    value = _plain_value(event.value) if is_plain else event.value
    return Scalar(position, value, event.value, event.start_mark.index, event.end_mark.index)


def _plain_value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_INTEGER else text
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
