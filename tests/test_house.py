"""The habits of the house that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

from engine.definition import Catalog, rules

ROOT = Path(__file__).parent.parent
CODE = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("nodes/**/*.py")])
MODULE_LINES = 400
FUNCTION_LINES = 60


def _relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_a_module_has_one_subject_and_fits_it(path):
    text = path.read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(text)), "it begins with a sentence that says what it is"
    assert len(text.splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_a_function_fits_a_screen(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)

    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, functions) and node.end_lineno - node.lineno >= FUNCTION_LINES
    }

    assert long == {}


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_no_module_is_called_by_a_word_that_says_nothing(path):
    assert path.stem not in {"utils", "helpers", "common", "misc", "base", "manager", "types"}


def test_every_node_type_has_a_test_and_a_page():
    types = sorted(Catalog.installed().kinds)

    missing = [
        name
        for name in types
        if not (ROOT / "tests" / "nodes" / f"test_{name}.py").exists()
        or not (ROOT / "docs" / "nodes" / f"{name}.md").exists()
    ]

    assert len(types) >= 11
    assert missing == []


def test_every_rule_of_the_check_is_documented():
    page = (ROOT / "docs" / "process-file.md").read_text(encoding="utf-8")

    assert [rule for rule in rules() if f"`{rule}`" not in page] == []


def test_no_two_test_files_have_the_same_name():
    names = [path.name for path in ROOT.glob("tests/**/test_*.py")]

    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_link_of_the_documentation_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]

    broken = [
        f"{_relative(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_readme_sets_up_in_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)

    assert len(commands) == 2
    assert commands[0].endswith("engine demo")
    assert "pytest" in commands[1]


def test_the_picture_of_the_readme_is_the_one_the_engine_draws():
    from engine.definition import drawing_of, load_files

    picture = (ROOT / "docs" / "pictures" / "sms.svg").read_text(encoding="utf-8")
    loaded = load_files([ROOT / "processes" / "sms"]).checked()

    for definition in loaded:
        if definition.process in ("sending-sms", "getting-callback"):
            drawing = drawing_of(definition)
            assert all(f'data-node="{shape.id}"' in picture for shape in drawing.shapes)
