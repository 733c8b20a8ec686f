"""The JSON Schema of process files, for editors: made from what the reader itself follows."""

import inspect
from collections.abc import Iterable
from enum import Enum
from typing import Any, assert_never

from engine.core.duration import Duration
from engine.definition.catalog import Catalog, Kind
from engine.definition.process import Head
from engine.definition.reader import COMMON, NODE_PATTERN, PROCESS_PATTERN, refused_keys
from engine.definition.shape import (
    Field,
    Leaf,
    ListOf,
    MapOf,
    Marked,
    OneOf,
    Record,
    Row,
    Shape,
    Words,
    fields_of,
)

_DURATION = r"^\s*\d+(\.\d+)?(ms|s|m|h|d)\s*$"
_TEXT = {"type": ["string", "number", "boolean"]}
_LEAVES: dict[Leaf, dict[str, Any]] = {
    Leaf.NOTHING: {"type": "null"},
    Leaf.BOOLEAN: {"type": "boolean"},
    Leaf.INTEGER: {"type": "integer"},
    Leaf.NUMBER: {"type": "number"},
    Leaf.DURATION: {"type": ["number", "string"], "minimum": 0, "pattern": _DURATION},
    Leaf.SIZE: {
        "type": ["integer", "string"],
        "minimum": 0,
        "pattern": r"^\d+\s*(B|KiB|MiB|GiB)?$",
    },
    Leaf.MOMENT: {
        "type": ["number", "string"],
        "minimum": 0,
        "pattern": rf"{_DURATION}|\{{\{{",
    },
    Leaf.LINK: {"type": "string", "pattern": f"^{NODE_PATTERN}$"},
    Leaf.EXPRESSION: _TEXT,
    Leaf.STRING: _TEXT,
    Leaf.TEXT: _TEXT,
    Leaf.TEMPLATE: {},
    Leaf.JSON: {},
}
_COMMON_DESCRIPTIONS = {
    "type": "What the node does.",
    "title": "The name for people and the picture.",
    "description": "What the node is for.",
    "position": "Where the node stands in the picture: [x, y].",
    "next": "Where the task goes when the node is done.",
    "error": "Where the task goes when the node failed.",
    "timeout": "After this time in the node the task leaves by another way.",
    "limit": "Tasks that arrive when so many are in the node go another way.",
    "alert": "Tells when so many tasks stand in the node, and when it is over.",
    "escalation": "Whether the node belongs to an error path; derived if left out.",
    "corezoid": "What an imported node carried beside; kept for export, never read.",
}


def process_schema(catalog: Catalog) -> dict[str, Any]:
    """Describes process files in JSON Schema, draft 2020-12."""
    writer = _Writer()
    properties = {each.key: writer.field(each) for each in fields_of(Head)}
    properties["process"]["pattern"] = f"^{PROCESS_PATTERN}$"
    properties["nodes"] = {
        "type": "object",
        "description": "The nodes by their ids, in reading order.",
        "propertyNames": {"pattern": f"^{NODE_PATTERN}$"},
        "additionalProperties": {"$ref": "#/$defs/node"},
        "minProperties": 1,
    }
    variants = {
        f"node.{word}": _variant(kind, writer) for word, kind in sorted(catalog.kinds.items())
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A process",
        "type": "object",
        "properties": properties,
        "required": [*_required(fields_of(Head)), "nodes"],
        "additionalProperties": False,
        "$defs": {"node": _any_node(catalog), **variants, **writer.records},
    }


def _any_node(catalog: Catalog) -> dict[str, Any]:
    words = sorted(catalog.kinds)
    return {
        "type": "object",
        "properties": {"type": {"enum": words, "description": _COMMON_DESCRIPTIONS["type"]}},
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": word}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/node.{word}"},
            }
            for word in words
        ],
    }


def _variant(kind: Kind, writer: "_Writer") -> dict[str, Any]:
    node_type = kind.node_type
    refused = refused_keys(node_type)
    common = [each for each in COMMON if each.key not in refused]
    properties = {each.key: writer.field(each) for each in (*common, *kind.fields)}
    for key, description in _COMMON_DESCRIPTIONS.items():
        if key in properties:
            properties[key]["description"] = description
    properties["type"] = {"const": node_type.type, "description": node_type.title}
    required = [*_required(common), *_required(kind.fields)]
    required += ["next"] if node_type.has_next else []
    required += ["error"] if node_type.can_fail else []
    return {
        "type": "object",
        "title": node_type.title,
        "description": inspect.getdoc(type(node_type)) or "",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _required(fields: Iterable[Field]) -> list[str]:
    return [each.key for each in fields if each.is_required]


class _Writer:
    """Writes shapes; each dataclass is written once and referred to."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    def field(self, field: Field) -> dict[str, Any]:
        schema = dict(self.shape(field.shape))
        default = _plain_default(field)
        return schema if default is None else {**schema, "default": default}

    def shape(self, shape: Shape) -> dict[str, Any]:
        match shape:
            case Leaf():
                return dict(_LEAVES[shape])
            case Words():
                return {"enum": list(shape.values)}
            case OneOf():
                return self._one_of(shape)
            case ListOf():
                return {"type": "array", "items": self.shape(shape.item)}
            case Row():
                items = [self.shape(item) for item in shape.items]
                return {
                    "type": "array",
                    "prefixItems": items,
                    "items": False,
                    "minItems": len(items),
                }
            case MapOf():
                return {"type": "object", "additionalProperties": self.shape(shape.value)}
            case Record():
                return {"$ref": f"#/$defs/{self._record(shape.cls)}"}
            case Marked():
                inside = self.shape(shape.shape)
                described = {"description": shape.description} if shape.description else {}
                return {**inside, **described}
            case _:
                assert_never(shape)

    def _one_of(self, shape: OneOf) -> dict[str, Any]:
        # `X | None` means that the key may be left out: an editor should offer X alone.
        options = [option for option in shape.options if option is not Leaf.NOTHING]
        schemas = [self.shape(option) for option in options]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _record(self, cls: type) -> str:
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name not in self.records:
            self.records[name] = {}  # a dataclass may hold itself
            fields = fields_of(cls)
            may_be_empty = not _required(fields)
            self.records[name] = {
                "type": ["object", "null"] if may_be_empty else "object",
                "properties": {each.key: self.field(each) for each in fields},
                "required": _required(fields),
                "additionalProperties": False,
            }
        return name


def _plain_default(field: Field) -> Any:
    match field.default:
        case Duration():
            return str(field.default)
        case Enum():
            return field.default.value
        case bool() | int() | float():
            return field.default
        case str() if field.default:
            return field.default
        case _:
            return None
