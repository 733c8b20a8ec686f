"""A picture in Graphviz's language DOT: for those who lay it out and style it themselves."""

from collections.abc import Iterator, Mapping

from engine.definition.picture.drawing import Drawing, LineKind, Picture, Shape
from engine.definition.picture.order import ORDINARY, find_order
from engine.definition.picture.theme import (
    ASIDE,
    ASIDE_EDGE,
    CARD,
    CARD_EDGE,
    COLOURS,
    STROKES,
    family_of,
)

_OUTLINES = {"start": "oval", "end": "oval", "condition": "hexagon"}
_DASHED = frozenset({LineKind.TIMEOUT, LineKind.LIMIT, LineKind.MESSAGE})


def write_dot(picture: Picture) -> str:
    """Writes a directed graph with a cluster for each drawing."""
    return "\n".join(_write(picture)) + "\n"


def _write(picture: Picture) -> Iterator[str]:
    yield "digraph {"
    yield '  graph [rankdir=TB, fontname="Helvetica", nodesep=0.4, ranksep=0.5, compound=true]'
    yield '  node [fontname="Helvetica", fontsize=11, style="filled,rounded", shape=box]'
    yield '  edge [fontname="Helvetica", fontsize=9]'
    for number, drawing in enumerate(picture.drawings):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quote(drawing.title)}"
        yield from _write_drawing(number, drawing)
        yield "  }"
    for message in picture.messages:
        ends = " -> ".join(_name(*end) for end in (message.source, message.target))
        look = _look(LineKind.MESSAGE, message.label) | {"constraint": "false"}
        yield f"  {ends} {_attributes(look)}"
    yield "}"


def _write_drawing(number: int, drawing: Drawing) -> Iterator[str]:
    order = find_order(drawing)
    for index, shape in enumerate(drawing.shapes):
        look = _attributes(_shape(shape, is_aside=index in order.aside))
        yield f"    {_name(number, shape.id)} {look}"
    for line in drawing.lines:
        ends = f"{_name(number, line.source)} -> {_name(number, line.target)}"
        yield f"    {ends} {_attributes(_look(line.kind, line.label))}"


def _name(number: int, node: str) -> str:
    return _quote(f"{number}.{node}")


def _shape(shape: Shape, *, is_aside: bool) -> dict[str, str]:
    counts = [
        f"{count} {name}"
        for count, name in ((shape.standing, "standing"), (shape.passed, "passed"))
        if count is not None
    ]
    kind = [] if shape.type in _OUTLINES else [shape.type.replace("_", " ")]
    outline = _OUTLINES.get(shape.type, "box")
    fill, edge = (ASIDE, ASIDE_EDGE) if is_aside else (CARD, CARD_EDGE)
    if outline == "oval":
        fill, edge = COLOURS[family_of(shape)].ground, COLOURS[family_of(shape)].ink
    return {
        "label": "\n".join([shape.title or shape.id, *kind, *counts]),
        "tooltip": shape.id,
        "shape": outline,
        "fillcolor": fill,
        "color": edge,
    }


def _look(kind: LineKind, label: str) -> dict[str, str]:
    look = {"color": STROKES[kind]}
    if label:
        look |= {"label": label, "fontcolor": STROKES[kind]}
    if kind in _DASHED:
        look["style"] = "dashed"
    if kind not in ORDINARY:
        look["weight"] = "0"
    return look


def _attributes(look: Mapping[str, str]) -> str:
    return "[" + ", ".join(f"{key}={_quote(value)}" for key, value in look.items()) + "]"


def _quote(text: str) -> str:
    """Quotes a text; a line break in it stays one, other control characters become spaces."""
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    escaped = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return f'"{escaped}"'
