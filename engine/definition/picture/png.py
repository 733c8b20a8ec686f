"""A picture as PNG, drawn from the SVG.

The letters come from a font that is installed with the engine, so that a machine without any
fonts (a fresh container) draws the same picture. Signs it does not have, such as Chinese ones,
come from the machine's fonts if there are any.
"""

from importlib.resources import files

import resvg_py

from engine.definition.picture.drawing import Picture
from engine.definition.picture.layout import lay_out
from engine.definition.picture.svg import FONTS, draw_svg
from engine.errors import EngineError

FONT_PACKAGE = "fontpkg_roboto"
# Twice the size: sharp on today's screens.
ZOOM = 2.0
# The longest side that is drawn: memory grows with the area, a larger picture is scaled down.
LONGEST = 16_000
_BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">{}</svg>'


class NoFont(EngineError):
    """There is no font to write the letters of the picture with."""

    kind = "no_font"
    hint = (
        f"install the Python package '{FONT_PACKAGE.replace('_', '-')}', "
        "or write the picture as .svg, which needs no font"
    )


def write_png(picture: Picture, *, zoom: float = ZOOM) -> bytes:
    """Draws a picture, `zoom` times as large as its SVG.

    Raises:
        NoFont: Neither the engine's font nor a usual one of the machine is there.
    """
    layout = lay_out(picture)
    fonts = find_fonts()
    require_font(fonts)
    fitting = min(zoom, LONGEST / max(layout.width, layout.height))
    return _render(draw_svg(layout), fonts, fitting)


def find_fonts(package: str = FONT_PACKAGE) -> list[str]:
    """Lists the font files that come with the engine; none if their package is not installed."""
    try:
        folder = files(package) / "files"
    except ModuleNotFoundError:
        return []
    names = (str(file) for file in folder.iterdir())
    return sorted(name for name in names if name.endswith(".ttf") and "Italic" not in name)


def require_font(fonts: list[str], *, with_system: bool = True) -> None:
    """Draws a letter to see whether anything comes out: without a font nothing does.

    Raises:
        NoFont: Nothing came out.
    """
    letter = f'<text y="14" font-size="16" font-family="{FONTS}">M</text>'
    blank = _render(_BLANK.format(""), fonts, 1, with_system=with_system)
    if _render(_BLANK.format(letter), fonts, 1, with_system=with_system) == blank:
        raise NoFont


def _render(svg: str, fonts: list[str], zoom: float, *, with_system: bool = True) -> bytes:
    return resvg_py.svg_to_bytes(
        svg_string=svg, zoom=zoom, font_files=fonts, skip_system_fonts=not with_system
    )
