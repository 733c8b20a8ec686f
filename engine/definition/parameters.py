"""Which parameters a task can have when it comes into a node."""

from collections import deque
from collections.abc import Mapping

from engine.definition.process import Definition
from engine.definition.ways import ways_of


def parameters_before(definition: Definition) -> Mapping[str, frozenset[str]]:
    """Gives, for each node reached, every parameter that some way to it can have set.

    Nodes before which any parameter may have been set are left out. A process that declares no
    parameters takes any, so nothing is known about its tasks.
    """
    if not definition.params:
        return {}
    ways = ways_of(definition)
    declared = frozenset(definition.params)
    before: dict[str, frozenset[str] | None] = {
        node.id: declared
        for node in definition.nodes.values()
        if node.node_type is not None and node.node_type.is_start
    }
    waiting = deque(before)
    while waiting:
        name = waiting.popleft()
        after = _both(before[name], definition.nodes[name].writes)
        for target in ways[name]:
            joined = _both(before[target], after) if target in before else after
            if target not in before or joined != before[target]:
                before[target] = joined
                waiting.append(target)
    return {name: known for name, known in before.items() if known is not None}


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other
