"""Each rule has a folder in `broken/`: files that break it, and the exact faults they get."""

from pathlib import Path

import pytest

import nodes
from engine.definition import Catalog, load_files, load_text, rules
from engine.definition.process import ParameterDefinition, Schedule
from engine.definition.reader import COMMON, HEAD
from engine.definition.shape import fields_of

HERE = Path(__file__).parent
BROKEN = HERE / "broken"
DOCS = HERE.parents[1] / "docs" / "process-file.md"


@pytest.mark.parametrize("rule", [name for name in rules() if name != "unreadable-file"])
def test_broken_files_get_exactly_these_faults(rule, catalog):
    expected = (BROKEN / rule / "faults.txt").read_text().splitlines()

    loaded = load_files([BROKEN / rule], catalog)

    assert [str(fault).replace(f"{BROKEN / rule}/", "") for fault in loaded.faults] == expected


@pytest.mark.parametrize("rule", [name for name in rules() if name != "unreadable-file"])
def test_broken_files_break_their_rule_with_its_severity(rule, catalog):
    loaded = load_files([BROKEN / rule], catalog)

    assert {fault.severity for fault in loaded.faults if fault.rule == rule} == {rules()[rule]}


def test_unreadable_file_is_a_fault_of_that_file(tmp_path, catalog):
    missing = tmp_path / "missing.yaml"

    loaded = load_files([missing], catalog)

    assert [str(fault) for fault in loaded.faults] == [
        f"{missing}:1:1: the file can't be read: No such file or directory (unreadable-file)"
    ]


def test_every_rule_is_documented():
    text = DOCS.read_text(encoding="utf-8")

    missing = [name for name in rules() if f"| `{name}` |" not in text]

    assert missing == []


def test_every_documented_rule_exists():
    table = DOCS.read_text(encoding="utf-8").split("## Rules", 1)[1]

    documented = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]

    assert sorted(documented) == sorted(rules())


def test_example_of_the_page_has_no_faults():
    text = DOCS.read_text(encoding="utf-8").split("```yaml\n", 1)[1].split("```", 1)[0]

    assert load_text(text, "remind.yaml", Catalog.of(nodes)).faults == ()


def test_every_key_is_documented():
    tables = [
        cell
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        for cell in line.split("|")[1].split(",")
    ]
    fields = (*HEAD, *COMMON, *fields_of(ParameterDefinition), *fields_of(Schedule))

    assert {field.key for field in fields} <= {cell.strip(" `") for cell in tables}
