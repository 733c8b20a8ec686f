"""Patterns that people write: what each engine takes, and that no search goes on for long."""

import pytest

from engine.errors import PatternTooCostly
from engine.pattern import LONGEST_LOOKED_AROUND, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a+$", "aaa", "aaa"),
        ("^a+$", "ab", None),
        ("user_*", "a user", "user"),
        ("/s", "a/sb", "/s"),
        (r"\w", "é", None),
        (r"(?i)привет", "ПРИВЕТ", "ПРИВЕТ"),
        (r"(?<!\d)\d{3}(?!\d)", "1234 567", "567"),
        (r"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{8,}$", "abcdefG1", "abcdefG1"),
        (r"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{8,}$", "abcdefg1", None),
        (r"(\w)\1", "hello", "ll"),
        (r"(?=\w)", "é", None),
        (".{1,2000}", "a\nb", "a"),
    ],
)
def test_a_pattern_is_searched_for(pattern, text, found):
    match = compile_pattern(pattern).search(text)

    assert (match and match.group()) == found


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("(", r"missing \)"),
        ("a)(?:b", r"unexpected \)"),
        ("(*UTF)a", "no argument for repetition operator"),
        ("(?=a", "invalid perl operator"),
        ("[z-a]", "invalid character class range"),
    ],
)
def test_what_is_no_pattern_is_refused(wrong, reason):
    with pytest.raises(ValueError, match=reason):
        compile_pattern(wrong)


def test_a_pattern_has_an_end():
    with pytest.raises(ValueError, match="at most 1000 characters, this one has 1001"):
        compile_pattern("a" * 1001)


@pytest.mark.parametrize(
    "pattern",
    [
        "((((a{100}){100}){100}){100})",
        "(?=" * 300 + "a" + ")" * 300,
        "(?:(?=a){0,9999}){0,9999}",
    ],
)
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern):
    with pytest.raises(ValueError, match=r".+"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(?=a)(a+)+$", "a" * 40 + "b"),
        (r"(?!x)(a|aa)+$", "a" * 60 + "b"),
        (r"(?=.*a.*a.*a.*a.*a.*b)", "a" * 2000),
        (r"(?i)(?=(?:[\w\W]*?){50}z)", "q" * 4000),
        (r"((a{1,100}){1,100}){1,10}(?=b)", "a" * 4000),
        (r"(.)(?=.*\1\1\1)", "abcdefghij" * 400),
    ],
)
def test_a_search_that_would_not_end_is_stopped(pattern, text):
    compiled = compile_pattern(pattern)

    with pytest.raises(PatternTooCostly, match="the pattern takes too long on this text"):
        compiled.search(text)


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|aa)+$", r"(a*)*b", "(a?){100}a{100}"])
def test_what_explodes_elsewhere_is_linear(pattern):
    assert compile_pattern(pattern).search("a" * 5000 + "c" * 5) is None or "?" in pattern


def test_a_large_pattern_searches_short_texts_only():
    pattern = compile_pattern(r"(?:[ab]{0,500}a[ab]{0,480})x")

    assert pattern.search("ab" * 1000) is None
    with pytest.raises(PatternTooCostly, match="of 100000 characters is too long"):
        pattern.search("ab" * 50_000)


def test_look_around_searches_short_texts_only():
    with pytest.raises(PatternTooCostly, match="at most 4096 characters, this text has 4097"):
        compile_pattern("a(?=b)").search("a" * (LONGEST_LOOKED_AROUND + 1))


@pytest.mark.parametrize("pattern", ["a", "a(?=a)"])
def test_every_place_is_found_up_to_a_number(pattern):
    compiled = compile_pattern(pattern)

    assert [match.span() for match in compiled.find("aaa b", 2)] == [(0, 1), (1, 2)]
    assert compiled.find("b", 9) == []


@pytest.mark.parametrize("pattern", ["a", "a(?=a)"])
def test_half_a_character_matches_nothing(pattern):
    compiled = compile_pattern(pattern)

    assert compiled.search("aa\ud800") is None
    assert compiled.find("aa\ud800", 9) == []
