"""The picture as PNG: real pixels from the real renderer."""

import struct
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.definition.picture.drawing import Drawing, Line, Picture, Shape
from engine.definition.picture.layout import lay_out
from engine.definition.picture.png import NoFont, find_fonts, require_font, write_png


def size_of(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_png_is_twice_as_large_as_the_svg(sms):
    layout = lay_out(sms)

    width, height = size_of(write_png(sms))

    assert (width, height) == pytest.approx((layout.width * 2, layout.height * 2), abs=2)


def test_png_is_drawn_as_large_as_asked(callback):
    layout = lay_out(Picture([callback]))

    width, height = size_of(write_png(Picture([callback]), zoom=1))

    assert (width, height) == pytest.approx((layout.width, layout.height), abs=1)


def test_a_very_long_process_is_scaled_down():
    names = [f"n{number}" for number in range(150)]
    shapes = [Shape(name, "code") for name in names]
    lines = [Line(one, two) for one, two in pairwise(names)]

    _, height = size_of(write_png(Picture([Drawing("Long", shapes, lines)])))

    assert height == 16_000


def test_png_shows_the_titles(callback):
    untitled = replace(callback, shapes=[replace(s, title="iii") for s in callback.shapes])
    other = replace(callback, shapes=[replace(s, title="lll") for s in callback.shapes])

    assert write_png(Picture([untitled])) != write_png(Picture([other]))


def test_hostile_titles_can_be_drawn(hostile):
    size_of(write_png(hostile))


def test_the_fonts_of_the_engine_suffice_without_any_of_the_machine():
    fonts = find_fonts()

    assert len(fonts) == 1
    require_font(fonts, with_system=False)


def test_a_missing_font_package_is_no_fault_if_the_machine_has_fonts():
    assert find_fonts("no_such_font_package") == []


def test_without_any_font_the_error_tells_what_to_install():
    with pytest.raises(NoFont, match="no font") as refusal:
        require_font([], with_system=False)

    assert "fontpkg-roboto" in refusal.value.hint
