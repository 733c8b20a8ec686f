"""A picture as SVG: one file, no scripts, no fonts or images from elsewhere.

It has a light ground of its own, so that it reads the same on a dark page. Each node is a group
with `data-drawing` and `data-node`, its numbers are texts with `data-count`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import assert_never
from xml.sax.saxutils import escape

from engine.definition.picture.box import TYPE_FONT, Outline, Rect
from engine.definition.picture.drawing import LineKind, Picture
from engine.definition.picture.label import LABEL_FONT
from engine.definition.picture.layout import Box, Dot, Layout, Panel, Route, lay_out
from engine.definition.picture.text import measure
from engine.definition.picture.theme import (
    ASIDE,
    ASIDE_EDGE,
    ASIDE_INK,
    CARD,
    CARD_EDGE,
    COLOURS,
    DASHES,
    FAINT_INK,
    FRAME,
    INK,
    PANEL,
    PAPER,
    STROKES,
    Family,
    family_of,
    icon_of,
)

# The first is what the PNG writer brings along; the others are what machines have.
FONTS = (
    "Roboto, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans', "
    "sans-serif"
)
BEND = 8.0
HEAD = 8.0
TITLE_FONT = 15
COUNT_FONT = 10.5

# What XML 1.0 can't hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_svg(picture: Picture) -> str:
    """Draws a picture; the same picture is always the same text."""
    return draw_svg(lay_out(picture))


def draw_svg(layout: Layout) -> str:
    """Draws what has been laid out."""
    return "\n".join(_write(layout)) + "\n"


def _write(layout: Layout) -> Iterator[str]:
    width, height = _n(layout.width), _n(layout.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONTS}" role="img">'
    )
    yield f"<title>{_text(', '.join(panel.title for panel in layout.panels))}</title>"
    yield f'<rect width="{width}" height="{height}" rx="10" fill="{PAPER}"/>'
    for panel in layout.panels:
        yield from _write_panel(panel)
    # What matters most is drawn last, so that it runs over the rest where lines cross.
    order = sorted(layout.routes, key=lambda route: _LOUDNESS[route.kind])
    for route in order:
        yield from _write_route(route)
    for panel in layout.panels:
        yield from _write_title(panel)
    for box in layout.boxes:
        yield from _write_box(box)
    for route in layout.routes:
        yield from _write_label(route)
    yield "</svg>"


_LOUDNESS = {
    LineKind.LIMIT: 0,
    LineKind.TIMEOUT: 1,
    LineKind.ERROR: 2,
    LineKind.ELSE: 3,
    LineKind.CASE: 3,
    LineKind.NEXT: 4,
    LineKind.MESSAGE: 5,
}


def _write_panel(panel: Panel) -> Iterator[str]:
    yield _rect(panel.rect, f'rx="10" fill="{PANEL}" stroke="{FRAME}"')


def _write_title(panel: Panel) -> Iterator[str]:
    width = measure(panel.title, TITLE_FONT, bold=True)
    x, y = panel.rect.x + 16, panel.rect.y + 26
    yield _rect(Rect(x - 4, y - 16, width + 4, 22), f'fill="{PANEL}"')
    yield (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{TITLE_FONT}" font-weight="600" fill="{INK}">'
        f"{_text(panel.title)}</text>"
    )


def _write_route(route: Route) -> Iterator[str]:
    colour = STROKES[route.kind]
    dash = f' stroke-dasharray="{DASHES[route.kind]}"' if route.kind in DASHES else ""
    line = _line(route.dots)
    yield (
        f'<g class="line" data-kind="{route.kind}" data-source="{_text(_id(route.source))}" '
        f'data-target="{_text(_id(route.target))}" fill="none">'
    )
    words = f": {route.label.full}" if route.label else ""
    yield f"<title>{_text(f'{_id(route.source)} → {_id(route.target)}{words}')}</title>"
    # A pale edge makes it plain which of two crossing lines goes on.
    yield f'<path d="{line}" stroke="{PANEL}" stroke-width="5"/>'
    yield f'<path d="{line}" stroke="{colour}" stroke-width="1.6"{dash}/>'
    yield f'<path d="{_head(route.dots)}" fill="{colour}"/>'
    yield "</g>"


def _id(box: Box) -> str:
    return box.face.shape.id


def _line(dots: Sequence[Dot]) -> str:
    """Draws a line with round corners, ending a little before its arrow's tip."""
    (x, y), (to_x, to_y) = dots[-2], dots[-1]
    short = HEAD - 2
    tail = (to_x - _sign(to_x - x) * short, to_y - _sign(to_y - y) * short)
    points = [*dots[:-1], tail]
    parts = [f"M{_n(dots[0][0])} {_n(dots[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        bend = min(BEND, _far(before, corner) / 2, _far(corner, after) / 2)
        enter, leave = _toward(corner, before, bend), _toward(corner, after, bend)
        parts.append(f"L{_dot(enter)}Q{_dot(corner)} {_dot(leave)}")
    return "".join([*parts, f"L{_dot(tail)}"])


def _head(dots: Sequence[Dot]) -> str:
    (x, y), (to_x, to_y) = dots[-2], dots[-1]
    along_x, along_y = _sign(to_x - x), _sign(to_y - y)
    back = (to_x - HEAD * along_x, to_y - HEAD * along_y)
    half = HEAD / 2
    one = (back[0] - half * along_y, back[1] - half * along_x)
    two = (back[0] + half * along_y, back[1] + half * along_x)
    return f"M{_dot((to_x, to_y))}L{_dot(one)}L{_dot(two)}z"


def _toward(start: Dot, goal: Dot, length: float) -> Dot:
    return (
        start[0] + _sign(goal[0] - start[0]) * length,
        start[1] + _sign(goal[1] - start[1]) * length,
    )


def _far(one: Dot, two: Dot) -> float:
    return abs(one[0] - two[0]) + abs(one[1] - two[1])


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _write_label(route: Route) -> Iterator[str]:
    if route.label is None:
        return
    rect = route.label.rect
    x, y = rect.middle
    colour = STROKES[route.kind]
    yield f'<g class="label"><title>{_text(route.label.full)}</title>'
    yield _rect(rect, f'rx="4" fill="{PANEL}" fill-opacity="0.94"')
    yield (
        f'<text x="{_n(x)}" y="{_n(y + 3.7)}" font-size="{LABEL_FONT}" text-anchor="middle" '
        f'fill="{colour}">{_text(route.label.text)}</text></g>'
    )


def _write_box(box: Box) -> Iterator[str]:
    shape = box.face.shape
    yield (
        f'<g class="node" data-drawing="{box.drawing}" data-node="{_text(shape.id)}" '
        f'data-type="{_text(shape.type)}">'
    )
    yield f"<title>{_text(_tooltip(box))}</title>"
    yield _outline(box)
    yield from _write_face(box)
    yield from _write_counts(box)
    yield "</g>"


def _tooltip(box: Box) -> str:
    shape = box.face.shape
    name = f"{shape.title}\n" if shape.title else ""
    return f"{name}{shape.id} ({shape.type})"


def _outline(box: Box) -> str:
    family = family_of(box.face.shape)
    fill, edge = (ASIDE, ASIDE_EDGE) if box.is_aside else (CARD, CARD_EDGE)
    rect = box.rect
    match box.face.outline:
        case Outline.PILL:
            colours = COLOURS[family]
            look = f'fill="{colours.ground}" stroke="{colours.ink}" stroke-opacity="0.6"'
            return _rect(rect, f'rx="{_n(rect.height / 2)}" {look}')
        case Outline.CHOICE:
            edge = edge if box.is_aside else "#b9a2e6"
            point = 11
            left, right, middle = rect.x, rect.x + rect.width, rect.y + rect.height / 2
            dots = [
                (left, middle),
                (left + point, rect.y),
                (right - point, rect.y),
                (right, middle),
                (right - point, rect.y + rect.height),
                (left + point, rect.y + rect.height),
            ]
            path = "L".join(map(_dot, dots))
            return f'<path d="M{path}z" fill="{fill}" stroke="{edge}" stroke-linejoin="round"/>'
        case Outline.CARD:
            return _rect(rect, f'rx="8" fill="{fill}" stroke="{edge}"')
        case unknown:
            assert_never(unknown)


def _write_face(box: Box) -> Iterator[str]:
    face, rect, look = box.face, box.rect, box.face.look
    family = family_of(face.shape)
    colours = COLOURS[family]
    is_pill = face.outline is Outline.PILL
    icon = look.icon * (0.6 if is_pill else 1)
    margin = look.pad * (1.6 if is_pill else 1) + (10 if face.outline is Outline.CHOICE else 0)
    tile = Rect(rect.x + margin, rect.y + (rect.height - icon) / 2, icon, icon)
    if not is_pill:
        yield _rect(tile, f'rx="6" fill="{colours.ground}"')
    scale = icon / 24 * (0.85 if is_pill else 0.58)
    x, y = tile.middle[0] - 12 * scale, tile.middle[1] - 12 * scale
    yield (
        f'<path d="{icon_of(face.shape)}" transform="translate({_n(x)} {_n(y)}) '
        f'scale({scale:.3f})" fill="none" stroke="{colours.ink}" stroke-width="2.3" '
        f'stroke-linecap="round" stroke-linejoin="round"/>'
    )
    ink = ASIDE_INK if box.is_aside else INK
    ink = colours.ink if is_pill and family is not Family.END else ink
    text_x = tile.x + icon + look.pad * (0.8 if is_pill else 1)
    height = look.line * len(face.title) + (13 if face.subtitle else 0)
    y = rect.y + (rect.height - height) / 2 + look.line * 0.78
    weight = 500 if box.is_aside else 600
    for line in face.title:
        yield (
            f'<text x="{_n(text_x)}" y="{_n(y)}" font-size="{look.font}" font-weight="{weight}" '
            f'fill="{ink}">{_text(line)}</text>'
        )
        y += look.line
    if face.subtitle:
        yield (
            f'<text x="{_n(text_x)}" y="{_n(y - 2)}" font-size="{TYPE_FONT}" fill="{FAINT_INK}">'
            f"{_text(face.subtitle)}</text>"
        )


def _write_counts(box: Box) -> Iterator[str]:
    shape, rect = box.face.shape, box.rect
    right = rect.x + rect.width + 5
    if shape.standing is not None:
        fill, ink = ("#1f6feb", "#ffffff") if shape.standing else ("#e3e8ee", FAINT_INK)
        yield from _badge("standing", shape.standing, (right, rect.y), f'fill="{fill}"', ink)
    if shape.passed is not None:
        look = f'fill="{PANEL}" stroke="{CARD_EDGE}"'
        spot = (right, rect.y + rect.height)
        yield from _badge("passed", shape.passed, spot, look, FAINT_INK)


def _badge(name: str, count: int, spot: Dot, look: str, ink: str) -> Iterator[str]:
    """Draws a number in a pill around the right end `spot`."""
    text = shorten_count(count)
    width = max(18.0, measure(text, COUNT_FONT, bold=True) + 9)
    pill = Rect(spot[0] - width, spot[1] - 8, width, 16)
    yield _rect(pill, f'rx="8" {look}')
    x, y = pill.middle
    yield (
        f'<text data-count="{name}" x="{_n(x)}" y="{_n(y + 3.7)}" font-size="{COUNT_FONT}" '
        f'font-weight="600" text-anchor="middle" fill="{ink}">{text}</text>'
    )


def shorten_count(count: int) -> str:
    """Writes a number in at most six signs: 9,999, then 10.0k, then 1.2M."""
    for size, unit in ((10**9, "G"), (10**6, "M")):
        if abs(count) >= size:
            return f"{count / size:.1f}{unit}"
    return f"{count / 1000:.1f}k" if abs(count) >= 10_000 else f"{count:,}"


def _rect(rect: Rect, look: str) -> str:
    return (
        f'<rect x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" '
        f'height="{_n(rect.height)}" {look}/>'
    )


def _dot(dot: Dot) -> str:
    return f"{_n(dot[0])} {_n(dot[1])}"


def _n(number: float) -> str:
    """Writes a number of pixels with at most one digit after the point."""
    return f"{number:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(_UNFIT.sub("�", text), {'"': "&quot;"})
