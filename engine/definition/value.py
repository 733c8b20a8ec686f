"""From a tree to the values that a dataclass of settings asks for, with every fault collected."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, assert_never

from engine.core.node import Constant, Link
from engine.definition.fault import Fault, Position, did_you_mean, listed
from engine.definition.notes import BAD, TOP_CONTEXT, Context, Notes
from engine.definition.process import LinkUse, Reference, TemplateUse
from engine.definition.scalar import read_scalar
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
    describe,
    fields_of,
    fitting,
)
from engine.definition.source import Source
from engine.definition.templates import (
    MOST_EXPRESSIONS,
    Misspelt,
    expression_of,
    has_template,
    spend_on,
    template_of_text,
    template_of_value,
)
from engine.definition.tree import Scalar, Table, Tree, plain, texts, within
from engine.definition.tree import Sequence as Items


class ValueReader:
    """Reads values and notes what it meets."""

    def __init__(self, source: Source, faults: list[Fault], owner: str = "") -> None:
        """Reads values of the process, or of the node `owner`; adds to the file's faults."""
        self.notes = Notes(faults)
        self._source = source
        self._owner = owner

    def read(self, shape: Shape, tree: Tree, context: Context = TOP_CONTEXT) -> Any:
        """Reads one value; `BAD` if there was a fault."""
        match shape:
            case Leaf():
                return self._leaf(shape, tree, context)
            case Words():
                return self._word(shape, tree, context)
            case OneOf():
                return self._one_of(shape, tree, context)
            case ListOf():
                return self._list(shape, tree, context)
            case Row():
                return self._row(shape, tree, context)
            case MapOf():
                return self._map(shape, tree, context)
            case Record():
                return self._record(shape, tree, context)
            case Marked():
                return self._marked(shape, tree, context)
            case _:
                assert_never(shape)

    def read_fields(
        self,
        fields: Sequence[Field],
        table: Table,
        what: str,
        position: Position,
        context: Context = TOP_CONTEXT,
    ) -> dict[str, Any]:
        """Reads the keys of a record; gives what was right, by the names of the fields.

        A missing key is reported at `position`.
        """
        by_key = {each.key: each for each in fields}
        values: dict[str, Any] = {}
        here = replace(context, beside=_process_named(fields, table))
        for entry in table.entries:
            key = entry.key.text
            if key not in by_key:
                hint = did_you_mean(key, by_key) or _choice(by_key)
                self.notes.fault(entry.key.position, "unknown-key", f"{what} has no '{key}'{hint}")
                continue
            value = self.read(by_key[key].shape, entry.value, here.below(key))
            if value is not BAD:
                values[by_key[key].name] = value
        for each in fields:
            if each.is_required and table.get(each.key) is None:
                self.notes.fault(position, "missing-key", f"{what} needs '{each.key}'")
        return values

    def _wrong(self, shape: Shape, tree: Tree, context: Context, hint: str = "") -> Any:
        message = f"{self._named(context)}: expected {describe(shape)}, found {_shown(tree)}{hint}"
        return self.notes.fault(tree.position, "wrong-type", message)

    def _named(self, context: Context) -> str:
        """Writes a path for a message: 'work.cases[0].next'."""
        text = self._owner
        for step in context.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        return f"'{text.removeprefix('.')}'"

    def _word(self, shape: Words, tree: Tree, context: Context) -> Any:
        if isinstance(tree, Scalar) and tree.text in shape.values:
            return shape.values[tree.text]
        near = did_you_mean(tree.text, shape.values) if isinstance(tree, Scalar) else ""
        return self._wrong(shape, tree, context, near)

    def _list(self, shape: ListOf, tree: Tree, context: Context) -> Any:
        if not isinstance(tree, Items):
            return self._wrong(shape, tree, context)
        values = tuple(
            self.read(shape.item, item, context.below(at)) for at, item in enumerate(tree.items)
        )
        return BAD if _has_bad(values) else values

    def _row(self, shape: Row, tree: Tree, context: Context) -> Any:
        if not isinstance(tree, Items) or len(tree.items) != len(shape.items):
            return self._wrong(shape, tree, context)
        pairs = enumerate(zip(shape.items, tree.items, strict=True))
        values = tuple(self.read(part, item, context.below(at)) for at, (part, item) in pairs)
        return BAD if _has_bad(values) else values

    def _map(self, shape: MapOf, tree: Tree, context: Context) -> Any:
        if not isinstance(tree, Table):
            return self._wrong(shape, tree, context)
        pairs = []
        for entry in tree.entries:
            below = context.below(entry.key.text)
            key = self._text(entry.key, below) if shape.has_template_keys else entry.key.text
            pairs.append((key, self.read(shape.value, entry.value, below)))
        return BAD if any(_has_bad(pair) for pair in pairs) else dict(pairs)

    def _record(self, shape: Record, tree: Tree, context: Context) -> Any:
        fields = fields_of(shape.cls)
        if _is_nothing(tree) and not any(each.is_required for each in fields):
            return shape.cls()
        if not isinstance(tree, Table):
            return self._wrong(shape, tree, context)
        before = len(self.notes.faults)
        values = self.read_fields(fields, tree, self._named(context), tree.position, context)
        return BAD if len(self.notes.faults) > before else shape.cls(**values)

    def _marked(self, shape: Marked, tree: Tree, context: Context) -> Any:
        if shape.is_written:
            self.notes.written.extend(_names_in(tree))
        inside = replace(
            context,
            names=context.names | shape.names,
            refers_to=shape.refers_to or context.refers_to,
        )
        return self.read(shape.shape, tree, inside)

    def _one_of(self, shape: OneOf, tree: Tree, context: Context) -> Any:
        options = fitting(shape, tree)
        if options and not isinstance(tree, Scalar):
            return self.read(options[0], tree, context)
        for option in options:
            before = len(self.notes.faults)
            value = self.read(option, tree, context)
            if value is not BAD:
                return value
            if any(fault.rule != "wrong-type" for fault in self.notes.faults[before:]):
                return BAD
            del self.notes.faults[before:]
        words = [word for each in options if isinstance(each, Words) for word in each.values]
        near = did_you_mean(tree.text, words) if isinstance(tree, Scalar) else ""
        return self._wrong(shape, tree, context, near)

    def _leaf(self, leaf: Leaf, tree: Tree, context: Context) -> Any:
        match leaf, tree:
            case Leaf.JSON, _:
                return plain(tree)
            case Leaf.TEMPLATE, _:
                return self._template(tree, context)
            case Leaf.LINK, Scalar(value=str()):
                self.notes.links.append(LinkUse(context.path, tree.text, tree.position))
                return Link(tree.text)
            case Leaf.EXPRESSION, Scalar() if tree.value is not None:
                return self._compiled(tree, context, is_expression=True)
            case Leaf.TEXT, Scalar() if tree.value is not None:
                return self._text(tree, context)
            case Leaf.MOMENT, Scalar(value=str()) if has_template(tree.text):
                return self._compiled(tree, context)
            case Leaf.LINK | Leaf.EXPRESSION | Leaf.TEXT, _:
                return self._wrong(leaf, tree, context)
            case _, Scalar():
                return self._simple(leaf, tree, context)
        return self._wrong(leaf, tree, context)

    def _simple(self, leaf: Leaf, tree: Scalar, context: Context) -> Any:
        try:
            value = read_scalar(leaf, tree)
        except ValueError:
            return self._wrong(leaf, tree, context)
        if leaf is Leaf.STRING:
            self._refer(tree, context)
        return value

    def _text(self, tree: Scalar, context: Context) -> Any:
        if has_template(tree.text):
            return self._compiled(tree, context)
        self._refer(tree, context)
        return Constant(tree.text)

    def _compiled(
        self, tree: Scalar, context: Context, times: int = 1, *, is_expression: bool = False
    ) -> Any:
        if not spend_on(tree.text, times, is_expression=is_expression):
            return self._too_many_expressions(tree)
        try:
            if is_expression:
                template = expression_of(tree.text, context.names)
            else:
                template = template_of_text(tree.text, context.names, _parameter(context))
        except Misspelt as error:
            offset = _offset(tree.text, error.line, error.column)
            position = within(self._source.text, tree, offset)
            message = f"{self._named(context)}: {error.message}"
            return self.notes.fault(position, "template-syntax", message)
        self.notes.templates.append(TemplateUse(context.path, template, tree))
        return template

    def _too_many_expressions(self, tree: Tree) -> Any:
        if any(fault.rule == "too-large" for fault in self.notes.faults):
            return BAD  # once is enough
        message = (
            f"the expressions of a process have together at most {MOST_EXPRESSIONS} characters"
        )
        return self.notes.fault(tree.position, "too-large", message)

    def _template(self, tree: Tree, context: Context) -> Any:
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            return self._compiled(tree, context) if has_template(tree.text) else Constant(tree.text)
        templates = [text for text in texts(tree) if has_template(text.text)]
        # Each is compiled once for its faults, and once as a part of the whole.
        if _has_bad([self._compiled(text, context, times=2) for text in templates]):
            return BAD
        name = ".".join(map(str, context.path[1:]))
        return template_of_value(plain(tree), context.names, name)

    def _refer(self, tree: Scalar, context: Context) -> None:
        if context.refers_to:
            reference = Reference(
                context.refers_to, context.path, tree.text, tree.position, context.beside
            )
            self.notes.references.append(reference)


def _parameter(context: Context) -> str:
    """Names a value for messages: the key of the setting is left out where there is more."""
    return ".".join(map(str, context.path[1:] or context.path))


def _choice(known: Collection[str]) -> str:
    return f"; it has {listed(known)}" if len(known) <= 13 else ""


def _has_bad(values: Sequence[Any]) -> bool:
    return any(value is BAD for value in values)


def _is_nothing(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None


def _names_in(tree: Tree) -> Iterator[str]:
    match tree:
        case Table():
            yield from (entry.key.text for entry in tree.entries)
        case _:
            yield from (text.text for text in texts(tree))


def _process_named(fields: Sequence[Field], table: Table) -> str:
    """Finds the constant that names another process among the keys of a record."""
    for each in fields:
        marker = each.shape.refers_to if isinstance(each.shape, Marked) else None
        if marker is not None and marker.what == "process":
            found = table.get(each.key)
            if isinstance(found, Scalar):
                return found.text
    return ""


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1


def _shown(tree: Tree) -> str:
    match tree:
        case Scalar(value=None):
            return "nothing"
        case Scalar():
            text = tree.text if len(tree.text) <= 40 else tree.text[:37] + "..."
            return f"{text!r}" if isinstance(tree.value, str) else text
        case Items():
            return f"a list of {len(tree.items)}"
        case Table():
            return "a mapping"
        case _:
            assert_never(tree)
