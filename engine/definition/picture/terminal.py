"""A picture as text for a terminal: the happy path runs down, everything else branches off it.

    ● Start
    │
    ■ Ask the gateway
    ├─ error ▶ ◆ What failed?
    │  ├─ hardware ▶ ◷ Wait ▶ ▲ Ask the gateway
    │  └─ else ▶ ✖ Gave up
    │
    ✔ Sent

A node is written out once; where else a line leads to it, an arrow tells whether to look for it
further up (▲) or further down (▼).
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rich.markup import escape

from engine.definition.picture.drawing import Drawing, LineKind, Message, Picture, Shape
from engine.definition.picture.order import Arc, Order, find_order
from engine.definition.picture.theme import Family, family_of

_SIGNS = {
    Family.START: "●",
    Family.END: "○",
    Family.SUCCESS: "✔",
    Family.ERROR: "✖",
    Family.CHOICE: "◆",
    Family.WAIT: "◷",
}
_STYLES = {
    Family.START: "green",
    Family.SUCCESS: "green",
    Family.ERROR: "red",
    Family.CHOICE: "magenta",
    Family.WAIT: "yellow",
    Family.CALL: "blue",
    Family.TASK: "cyan",
}
_LINE_STYLES = {LineKind.ERROR: "red", LineKind.TIMEOUT: "yellow", LineKind.MESSAGE: "magenta"}

# A block yields lines and blocks that are to be written before it goes on: nesting of any depth
# without recursion.
_Block: TypeAlias = "Generator[str | _Block, None, None]"


def write_text(picture: Picture, *, markup: bool = False) -> str:
    """Writes a picture for a terminal, with the colour tags of rich if asked for."""
    parts = []
    for number, drawing in enumerate(picture.drawings):
        parts.append("\n".join(_flatten(_Writer(picture, number, drawing, markup).write())))
    return "\n\n".join(parts) + "\n"


def _flatten(block: _Block) -> Generator[str, None, None]:
    stack = [block]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, str):
            yield item.rstrip()
        else:
            stack.append(item)


@dataclass(slots=True)
class _Writer:
    picture: Picture
    number: int
    drawing: Drawing
    markup: bool
    order: Order = field(init=False)
    written: set[int] = field(default_factory=set)
    reserved: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.order = find_order(self.drawing)

    def write(self) -> _Block:
        yield self._style(_clean(self.drawing.title), "bold")
        self.reserved = set(self.order.spine)
        yield self._chain(self.order.spine, "")
        for node in self.order.sequence:
            if node not in self.written:
                chain = self._follow(node)
                yield ""
                yield self._chain(chain, "")

    def _chain(self, nodes: Sequence[int], indent: str, *, has_head: bool = False) -> _Block:
        """Writes nodes one below the other; the head may stand in the line before already."""
        for index, node in enumerate(nodes):
            self.written.add(node)
            if index or not has_head:
                yield indent + self._name(node)
            onward = nodes[index + 1] if index + 1 < len(nodes) else None
            yield self._branches(node, onward, indent)
            if onward is not None:
                label = next(
                    self._label(arc)
                    for arc in self._arcs(node)
                    if arc.target == onward and arc.is_ordinary
                )
                yield f"{indent}│ {label}"

    def _branches(self, node: int, onward: int | None, indent: str) -> _Block:
        arcs = [arc for arc in self._arcs(node) if arc.target != onward or not arc.is_ordinary]
        messages = [m for m in self.picture.messages if m.source == (self.number, self._id(node))]
        last = len(arcs) + len(messages) - 1
        branches: list[Message | Arc] = [*messages, *arcs]
        for index, branch in enumerate(branches):
            is_last = index == last and onward is None
            corner, deeper = ("└", "   ") if is_last else ("├", "│  ")
            if isinstance(branch, Message):
                yield f"{indent}{corner}{self._message(branch)}"
            else:
                yield self._branch(branch, indent + corner, indent + deeper)

    def _branch(self, arc: Arc, start: str, indent: str) -> _Block:
        label = self._label(arc)
        line = f"{start}─ {label} ▶ " if label else f"{start}─▶ "
        if arc.target in self.written or arc.target in self.reserved:
            yield line + self._reference(arc.target)
            return
        nodes = self._follow(arc.target)
        arcs = self._arcs(nodes[-1])
        if len(nodes) == 1 and len(arcs) == 1 and not self._label(arcs[0]) and self._is_known(arcs):
            # A delay that leads back needs no line of its own.
            self.written.add(nodes[0])
            yield f"{line}{self._name(nodes[0])} ▶ {self._reference(arcs[0].target)}"
            return
        yield line + self._name(nodes[0])
        yield self._chain(nodes, indent, has_head=True)

    def _follow(self, node: int) -> list[int]:
        """Lists what comes after a node as long as there is one ordinary way, and reserves it."""
        nodes = [node]
        while True:
            self.reserved.add(nodes[-1])
            onward = [arc.target for arc in self._arcs(nodes[-1]) if arc.is_ordinary]
            if len(onward) != 1 or onward[0] in self.reserved or onward[0] in self.written:
                return nodes
            nodes.append(onward[0])

    def _is_known(self, arcs: Sequence[Arc]) -> bool:
        return all(arc.target in self.written or arc.target in self.reserved for arc in arcs)

    def _arcs(self, node: int) -> list[Arc]:
        return [self.order.arcs[way] for way in self.order.ways[node]]

    def _id(self, node: int) -> str:
        return self.drawing.shapes[node].id

    def _name(self, node: int) -> str:
        shape = self.drawing.shapes[node]
        family = family_of(shape)
        name = self._style(_title(shape), _STYLES.get(family, ""))
        counts = [
            f"{count:,} {what}"
            for count, what in ((shape.standing, "standing"), (shape.passed, "passed"))
            if count is not None
        ]
        kind = [] if shape.type in ("start", "end") else [shape.type.replace("_", " ")]
        remark = self._style(_clean(", ".join([*kind, *counts])), "dim")
        return f"{_SIGNS.get(family, '■')} {name}  {remark}"

    def _reference(self, node: int) -> str:
        sign = "▲" if node in self.written else "▼"
        return f"{sign} {self._style(_title(self.drawing.shapes[node]), '')}"

    def _label(self, arc: Arc) -> str:
        words = " · ".join(arc.labels)
        if not words and arc.kind not in (LineKind.NEXT, LineKind.CASE):
            words = str(arc.kind)
        return self._style(_clean(words), _LINE_STYLES.get(arc.kind, "dim"))

    def _message(self, message: Message) -> str:
        number, node = message.target
        drawing = self.picture.drawings[number]
        shape = next(shape for shape in drawing.shapes if shape.id == node)
        label = self._style(_clean(message.label), _LINE_STYLES[LineKind.MESSAGE])
        goal = self._style(f"{_clean(drawing.title)}: {_title(shape)}", "")
        return f"╌ {label} ▷ {goal}" if label else f"╌▷ {goal}"

    def _style(self, text: str, style: str) -> str:
        if not self.markup:
            return text
        safe = escape(text)
        return f"[{style}]{safe}[/]" if style and text else safe


def _title(shape: Shape) -> str:
    return _clean(shape.title) or _clean(shape.id) or "?"


def _clean(text: str) -> str:
    """Takes out what could move the cursor or change colours."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
