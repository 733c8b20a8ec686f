"""What may stand at a place of the YAML, worked out from the type hints of dataclasses.

The reader and the editor schema both follow these shapes, so neither can know a key that the
other does not.
"""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    assert_never,
    get_args,
    get_origin,
    get_type_hints,
)

from engine.core.duration import Duration
from engine.core.node import (
    Expression,
    Link,
    Moment,
    Names,
    RefersTo,
    Size,
    Template,
    Text,
    Writes,
)
from engine.definition.fault import listed, nearest
from engine.definition.tree import Scalar, Table, Tree
from engine.definition.tree import Sequence as Items


class Leaf(Enum):
    """The shapes without parts; the value is how a message names them."""

    NOTHING = ("nothing",)
    BOOLEAN = ("true or false",)
    INTEGER = ("a whole number",)
    NUMBER = ("a number",)
    DURATION = ("a duration such as 500ms, 30s, 5m, 2h, 7d",)
    SIZE = ("a size such as 64KiB or 1MiB",)
    MOMENT = ("a duration such as 30s or a {{ template }}",)
    LINK = ("the id of a node",)
    EXPRESSION = ("an expression",)
    STRING = ("text",)
    TEXT = ("text", "with templates in it")
    TEMPLATE = ("a value", "with templates in it")
    JSON = ("a value",)


@dataclass(frozen=True, slots=True)
class Words:
    """One of some words; each stands for a value."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of several shapes."""

    options: "tuple[Shape, ...]"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of any length."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Row:
    """A list with a fixed number of items."""

    items: "tuple[Shape, ...]"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with keys of the author's choice; they are text, or templates too."""

    value: "Shape"
    has_template_keys: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping whose keys are the fields of a dataclass."""

    cls: type


@dataclass(frozen=True, slots=True)
class Marked:
    """A shape with what `Annotated` says about it."""

    shape: "Shape"
    description: str = ""
    names: frozenset[str] = frozenset()
    refers_to: RefersTo | None = None
    is_written: bool = False


Shape = Leaf | Words | OneOf | ListOf | Row | MapOf | Record | Marked


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record."""

    name: str
    key: str
    shape: Shape
    is_required: bool
    default: Any


_LEAVES: dict[Any, Leaf] = {
    type(None): Leaf.NOTHING,
    None: Leaf.NOTHING,
    bool: Leaf.BOOLEAN,
    int: Leaf.INTEGER,
    float: Leaf.NUMBER,
    str: Leaf.STRING,
    Any: Leaf.JSON,
    Duration: Leaf.DURATION,
    Size: Leaf.SIZE,
    Moment: Leaf.MOMENT,
    Link: Leaf.LINK,
    Expression: Leaf.EXPRESSION,
    Text: Leaf.TEXT,
    Template: Leaf.TEMPLATE,
}
_LISTS = {list, tuple, Sequence}
_MAPS = {dict, Mapping}


@cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """Gives the keys of a dataclass of settings, in their order.

    Raises:
        TypeError: it is not a dataclass, or a hint has no meaning here.
    """
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__qualname__} is not a dataclass")
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_field(each, hints[each.name]) for each in dataclasses.fields(cls) if each.init)


def shape_of(hint: Any) -> Shape:
    """Works out the shape that a type hint asks for.

    Raises:
        TypeError: the hint has no meaning here.
    """
    if hint in _LEAVES:
        return _LEAVES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Words({str(member.value): member for member in hint})
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return Record(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(shape_of(args[0]), args[1:])
    if origin is Literal:
        return Words({str(word): word for word in args})
    if origin in {Union, types.UnionType}:
        return OneOf(tuple(shape_of(option) for option in args))
    if origin in _LISTS:
        if origin is tuple and Ellipsis not in args:
            return Row(tuple(shape_of(item) for item in args))
        return ListOf(shape_of(args[0]))
    if origin in _MAPS:
        return MapOf(shape_of(args[1]), has_template_keys=shape_of(args[0]) is Leaf.TEXT)
    raise TypeError(f"{hint!r} is not a type that settings may have")


def describe(shape: Shape) -> str:
    """Names a shape for a message."""
    match shape:
        case Leaf():
            return str(shape.value[0])
        case Words():
            return listed(shape.values)
        case OneOf():
            parts = [describe(option) for option in shape.options if option is not Leaf.NOTHING]
            return " or ".join(dict.fromkeys(parts))
        case ListOf():
            return "a list"
        case Row():
            return f"a list of {len(shape.items)}"
        case MapOf() | Record():
            return "a mapping"
        case Marked():
            return describe(shape.shape)
        case _:
            assert_never(shape)


def bare(shape: Shape) -> Shape:
    """Takes the marks off."""
    return bare(shape.shape) if isinstance(shape, Marked) else shape


def fitting(shape: OneOf, tree: Tree) -> list[Shape]:
    """Picks the options that a value may be meant as, the likeliest first."""
    options = [option for option in shape.options if _may_be(bare(option), tree)]
    return sorted(options, key=lambda option: _rank(bare(option), tree))


def _may_be(shape: Shape, tree: Tree) -> bool:
    if shape is Leaf.TEMPLATE or shape is Leaf.JSON or isinstance(shape, OneOf):
        return True
    match tree:
        case Scalar():
            return isinstance(shape, Leaf | Words)
        case Items():
            return isinstance(shape, ListOf | Row)
        case Table():
            return isinstance(shape, MapOf | Record)


def _rank(shape: Shape, tree: Tree) -> int:
    """Orders options: words and narrow shapes first; of records the one with most keys given."""
    match shape:
        case Words():
            return -1
        case Leaf():
            return list(Leaf).index(shape)
        case Record() if isinstance(tree, Table):
            keys = {each.key for each in fields_of(shape.cls)}
            return -sum(bool(nearest(entry.key.text, keys)) for entry in tree.entries)
        case _:
            return 0


def _field(field: "dataclasses.Field[Any]", hint: Any) -> Field:
    key = field.name.removesuffix("_")
    shape = shape_of(hint)
    if field.default is not dataclasses.MISSING:
        return Field(field.name, key, shape, is_required=False, default=field.default)
    if field.default_factory is not dataclasses.MISSING:
        return Field(field.name, key, shape, is_required=False, default=field.default_factory())
    return Field(field.name, key, shape, is_required=True, default=None)


def _marked(shape: Shape, marks: tuple[Any, ...]) -> Marked:
    names: frozenset[str] = frozenset()
    description, refers_to, is_written = "", None, False
    for mark in marks:
        match mark:
            case str():
                description = mark
            case Names():
                names |= mark.names
            case RefersTo():
                refers_to = mark
            case Writes():
                is_written = True
    return Marked(shape, description, names, refers_to, is_written)
