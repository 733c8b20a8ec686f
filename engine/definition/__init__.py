"""From a YAML file to a compiled graph, with every fault found on the way."""

from engine.definition.catalog import Catalog, Kind
from engine.definition.checks import check_definition
from engine.definition.compiler import compile_graph, compile_parameter, hex_id
from engine.definition.difference import Difference, difference
from engine.definition.fault import Fault, Position, Severity
from engine.definition.loader import Loaded, load_files, load_text, load_texts, read_files
from engine.definition.neighbours import check_workspace
from engine.definition.outline import drawing_of
from engine.definition.process import (
    Definition,
    LinkUse,
    NodeDefinition,
    ParameterDefinition,
    ProcessKind,
    Schedule,
)
from engine.definition.reader import read_definition
from engine.definition.rules import rules
from engine.definition.schema import process_schema

__all__ = [
    "Catalog",
    "Definition",
    "Difference",
    "Fault",
    "Kind",
    "LinkUse",
    "Loaded",
    "NodeDefinition",
    "ParameterDefinition",
    "Position",
    "ProcessKind",
    "Schedule",
    "Severity",
    "check_definition",
    "check_workspace",
    "compile_graph",
    "compile_parameter",
    "difference",
    "drawing_of",
    "hex_id",
    "load_files",
    "load_text",
    "load_texts",
    "process_schema",
    "read_definition",
    "read_files",
    "rules",
]
