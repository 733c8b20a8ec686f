"""Every command and option has a help text, an example and its place in `docs/cli.md`."""

import re
from pathlib import Path

import pytest
import typer

from engine.cli.main import COMMANDS, build

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
GROUP = typer.main.get_command(build([*COMMANDS]))


def section(name: str) -> str:
    return PAGE.split(f"\n## engine {name}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_with_an_example(name):
    assert f"\nengine {name}" in section(name)
    assert f"[`engine {name}`](#engine-{name})" in PAGE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_has_a_help_text(name):
    text = section(name)

    for option in GROUP.commands[name].params:
        assert option.help, f"{name} {option.name} has no help"
        for written in option.opts:
            if written.startswith("-"):
                assert re.search(rf"(?<![\w-]){written}(?![\w-])", text), f"{written} of {name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example(name):
    assert f"Example: [bold]engine {name}" in (GROUP.commands[name].help or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_is_how_the_help_begins(name):
    assert (GROUP.commands[name].help or "").split("\n")[0] == COMMANDS[name]


def test_options_before_the_command_are_documented():
    for option in GROUP.params:
        for written in option.opts:
            assert f"`{written}`" in PAGE
