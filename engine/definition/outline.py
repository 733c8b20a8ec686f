"""From a definition to what is drawn of it."""

from collections.abc import Mapping
from typing import cast

from engine.definition.picture.drawing import Drawing, Line, LineKind, Result, Shape
from engine.definition.process import Definition, LinkUse, NodeDefinition
from engine.definition.tree import Path, Scalar, Sequence, Table, Tree
from engine.definition.ways import escalations

_LONGEST_LABEL = 48
_RESULTS = {"success", "error"}
_KINDS: Mapping[Path, LineKind] = {
    ("next",): LineKind.NEXT,
    ("error",): LineKind.ERROR,
    ("else",): LineKind.ELSE,
    ("timeout", "next"): LineKind.TIMEOUT,
    ("limit", "next"): LineKind.LIMIT,
    ("alert", "next"): LineKind.MESSAGE,
}


def drawing_of(definition: Definition, standing: Mapping[str, int] | None = None) -> Drawing:
    """Gives what is drawn of a process; `standing` are the tasks in each node, if they count."""
    aside = escalations(definition)
    shapes = [
        _shape(
            node,
            None if standing is None else standing.get(node.id, 0),
            is_escalation=node.id in aside,
        )
        for node in definition.nodes.values()
    ]
    lines = [
        Line(node.id, link.target, _KINDS.get(link.path, LineKind.CASE), _label(node.tree, link))
        for node, link in definition.links()
    ]
    return Drawing(definition.title, shapes, lines)


def _shape(node: NodeDefinition, standing: int | None, *, is_escalation: bool) -> Shape:
    result = ""
    if node.node_type is not None and node.settings is not None:
        result = node.node_type.result_title(node.settings)
    return Shape(
        node.id,
        node.node_type.type if node.node_type else "",
        node.common.title or node.id,
        is_escalation,
        cast("Result", result) if result in _RESULTS else None,
        node.common.position,
        standing,
    )


def _label(tree: Tree, link: LinkUse) -> str:
    """Writes what stands beside a link: its case, or the time after which it is taken."""
    if len(link.path) < 2:
        return ""
    beside = _at(tree, link.path[:-1])
    words = []
    if isinstance(beside, Table):
        words = [_written(each.value) for each in beside.entries if each.key.text != link.path[-1]]
    text = " ".join(words) or str(link.path[0]).replace("_", " ")
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"


def _at(tree: Tree | None, path: Path) -> Tree | None:
    for step in path:
        if isinstance(tree, Table):
            tree = tree.get(str(step))
        elif isinstance(tree, Sequence) and isinstance(step, int):
            tree = tree.items[step]
    return tree


def _written(tree: Tree) -> str:
    """Writes a condition in one line; how its sides are cast is left out."""
    match tree:
        case Scalar():
            return tree.text
        case Sequence():
            return " and ".join(_written(item) for item in tree.items)
        case Table():
            entries = (entry for entry in tree.entries if entry.key.text != "cast")
            return " ".join(_written(entry.value) for entry in entries)
