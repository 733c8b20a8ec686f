"""Each node type has a page that names all its keys, with an example that is right."""

import re
from pathlib import Path

import pytest

import nodes
from engine.definition.catalog import Catalog
from engine.definition.compiler import compile_graph
from engine.definition.loader import load_files
from engine.definition.shape import ListOf, Marked, OneOf, Record, fields_of

PAGES = Path(__file__).parents[2] / "docs" / "nodes"
CATALOG = Catalog.of(nodes)
TYPES = sorted(CATALOG.kinds)


def page(word):
    return (PAGES / f"{word}.md").read_text(encoding="utf-8")


def keys_of(settings):
    """Every key of a type, those of nested mappings too."""
    for field in fields_of(settings):
        yield field.key
        yield from nested_keys(field.shape)


def nested_keys(shape):
    match shape:
        case Record(cls):
            yield from keys_of(cls)
        case Marked(shape=inner) | ListOf(item=inner):
            yield from nested_keys(inner)
        case OneOf(options):
            for option in options:
                yield from nested_keys(option)


@pytest.mark.parametrize("word", TYPES)
def test_every_key_is_in_the_page(word):
    text = page(word)

    missing = {
        key
        for key in keys_of(CATALOG.kinds[word].settings)
        if not re.search(rf"(?<![\w]){re.escape(key)}(?![\w])", text)
    }

    assert missing == set()


@pytest.mark.parametrize("word", TYPES)
def test_every_key_of_the_table_has_a_row(word):
    own = {field.key for field in fields_of(CATALOG.kinds[word].settings)}

    rows = set(re.findall(r"^\| `(\w+)` \|", page(word), re.MULTILINE))

    assert own <= rows


@pytest.mark.parametrize("word", TYPES)
def test_every_key_has_a_description_for_the_editor(word):
    for field in fields_of(CATALOG.kinds[word].settings):
        assert isinstance(field.shape, Marked), field.key
        assert field.shape.description.endswith("."), field.key


@pytest.mark.parametrize("word", TYPES)
def test_the_page_has_the_name_of_the_type(word):
    assert page(word).startswith(f"# {word}\n")


@pytest.mark.parametrize("word", TYPES)
def test_the_examples_have_no_faults_and_show_the_type(word, tmp_path):
    examples = re.findall(r"^```yaml\n(.*?)^```", page(word), re.MULTILINE | re.DOTALL)
    for number, example in enumerate(examples):
        (tmp_path / f"{number}.yaml").write_text(example, encoding="utf-8")

    loaded = load_files([tmp_path], CATALOG)

    assert [str(fault) for fault in loaded.faults] == []
    shown = {node.common.type for each in loaded.definitions for node in each.nodes.values()}
    assert word in shown
    for definition in loaded.definitions:
        assert compile_graph(definition, version=1, conv_id=1).nodes
