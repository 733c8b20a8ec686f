"""A picture as the contents of a file, by the ending of the file's name."""

from collections.abc import Callable, Mapping

from engine.definition.picture.dot import write_dot
from engine.definition.picture.drawing import Picture
from engine.definition.picture.mermaid import write_mermaid
from engine.definition.picture.png import write_png
from engine.definition.picture.svg import write_svg
from engine.definition.picture.terminal import write_text

_WRITERS: Mapping[str, Callable[[Picture], str]] = {
    ".svg": write_svg,
    ".mmd": write_mermaid,
    ".dot": write_dot,
    ".txt": write_text,
}


def render(picture: Picture, ending: str) -> bytes:
    """Writes a picture as `.svg`, `.png`, `.mmd`, `.dot` or `.txt`.

    Raises:
        ValueError: There is no such form.
        NoFont: A PNG needs letters and there are none.
    """
    if ending == ".png":
        return write_png(picture)
    if ending not in _WRITERS:
        raise ValueError(f"a picture is {', '.join(_WRITERS)} or .png, not '{ending}'")
    return _WRITERS[ending](picture).encode()
