"""The comparison with Corezoid names tests that exist, and leaves nothing of the engine out."""

import ast
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.core.node import Common
from engine.core.tags import conversion_tag, fatal_tag, size_tag
from engine.definition import Catalog, rules
from engine.definition.process import Head, ParameterDefinition
from engine.definition.shape import fields_of
from engine.template.registry import ENGINE_FUNCTIONS, FILTERS, FUNCTIONS, SCOPED, TESTS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "corezoid.md").read_text(encoding="utf-8")
TYPES = Catalog.installed().kinds
NONE = "\u2013"
WORDS = {"same", "differs", "more", "no"}
NAMED = re.compile(r"`(test_\w+)::(test_\w+)`")
TAG = re.compile(r"[a-z]+(?:_[a-z]+)+")
FAILING = {"Fail", "Hold", "NotBuilt", "Replied", "SendReply", "_failed", "_refused", "_broken"}


def rows():
    """Gives the cells of every row of the tables, without their heads."""
    for line in PAGE.partition("## Nodes")[2].splitlines():
        if line.startswith("| ") and not line.startswith(("| Corezoid |", "| tag |")):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@cache
def modules_of_tests():
    """Names the test functions of every module of tests."""
    return {
        path.stem: {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        for path in (ROOT / "tests").glob("**/test_*.py")
    }


def quoted(text):
    """Gives every word that stands in code."""
    return {word for span in re.findall(r"`([^`]*)`", text) for word in re.findall(r"\w+", span)}


def section(node_type):
    """Gives what stands under the headings of a node type."""
    parts = re.split(r"^### ", PAGE, flags=re.MULTILINE)
    return "".join(part for part in parts if node_type in re.findall(r"\w+", part.split("\n")[0]))


def tags_in(path):
    """Finds the tags that a module of the engine fails with."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    prefixes = tuple(f"{each}_" for kind in TYPES.values() for each in kind.node_type.prefixes)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and str(node.value).startswith(prefixes):
            found.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in FAILING:
                arguments = [*node.args, *(each.value for each in node.keywords)]
                found |= {each.value for each in arguments if isinstance(each, ast.Constant)}
                found |= {
                    constants.get(each.id) for each in arguments if isinstance(each, ast.Name)
                }
        elif isinstance(node, ast.Dict):
            found |= {each.value for each in node.values if isinstance(each, ast.Constant)}
    return {each for each in found if isinstance(each, str) and TAG.fullmatch(each)}


def test_every_row_says_what_the_engine_does_and_names_a_test():
    wrong = [
        row
        for row in rows()
        if not WORDS & set(row) or not (NAMED.search(row[-1]) or ("no" in row and row[-1] == NONE))
    ]

    assert wrong == []
    assert len(list(rows())) > 400


def test_every_test_that_is_named_exists():
    named = NAMED.findall(PAGE)

    missing = [
        f"{module}::{name}"
        for module, name in named
        if name not in modules_of_tests().get(module, ())
    ]

    assert missing == []


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_setting_of_a_node_type_is_in_its_section(name):
    keys = {field.key for field in fields_of(TYPES[name].settings)}

    assert keys - quoted(section(name)) == set()
    assert section(name)


def test_every_key_of_processes_nodes_and_parameters_is_on_the_page():
    keys = {field.key for each in (Head, Common, ParameterDefinition) for field in fields_of(each)}

    assert keys - quoted(PAGE) == set()


def test_every_function_filter_and_test_of_templates_is_on_the_page():
    part = PAGE.partition("## Templates")[2].partition("## Processes")[0]
    callable_ = {*FILTERS, *FUNCTIONS, *SCOPED, *ENGINE_FUNCTIONS, *TESTS}

    assert callable_ - quoted(part) == set()


def test_every_check_is_on_the_page():
    assert [rule for rule in rules() if f"`{rule}`" not in PAGE] == []


def test_every_tag_is_on_the_page():
    core = ("step", "turn", "tags", "stranded", "exchange", "request")
    modules = [
        *(ROOT / "nodes").glob("**/*.py"),
        *(ROOT / "engine" / "core" / f"{name}.py" for name in core),
    ]
    prefixes = {each for kind in TYPES.values() for each in kind.node_type.prefixes}
    tags = set().union(*map(tags_in, modules)) - prefixes - set(TYPES)
    for kind in TYPES.values():
        node = SimpleNamespace(type=kind.node_type)
        tags |= {tag_of(node) for tag_of in (conversion_tag, size_tag, fatal_tag)}

    assert len(tags) > 60
    assert tags - quoted(PAGE) == set()
