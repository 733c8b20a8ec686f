"""What a drawing is made of, and how wide its words are guessed to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.picture.drawing import Drawing, Line, Message, Picture, Shape
from engine.definition.picture.text import elide, measure, wrap


def test_two_nodes_can_not_have_one_id():
    with pytest.raises(ValueError, match="the drawing 'Twice' has two nodes 'a'"):
        Drawing("Twice", [Shape("a", "start"), Shape("a", "end")])


def test_a_line_can_not_lead_nowhere():
    with pytest.raises(ValueError, match="the node 'b', which is not drawn"):
        Drawing("Nowhere", [Shape("a", "start")], [Line("a", "b")])


def test_a_message_can_not_lead_nowhere(callback):
    with pytest.raises(ValueError, match="which is not drawn"):
        Picture([callback], [Message((0, "start"), (1, "start"))])


def test_a_title_that_fits_stays_one_line():
    assert wrap("Calling API", 200, 13) == ("Calling API",)


def test_a_long_title_is_broken_between_words():
    assert wrap("Waiting for message status", 110, 13) == ("Waiting for", "message status")


def test_a_title_that_is_too_long_ends_with_an_ellipsis():
    assert wrap("one two three four five six", 60, 13) == ("one two", "three f…")


def test_a_word_wider_than_the_line_is_broken():
    assert wrap("a" * 20, 80, 13, most=3) == ("a" * 10, "a" * 10)


def test_an_empty_title_has_no_lines():
    assert wrap(" \n ", 80, 13) == ()


def test_wide_and_combining_letters_are_measured_as_such():
    assert measure("日本", 10) == 22
    assert measure("e\u0301", 10) == measure("e", 10)
    assert measure("ключ", 10) > measure("word", 10)


@given(st.text(max_size=60), st.floats(20, 200))
def test_no_line_is_wider_than_its_box(text, width):
    for line in wrap(text, width, 12, most=3):
        assert measure(line, 12) <= width
    assert measure(elide(text, width, 12), 12) <= width
