from pathlib import Path

import pytest
import yaml

import nodes
from engine.definition import Catalog, process_schema

HERE = Path(__file__).parent
MATCHING = """\
process: p
id: 3
title: 12
kind: state
params: {phone: {type: string, regex: x}, name: }
schedule: [{every: 5m, data: {a: 1}}]
retention: 3600
nodes:
  start: {type: start, next: odd, position: [1, 2.5]}
  odd:
    type: odd
    text: 7
    value: {a: [1]}
    when: body.id
    moment: "{{ due }}"
    after: 1.5h
    size: 64KiB
    auth: {bearer: x}
    doubt: {next: done}
    most: none
    keys: [a, b]
    point: [1, 2]
    numbers: {a: 1}
    next: work
    timeout: {after: 30s, next: done}
  work: {type: step, set: {a: "{{ b }}"}, next: done, error: done}
  done: {type: end, result: error}
"""


@pytest.fixture(scope="module")
def schema(catalog):
    return process_schema(catalog)


@pytest.fixture(scope="module")
def validator(schema):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_schema_has_a_variant_for_each_node_type(schema, catalog):
    words = schema["$defs"]["node"]["properties"]["type"]["enum"]

    assert words == sorted(catalog.kinds)
    assert {f"node.{word}" for word in words} < set(schema["$defs"])


def test_keys_have_descriptions_defaults_and_words(schema):
    odd = schema["$defs"]["node.odd"]["properties"]

    assert odd["text"]["description"] == "A text."
    assert odd["colour"] == {"enum": ["red", "green"], "default": "red"}
    assert odd["next"]["description"] == "Where the task goes when the node is done."
    assert schema["properties"]["retention"]["default"] == "30d"
    assert schema["properties"]["status"]["enum"] == ["active", "paused"]


def test_required_keys_are_required(schema):
    assert schema["required"] == ["process", "nodes"]
    assert schema["$defs"]["node.step"]["required"] == ["type", "next", "error"]
    assert schema["$defs"]["node.choose"]["required"] == ["type", "cases", "else"]
    assert schema["$defs"]["node.end"]["required"] == ["type"]
    assert "next" not in schema["$defs"]["node.end"]["properties"]


def test_file_without_faults_matches_the_schema(validator, load):
    assert load(MATCHING).errors == ()

    assert list(validator.iter_errors(yaml.safe_load(MATCHING))) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("id: 3", "id: three"),
        ("kind: state", "kind: diagram"),
        ("retention: 3600", "retention: long"),
        ("process: p", "process: P!"),
        ("title: 12", "titel: 12"),
        ("type: odd", "type: add"),
        ("after: 1.5h", "after: 1.5 hours"),
        ("size: 64KiB", "size: 64 kilos"),
        ("auth: {bearer: x}", "auth: {user: x}"),
        ("point: [1, 2]", "point: [1, 2, 3]"),
        ("result: error", "result: maybe"),
        ("next: done, error: done}", "next: done}"),
    ],
)
def test_file_with_a_fault_does_not_match_the_schema(validator, load, right, wrong):
    text = MATCHING.replace(right, wrong, 1)

    assert load(text).errors
    assert list(validator.iter_errors(yaml.safe_load(text)))


def test_schema_of_the_built_in_types_describes_every_key():
    definitions = process_schema(Catalog.of(nodes))["$defs"]

    bare = [
        f"{name}.{key}"
        for name, each in definitions.items()
        if name.startswith("node.")
        for key, value in each["properties"].items()
        if "description" not in value
    ]

    assert bare == []
