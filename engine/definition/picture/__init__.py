"""The picture of a process: laid out once, written as SVG, PNG, Mermaid, DOT or text."""

from engine.definition.picture.dot import write_dot
from engine.definition.picture.drawing import (
    Arrangement,
    Drawing,
    Line,
    LineKind,
    Message,
    Picture,
    Shape,
)
from engine.definition.picture.mermaid import write_mermaid
from engine.definition.picture.png import NoFont, write_png
from engine.definition.picture.rendering import render
from engine.definition.picture.svg import write_svg
from engine.definition.picture.terminal import write_text

__all__ = [
    "Arrangement",
    "Drawing",
    "Line",
    "LineKind",
    "Message",
    "NoFont",
    "Picture",
    "Shape",
    "render",
    "write_dot",
    "write_mermaid",
    "write_png",
    "write_svg",
    "write_text",
]
