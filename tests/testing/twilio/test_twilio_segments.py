"""How many SMS a text takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.testing.twilio.segments import count_segments


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("[" * 153, 3),  # 76 of them fill a part: the last place would split an escape
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("👋" * 35, 1),
        ("👋" * 36, 2),
        ("👋" * 67, 3),  # 33 of them fill a part: a pair is never split
        ("`", 1),
        ("`" + "a" * 70, 2),  # one character outside GSM makes all of them wide
        ("a" * 1600, 11),
    ],
)
def test_a_text_takes_its_segments(text, segments):
    assert count_segments(text) == segments


@given(st.text(max_size=500), st.text(max_size=50))
def test_more_text_never_takes_fewer_segments(text, more):
    assert count_segments(text + more) >= count_segments(text) >= 1


@given(st.text(max_size=1600))
def test_segments_hold_the_text(text):
    segments = count_segments(text)

    assert len(text) <= max(segments * 153, 160)
    assert segments <= max(2 * len(text) // 66 + 1, 1)
