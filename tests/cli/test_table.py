"""What is written as CSV is read as the same tasks, whatever strangers put into them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.table import Export, read, shielded, unshielded
from engine.errors import InvalidData

TYPES = {
    "name": "string", "age": "number", "is_new": "boolean", "tags": "array", "address": "object",
}  # fmt: skip


def task(data, ref="r1", **changes):
    return {
        "task_id": "01a209a96d5d3e3ff601bad4", "ref": ref, "status": "success", "node": "done",
        "created": "2026-11-23T06:26:35.317Z", "changed": "2026-11-23T06:26:36.120Z",
        "finished": None, "error": None, "data": data,
    } | changes  # fmt: skip


def written(tasks, types=(), outputs=()):
    export = Export(dict(types), set(outputs))
    try:
        for each in tasks:
            export.add(each)
        text = io.StringIO(newline="")
        export.write(text)
        return text.getvalue()
    finally:
        export.close()


def read_text(tmp_path, text, types=()):
    file = tmp_path / "tasks.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read(file, dict(types)))


def test_parameters_come_first_and_what_only_tells_comes_last():
    failed = {"tag": "t", "description": "d", "kind": "software"}
    data = {"name": "Ada", "age": 36, "greeting": "Hello Ada", "__x__": 1}

    text = written([task(data, error=failed)], TYPES | {"greeting": "string"}, {"greeting"})

    titles, cells = text.splitlines()
    assert titles == (
        "ref,name,age,task:task_id,task:status,task:node,task:created,task:changed,task:finished,"
        "task:error,task:data:greeting,task:data:__x__"
    )
    assert cells == (
        "r1,Ada,36,01a209a96d5d3e3ff601bad4,success,done,2026-11-23T06:26:35.317Z,"
        "2026-11-23T06:26:36.120Z,,t: d,Hello Ada,1"
    )


def test_a_ref_that_was_generated_is_generated_again(tmp_path):
    text = written([task({"name": "Ada"}, ref="01a209a96d5d3e3ff601bad4")], TYPES)

    (row,) = read_text(tmp_path, text, TYPES)

    assert (row.ref, row.data) == ("", {"name": "Ada"})


def test_a_value_that_is_hidden_is_left_out(tmp_path):
    (row,) = read_text(tmp_path, written([task({"name": "***"})], TYPES), TYPES)

    assert row.data == {}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = st.text(st.characters(codec="utf-8"), max_size=8).filter(
    lambda name: not name.startswith("__")
) | st.sampled_from(
    [
        "ref",
        "data:x",
        "task:x",
        "x:json",
        "=cmd()",
        "data:",
        ":json",
        "'=x",
        " x ",
        ";;;;;;;;;;;;",
        "\n",
    ]
)


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=4), min_size=1, max_size=4))
def test_tasks_of_a_process_that_declares_nothing_come_back_as_they_were(tmp_path_factory, many):
    text = written([task(data, ref=f"r{at}") for at, data in enumerate(many)])

    rows = read_text(tmp_path_factory.mktemp("csv"), text)

    assert [(row.ref, dict(row.data), row.reason) for row in rows] == [
        (f"r{at}", {name: value for name, value in data.items() if value != "***"}, "")
        for at, data in enumerate(many)
    ]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.text(st.characters(codec="utf-8")),
            "age": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            "is_new": st.booleans(),
            "tags": st.lists(JSON),
            "address": st.dictionaries(st.text(max_size=5), JSON),
        },
    )
)
def test_declared_parameters_come_back_as_they_were(tmp_path_factory, data):
    text = written([task(data)], TYPES)

    (row,) = read_text(tmp_path_factory.mktemp("csv"), text, TYPES)

    assert dict(row.data) == {name: value for name, value in data.items() if value != "***"}


@given(st.text())
def test_a_shield_is_taken_away_as_it_was_put_on(text):
    assert unshielded(shielded(text)) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1+1", "'=1"]
)
def test_no_cell_is_a_formula(text):
    (title, cell) = csv.reader(io.StringIO(written([task({text: text})]), newline=""))

    assert title[1] in (f"'{text}", f"data:{text}")
    assert cell[1] == f"'{text}"


@pytest.mark.parametrize("text", ["+15551234567", "-5", "+1.5", "a=b", "1e-7", "-1e+3"])
def test_numbers_and_phones_stay_as_they_are(text):
    assert shielded(text) == text


@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
def test_files_of_other_countries_are_read(tmp_path, divider):
    text = (
        divider.join(["ref", "name", '"a,b;c|d;e;f"'])
        + "\r\n"
        + divider.join(["r", "Ada", "x"])
        + "\r\n"
    )

    (row,) = read_text(tmp_path, b"\xef\xbb\xbf" + text.encode())

    assert (row.ref, row.data) == ("r", {"name": "Ada", "a,b;c|d;e;f": "x"})


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("age", "007", 7),
        ("age", "1.50", 1.5),
        ("age", " 12 ", 12),
        ("age", "twelve", "twelve"),
        ("is_new", "TRUE", True),
        ("is_new", "false", False),
        ("is_new", "yes", "yes"),
        ("tags", "[1]", [1]),
        ("tags", "a b", "a b"),
        ("name", " x ", " x "),
        ("name", "36", "36"),
    ],
)
def test_cells_are_of_the_declared_type_where_they_can_be(tmp_path, name, cell, value):
    (row,) = read_text(tmp_path, f'ref,{name}\n,"{cell}"\n', TYPES)

    assert row.data == {name: value}


def test_rows_that_can_not_be_read_have_a_reason_and_stop_no_other(tmp_path):
    rows = read_text(tmp_path, 'a:json,b:json\n{,[\n1\n\n"""x""",2\n')

    assert [(row.number, bool(row.reason)) for row in rows] == [(2, True), (3, True), (5, False)]
    assert rows[0].reason.startswith("'a' is not JSON: ")
    assert "'b' is not JSON: " in rows[0].reason
    assert rows[1].reason == "it has 1 cells, and the first row 2 names"
    assert rows[2].data == {"a": "x", "b": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must name every column"),
        ("a,,b\n", "must name every column"),
        ("a,b,a\n", "names 'a' twice"),
        ("a,data:a\n", "names 'a' twice"),
        ('a\n"x', "can't be read as CSV"),
        (b"a\n\xff\xfe\n", "can't be read as CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path, text, words):
    with pytest.raises(InvalidData, match=words):
        read_text(tmp_path, text)
