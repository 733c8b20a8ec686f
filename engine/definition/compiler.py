"""From a definition without faults to the graph that tasks walk."""

import hashlib

from engine.core.graph import Graph, GraphNode
from engine.core.parameter import Parameter
from engine.definition.process import Definition, NodeDefinition, ParameterDefinition
from engine.definition.secrets import secrets_of
from engine.definition.ways import escalations, short_cycles
from engine.pattern import compile_pattern


def compile_graph(definition: Definition, *, version: int, conv_id: int) -> Graph:
    """Compiles a definition that has no errors.

    Raises:
        ValueError: it has; `load_files` and `load_text` give no such definitions.
    """
    short = short_cycles(definition)
    secrets = secrets_of(definition)
    aside = escalations(definition)
    return Graph(
        process=definition.process,
        title=definition.title,
        start=_start(definition),
        nodes={
            name: _node(
                definition.process,
                node,
                is_escalation=name in aside,
                is_in_short_cycle=name in short,
            )
            for name, node in definition.nodes.items()
        },
        version=version,
        conv_id=conv_id,
        status=definition.status,
        parameters={
            name: compile_parameter(name, each) for name, each in definition.params.items()
        },
        has_unique_refs=definition.unique_ref,
        history=definition.history,
        retention=definition.retention,
        loop_limit=definition.loop_limit,
        secrets=secrets.parameters,
        is_sealed=secrets.are_there,
        cleared=frozenset(name for name, each in definition.params.items() if each.auto_clear),
    )


def compile_parameter(name: str, written: ParameterDefinition) -> Parameter:
    """Compiles a declared parameter.

    Raises:
        ValueError: its pattern is not one.
    """
    return Parameter(
        name=name,
        type=written.type,
        required=written.required,
        default=written.default,
        regex=compile_pattern(written.regex) if written.regex else None,
        regex_error=written.regex_error,
        max_length=written.max_length,
        min_length=written.min_length,
        secret=written.secret,
        output=written.output,
        auto_clear=written.auto_clear,
        description=written.description,
    )


def hex_id(process: str, node: str) -> str:
    """Gives the id of a node in callback URLs: 24 hexadecimal digits, always the same."""
    return hashlib.sha256(f"{process}/{node}".encode()).hexdigest()[:24]


def _start(definition: Definition) -> str:
    starts = [
        name
        for name, node in definition.nodes.items()
        if node.node_type and node.node_type.is_start
    ]
    if len(starts) != 1:
        raise ValueError(f"the process '{definition.process}' has {len(starts)} start nodes")
    return starts[0]


def _node(
    process: str, node: NodeDefinition, *, is_escalation: bool, is_in_short_cycle: bool
) -> GraphNode:
    if node.node_type is None or node.settings is None:
        raise ValueError(f"the node '{node.id}' of the process '{process}' has faults")
    common = node.common
    return GraphNode(
        id=node.id,
        type=node.node_type,
        settings=node.settings,
        title=common.title or node.id,
        hex_id=hex_id(process, node.id),
        next=common.next or "",
        error=common.error or "",
        timeout=common.timeout,
        limit=common.limit,
        alert=common.alert,
        is_escalation=is_escalation,
        is_in_short_cycle=is_in_short_cycle,
    )
