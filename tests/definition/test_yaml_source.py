import pytest

from engine.definition.source import parse_source
from engine.definition.tree import locate, plain, texts, within


def faults_of(content):
    source = parse_source(content)
    return [(fault.line, fault.column, fault.rule, fault.message) for fault in source.faults]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("no", "no"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1:30", "1:30"),
        ("+15551234567", "+15551234567"),
        ("1_000", "1_000"),
        (".5", ".5"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("'7'", "7"),
        ('"true"', "true"),
        ("9" * 4001, "9" * 4001),
    ],
)
def test_plain_value_is_what_json_would_say_and_text_otherwise(written, value):
    source = parse_source(f"key: {written}\n")

    read = plain(source.tree)["key"]

    assert source.faults == ()
    assert read == value
    assert type(read) is type(value)


def test_lists_and_mappings_become_plain_values():
    source = parse_source("a: [1, {b: c}]\nd: |\n  text\n")

    assert plain(source.tree) == {"a": [1, {"b": "c"}], "d": "text\n"}


def test_alias_repeats_its_anchor():
    source = parse_source("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n")

    assert source.faults == ()
    assert plain(source.tree) == {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", (1, 1, "yaml-syntax", "the file is empty: it should hold a process")),
        ("# nothing\n", (1, 1, "yaml-syntax", "the file is empty: it should hold a process")),
        ("a: 1\n---\nb: 2\n", (2, 1, "yaml-syntax", "a file holds one process: split it at '---'")),
        (
            "a: b\x07",
            (1, 5, "yaml-syntax", "the character U+0007 may not stand here: escape it in quotes"),
        ),
        (
            "x\na: \ud800",
            (2, 4, "yaml-syntax", "the character U+D800 may not stand here: escape it in quotes"),
        ),
        (
            "a: b\u2028c",
            (1, 5, "yaml-syntax", "the character U+2028 may not stand here: escape it in quotes"),
        ),
        (b"a: 1\nb: \xff\n", (2, 4, "yaml-syntax", "the file is not UTF-8 text")),
        ("a: *b", (1, 4, "yaml-syntax", "the alias '*b' has no anchor '&b' before it")),
        ("a: &b [*b]", (1, 8, "yaml-syntax", "the alias '*b' stands inside what it repeats")),
        ("[" * 100_000, (1, 65, "too-large", "values are nested more than 64 levels deep")),
        ("{" * 100_000, (1, 65, "too-large", "values are nested more than 64 levels deep")),
        ("- " * 100_000, (1, 129, "too-large", "values are nested more than 64 levels deep")),
        (
            "a: &a [" + "1, " * 150 + "]\nb: [" + "*a, " * 200 + "]\n",
            (2, 405, "too-many-aliases", "the file has more than 100 aliases"),
        ),
        (
            "a: [" + "1, " * 20_000 + "]",
            (1, 59_996, "too-large", "the file has more than 20000 values"),
        ),
        (
            "# " + "x" * 1024 * 1024,
            (
                1,
                1,
                "too-large",
                "the file has 1048578 bytes, more than the 1048576 a process may have",
            ),
        ),
    ],
    ids=range(15),
)
def test_text_that_can_not_be_read_says_where_and_why(content, fault):
    assert faults_of(content) == [fault]


def test_syntax_fault_behind_the_last_line_is_put_at_its_end():
    assert [fault[:3] for fault in faults_of("a: [1,")] == [(1, 7, "yaml-syntax")]


def test_alias_that_would_nest_too_deep_is_refused():
    content = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40

    assert [fault[2] for fault in faults_of(content)] == ["too-many-aliases"]


def test_windows_line_ends_and_a_byte_order_mark_do_not_move_positions():
    source = parse_source("\ufeffa: 1\r\nb: [x,\r\n  y]\r\n")

    assert locate(source.tree, ("a",)).column == 1
    assert (locate(source.tree, ("b", 1)).line, locate(source.tree, ("b", 1)).column) == (3, 3)


def test_missing_path_is_located_at_what_should_hold_it():
    source = parse_source("a:\n  b: 1\n")

    found = locate(source.tree, ("a", "c", 3))

    assert (found.line, found.column) == (1, 1)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("a: see {{ here }}", (1, 11)),
        ("a: 'it''s {{ here }}'", (1, 14)),
        (r'a: "tab\t\x41 {{ here }}"', (1, 18)),
        ("a: |\n  one\n    {{ here }}\n", (3, 8)),
        ("a: |2-\n\n     {{ here }}\n", (3, 9)),
        ("a: >\n  one\n  two {{ here }}\n", (3, 10)),
        ("a: one\n  two\n  {{ here }}\n", (3, 6)),
        ("'{{ here }}': 1", (1, 5)),
    ],
)
def test_place_within_a_text_is_found_in_every_way_of_writing_it(content, place):
    source = parse_source(content)
    scalar = next(text for text in texts(source.tree) if "here" in text.text)

    found = within(source.text, scalar, scalar.text.index("here"))

    assert (found.line, found.column) == place
