"""The ways through a process: which node leads where, and what lies on circles."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice

from engine.definition.fault import nearest
from engine.definition.process import Definition

_MOST_GUESSES = 50

Ways = Mapping[str, frozenset[str]]
"""The nodes that each node leads to."""


def ways_of(definition: Definition, *, with_errors: bool = True) -> Ways:
    """Gives the ways by every link, or by every link but `error`.

    A misspelt target is taken for the nearest node, or one wrong letter would make every node
    behind it unreachable.
    """
    ways: dict[str, set[str]] = {name: set() for name in definition.nodes}
    guesses = islice(definition.lost_links(), _MOST_GUESSES)
    guessed = ((node, link, nearest(link.target, ways)) for node, link in guesses)
    right = ((node, link, [link.target]) for node, link in definition.links())
    for node, link, meant in chain(right, guessed):
        if with_errors or not link.is_error:
            ways[node.id].update(meant)
    return {name: frozenset(below) for name, below in ways.items()}


def escalations(definition: Definition) -> frozenset[str]:
    """Finds the nodes of error paths: those that say so, and targets of `error` that don't say."""
    meant = {link.target for _, link in definition.links() if link.is_error}
    return frozenset(
        name
        for name, node in definition.nodes.items()
        if node.common.escalation or (node.common.escalation is None and name in meant)
    )


def reached(ways: Ways, begin: Iterable[str], closed: Collection[str] = ()) -> set[str]:
    """Gives the nodes that can be reached, themselves included, without entering closed ones."""
    found = set(begin)
    waiting = deque(found)
    while waiting:
        for name in ways[waiting.popleft()]:
            if name not in found and name not in closed:
                found.add(name)
                waiting.append(name)
    return found


def backwards(ways: Ways) -> Ways:
    """Turns every way round."""
    turned: dict[str, set[str]] = {name: set() for name in ways}
    for name, below in ways.items():
        for target in below:
            turned[target].add(name)
    return {name: frozenset(above) for name, above in turned.items()}


def short_cycles(definition: Definition) -> frozenset[str]:
    """Finds the nodes to which a way of at most three nodes leads back."""
    ways = ways_of(definition)
    return frozenset(name for name in ways if _comes_back(name, ways))


def _comes_back(name: str, ways: Ways) -> bool:
    return any(
        second == name or name in ways[second] or any(name in ways[third] for third in ways[second])
        for second in ways[name]
    )


def cycles(ways: Ways) -> list[frozenset[str]]:
    """Finds the groups of nodes that lead to each other: every circle lies in one of them."""
    return [
        group
        for group in groups(ways)
        if len(group) > 1 or any(name in ways[name] for name in group)
    ]


def groups(ways: Ways) -> list[frozenset[str]]:
    """Parts the nodes by which of them lead to each other; a group comes after those before it.

    Kosaraju's two walks, without recursion: a process may have thousands of nodes in a row.
    """
    order: list[str] = []
    seen: set[str] = set()
    for name in ways:
        _finish(name, ways, seen, order)
    turned = backwards(ways)
    done: set[str] = set()
    found = []
    for name in reversed(order):
        if name not in done:
            group = reached(turned, [name], done)
            done |= group
            found.append(frozenset(group))
    return found


def _finish(name: str, ways: Ways, seen: set[str], order: list[str]) -> None:
    """Walks in depth from a node and notes nodes in the order in which they are left."""
    if name in seen:
        return
    seen.add(name)
    stack = [(name, iter(ways[name]))]
    while stack:
        above, below = stack[-1]
        following = next((each for each in below if each not in seen), None)
        if following is None:
            order.append(above)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(ways[following])))
