"""A picture as Mermaid: for pages that draw it themselves, such as Markdown on a code host."""

from collections.abc import Iterator

from engine.definition.picture.drawing import Drawing, LineKind, Picture, Shape
from engine.definition.picture.order import find_order
from engine.definition.picture.theme import Family, family_of

_ARROWS = {
    LineKind.NEXT: "-->",
    LineKind.CASE: "-->",
    LineKind.ELSE: "-->",
    LineKind.ERROR: "==>",
    LineKind.TIMEOUT: "-.->",
    LineKind.LIMIT: "-.->",
    LineKind.MESSAGE: "-.->",
}
_STYLES = (
    "classDef aside fill:#fff7dc,stroke:#e2c15c,color:#57460f",
    "classDef good fill:#dff6e5,stroke:#1a7f37,color:#1a7f37",
    "classDef bad fill:#ffe9e7,stroke:#c0262d,color:#c0262d",
)
_CLASSES = {Family.START: "good", Family.SUCCESS: "good", Family.ERROR: "bad"}


def write_mermaid(picture: Picture) -> str:
    """Writes a flowchart; ids are numbers, so that no name of a node can break it."""
    return "\n".join(_write(picture)) + "\n"


def _write(picture: Picture) -> Iterator[str]:
    yield "flowchart TD"
    for number, drawing in enumerate(picture.drawings):
        yield f'  subgraph p{number}["{_text(drawing.title)}"]'
        yield "    direction TB"
        yield from _write_drawing(number, drawing)
        yield "  end"
    ids = {
        (number, shape.id): f"p{number}n{index}"
        for number, drawing in enumerate(picture.drawings)
        for index, shape in enumerate(drawing.shapes)
    }
    for message in picture.messages:
        arrow = _arrow(LineKind.MESSAGE, message.label)
        yield f"  {ids[message.source]} {arrow} {ids[message.target]}"
    yield from (f"  {style}" for style in _STYLES)


def _write_drawing(number: int, drawing: Drawing) -> Iterator[str]:
    ids = {shape.id: f"p{number}n{index}" for index, shape in enumerate(drawing.shapes)}
    aside = find_order(drawing).aside
    for index, shape in enumerate(drawing.shapes):
        look = _CLASSES.get(family_of(shape), "aside" if index in aside else "")
        yield f"    {ids[shape.id]}{_shape(shape)}{':::' + look if look else ''}"
    for line in drawing.lines:
        yield f"    {ids[line.source]} {_arrow(line.kind, line.label)} {ids[line.target]}"


def _arrow(kind: LineKind, label: str) -> str:
    return f'{_ARROWS[kind]}|"{_text(label)}"|' if label.strip() else _ARROWS[kind]


def _shape(shape: Shape) -> str:
    words = [_text(shape.title or shape.id)]
    if shape.type not in ("start", "end"):
        words.append(f"<small>{_text(shape.type.replace('_', ' '))}</small>")
    counts = [
        f"{count} {name}"
        for count, name in ((shape.standing, "standing"), (shape.passed, "passed"))
        if count is not None
    ]
    if counts:
        words.append(f"<b>{', '.join(counts)}</b>")
    text = "<br>".join(words)
    match shape.type:
        case "start" | "end":
            return f'(["{text}"])'
        case "condition":
            return f'{{{{"{text}"}}}}'
        case _:
            return f'("{text}")'


def _text(text: str) -> str:
    """Writes every character with a meaning in Mermaid, Markdown or HTML as its number.

    The backquote would begin Markdown, and `#` an entity.
    """
    line = " ".join(text.split()) or " "
    return "".join(
        letter if letter.isalnum() or letter in " .,:!?'()/-+=_…" else f"#{ord(letter)};"
        for letter in line
    )
