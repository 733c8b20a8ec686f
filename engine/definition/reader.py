"""From a tree to a definition: what the author wrote, with every fault collected."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from engine.core.node import Common, NodeType
from engine.definition.catalog import Catalog, Kind
from engine.definition.fault import (
    MOST_FAULTS,
    TOP,
    Fault,
    begin_guessing,
    did_you_mean,
    fault_at,
    listed,
)
from engine.definition.notes import EnoughFaults
from engine.definition.process import Definition, Head, LinkUse, NodeDefinition
from engine.definition.shape import Field, Leaf, MapOf, fields_of
from engine.definition.source import Source, parse_source
from engine.definition.templates import begin_templates, has_template
from engine.definition.tree import Scalar, Table, Tree, texts
from engine.definition.value import ValueReader

PROCESS_PATTERN = "[a-z0-9][a-z0-9-]*"
NODE_PATTERN = "[a-z][a-z0-9_]*"
_PROCESS = re.compile(PROCESS_PATTERN, re.ASCII)
_NODE = re.compile(NODE_PATTERN, re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z0-9_#@$\\\[\].:-]+", re.ASCII)
_NODES = Field("nodes", "nodes", MapOf(Leaf.JSON), is_required=True, default=None)
HEAD = (*fields_of(Head), _NODES)
COMMON = fields_of(Common)
_SHARED = {each.key for each in COMMON} - {"type"}


def read_definition(
    content: str | bytes, file: str, catalog: Catalog
) -> tuple[Definition | None, tuple[Fault, ...]]:
    """Reads one process. What could be read is given even if there are faults."""
    begin_guessing()
    begin_templates()
    source = parse_source(content)
    faults = list(source.faults)
    definition = None
    if source.tree is not None:
        reader = _Reader(source, catalog)
        try:
            definition = reader.definition(source.tree, file)
        except EnoughFaults:
            message = f"the first {MOST_FAULTS} faults are shown; what follows has not been read"
            faults.append(fault_at(TOP, "too-many-faults", message))
        faults += reader.faults
    return definition, tuple(sorted(replace(fault, file=file) for fault in faults))


def refused_keys(node_type: NodeType[Any]) -> tuple[str, ...]:
    """Names the keys of every node that nodes of this type have not."""
    if node_type.is_end:
        return ("next", "error", "timeout", "limit")
    return () if node_type.has_next else ("next",)


class _Reader:
    """Reads the document of one file."""

    def __init__(self, source: Source, catalog: Catalog) -> None:
        self.faults: list[Fault] = []
        self._source = source
        self._catalog = catalog

    def definition(self, tree: Tree, file: str) -> Definition | None:
        values = ValueReader(self._source, self.faults)
        if not isinstance(tree, Table):
            values.notes.fault(tree.position, "wrong-type", "a process is a mapping of keys")
            return None
        head = values.read_fields(HEAD, tree, "a process", TOP)
        head.pop("nodes", None)
        head["title"] = head.get("title") or head.get("process", "")
        self._check_names(tree, values)
        nodes = tree.get("nodes")
        read = self._nodes(nodes) if isinstance(nodes, Table) else {}
        if "process" not in head:
            return None
        return Definition(
            **head,
            file=file,
            source=self._source.text,
            digest=hashlib.sha256(self._source.text.encode()).hexdigest(),
            tree=tree,
            nodes=read,
        )

    def _check_names(self, tree: Table, values: ValueReader) -> None:
        alias, params = tree.get("process"), tree.get("params")
        if isinstance(alias, Scalar) and not _PROCESS.fullmatch(alias.text):
            message = f"'{alias.text}' is no alias: use the letters a to z, digits and '-'"
            values.notes.fault(alias.position, "bad-name", message)
        for entry in params.entries if isinstance(params, Table) else ():
            if not _PARAMETER.fullmatch(entry.key.text):
                message = f"'{entry.key.text}' is no name for a parameter: use letters, digits, '_'"
                values.notes.fault(entry.key.position, "bad-name", message)

    def _nodes(self, tree: Table) -> Mapping[str, NodeDefinition]:
        nodes = {}
        ids = {entry.key.text for entry in tree.entries}
        for entry in tree.entries:
            values = ValueReader(self._source, self.faults, entry.key.text)
            if isinstance(entry.value, Table):
                reader = _NodeReader(entry.key, entry.value, values)
                nodes[entry.key.text] = reader.node(self._catalog, ids)
            else:
                message = f"the node '{entry.key.text}' is a mapping with the key 'type'"
                values.notes.fault(entry.value.position, "wrong-type", message)
        return nodes


class _NodeReader:
    """Reads one node."""

    def __init__(self, key: Scalar, tree: Table, values: ValueReader) -> None:
        self._id = key.text
        self._what = f"the node '{key.text}'"
        self._position = key.position
        self._tree = tree
        self._values = values
        self._notes = values.notes
        self._faults_before = len(values.notes.faults)

    def node(self, catalog: Catalog, ids: Collection[str]) -> NodeDefinition:
        if not _NODE.fullmatch(self._id):
            message = (
                f"'{self._id}' is no id for a node: begin with a letter a to z, "
                "then letters a to z, digits and '_'"
            )
            self._notes.fault(self._position, "bad-name", message)
        kind = self._kind(catalog)
        return self._untyped(ids) if kind is None else self._typed(kind)

    def _kind(self, catalog: Catalog) -> Kind | None:
        word = self._tree.get("type")
        if word is None:
            self._notes.fault(self._position, "missing-key", f"{self._what} needs 'type'")
            return None
        text = word.text if isinstance(word, Scalar) else ""
        if text not in catalog.kinds:
            known = sorted(catalog.kinds)
            hint = did_you_mean(text, known) or f"; there are {listed(known)}"
            self._notes.fault(word.position, "unknown-type", f"no node type '{text}'{hint}")
            return None
        return catalog.kinds[text]

    def _untyped(self, ids: Collection[str]) -> NodeDefinition:
        """Reads what every node has. Any other text that is a node's id is taken for a link.

        Otherwise one wrong word would bring a dozen faults about nodes that nothing leads to.
        """
        entries = self._tree.entries
        known = Table(self._tree.position, tuple(e for e in entries if e.key.text in _SHARED))
        fields = tuple(each for each in COMMON if each.key in _SHARED)
        common = self._values.read_fields(fields, known, self._what, self._position)
        own = (entry.value for entry in entries if entry.key.text not in _SHARED)
        guessed = (text for value in own for text in texts(value) if text.text in ids)
        links = [LinkUse((), text.text, text.position) for text in guessed]
        return NodeDefinition(
            self._id,
            self._position,
            self._tree,
            Common(type="", **common),
            None,
            links=(*self._notes.links, *links),
            writes=None,
        )

    def _typed(self, kind: Kind) -> NodeDefinition:
        fields = (*COMMON, *kind.fields)
        read = self._values.read_fields(fields, self._tree, self._what, self._position)
        common = {each.name: read[each.name] for each in COMMON if each.name in read}
        refused = refused_keys(kind.node_type)
        self._check_ways_out(kind, refused)
        settings = self._settings(kind, read)
        return NodeDefinition(
            self._id,
            self._position,
            self._tree,
            Common(**common),
            kind.node_type,
            settings,
            tuple(link for link in self._notes.links if link.path[0] not in refused),
            tuple(self._notes.templates),
            tuple(self._notes.references),
            _writes(kind, settings, self._notes.written),
        )

    def _check_ways_out(self, kind: Kind, refused: Collection[str]) -> None:
        node_type = kind.node_type
        for key in refused:
            if self._tree.get(key) is not None:
                message = f"{self._what} has no '{key}': it is of the type '{node_type.type}'"
                self._notes.fault(self._tree.position_of(key), "unknown-key", message)
        if node_type.has_next and self._tree.get("next") is None:
            self._notes.fault(self._position, "missing-key", f"{self._what} needs 'next'")

    def _settings(self, kind: Kind, read: Mapping[str, Any]) -> Any:
        if len(self._notes.faults) > self._faults_before:
            return None
        own = {each.name: read[each.name] for each in kind.fields if each.name in read}
        settings = kind.settings(**own)
        for key, message in kind.node_type.problems(settings):
            is_given = self._tree.get(key) is not None
            place = self._tree.position_of(key) if is_given else self._position
            self._notes.fault(place, "bad-settings", message)
        return settings


def _writes(kind: Kind, settings: Any, written: Collection[str]) -> frozenset[str] | None:
    beside = kind.node_type.writes(settings) if settings is not None else None
    if beside is None or any(has_template(name) for name in written):
        return None
    # A name may be a path: order.items[0] sets a part of order.
    return beside | {re.split(r"[.\[]", name, maxsplit=1)[0] for name in written}
