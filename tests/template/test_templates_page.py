"""The page for authors names everything that can be called, with its parameters."""

import re
from pathlib import Path

import pytest

from engine.template.registry import (
    ENGINE_FUNCTIONS,
    FILTERS,
    FUNCTIONS,
    SCOPED,
    TESTS,
    parameters,
)

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
CALLS, _, TESTS_PART = PAGE.partition("## Filters and functions")[2].partition("## Tests")
TESTS_PART = TESTS_PART.partition("## Differences")[0]


def rows(part):
    """Gives the first two cells of every row of a table."""
    return [row.split("|")[1:3] for row in part.splitlines() if row.startswith("| `")]


def documented(part):
    return {name for row in rows(part) for name in re.findall(r"`(\w+)", row[0])}


def ways(name):
    return {
        way.strip()
        for names, cell in rows(CALLS)
        if name in re.findall(r"`(\w+)", names)
        for way in cell.split(",")
    }


def test_the_tables_name_all_and_nothing_else():
    assert documented(CALLS) == {*FILTERS, *FUNCTIONS, *SCOPED, *ENGINE_FUNCTIONS}
    assert documented(TESTS_PART) == set(TESTS)


@pytest.mark.parametrize(
    "name", sorted({*FILTERS, *FUNCTIONS, *SCOPED, *ENGINE_FUNCTIONS} - {"tojson", "to_json"})
)
def test_the_way_to_call_it_is_right(name):
    is_filter = name in FILTERS
    is_function = name in {*FUNCTIONS, *SCOPED, *ENGINE_FUNCTIONS}

    if name == "sum":  # as a filter it adds up an array, as a function it looks a sum up
        assert ways(name) == {"filter", "function"}
        return
    assert ways(name) == {
        "both" if is_filter and is_function else "filter" if is_filter else "function"
    }


@pytest.mark.parametrize(
    "written",
    [
        (*call, row[1].strip())
        for row in rows(CALLS)
        for call in re.findall(r"`(\w+)\((.*?)\)`", row[0])
    ],
)
def test_parameters_on_the_page_are_those_of_the_code(written):
    name, arguments, way = written
    tables = [ENGINE_FUNCTIONS, SCOPED, FUNCTIONS, FILTERS]
    if way != "function":
        tables.reverse()
    run = next(table[name] for table in tables if name in table)
    of_code = parameters(run)
    # Of a filter the page leaves out what stands before it, of others what the engine adds.
    is_whole = run is ENGINE_FUNCTIONS.get(name) or name not in {*FILTERS, *SCOPED}
    shown = of_code if is_whole else of_code.partition(", ")[2]

    assert arguments == shown


def test_limits_on_the_page_are_those_of_the_code():
    from engine.template import sandbox

    assert f"at most {sandbox.LONGEST_EXPRESSION} characters" in PAGE
    assert f"together {sandbox.LONGEST_EXPRESSIONS}." in PAGE
    assert f"at most {sandbox.LONGEST_TEXT} characters" in PAGE
    assert f"a whole number {sandbox.LARGEST_INTEGER} bits" in PAGE
