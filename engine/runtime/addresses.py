"""Callback URLs: what is given to the outside, and which node one leads to."""

import hmac
from dataclasses import dataclass

from engine.core.graph import Graph, GraphNode
from engine.errors import NotAllowed, TemplateError
from engine.runtime.versions import Versions

CALLBACK_PATH = "/api/1/json/callback"
PLUGIN_PATH = "/api/1/json/plugins"
HASH_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Target:
    """A node that a callback URL leads to."""

    graph: Graph
    node: GraphNode


class Addresses:
    """Makes callback URLs, and finds their nodes; `public_url` is what they begin with.

    A URL that was given out stays good: where a later version has no such node, it leads to the
    node that a deploy named instead, or to the newest version that had it.
    """

    def __init__(self, versions: Versions, public_url: str) -> None:
        self.public_url = public_url
        self._versions = versions
        self._by_hex: dict[str, tuple[str, str]] = {}
        self._looked_at: set[tuple[str, int]] = set()

    def url(self, process: str, node: str, plugin: str) -> str:
        """Gives a node's callback URL.

        Raises:
            TemplateError: there is no such node, or it takes no callbacks.
        """
        graph, row = self._versions.called_back(process, node), self._versions.row(process)
        if row is None:
            raise TemplateError(f"callback_url: there is no process '{process}'")
        if graph is None:
            raise TemplateError(f"callback_url: '{process}' has no callback node '{node}'")
        tail = f"{graph.nodes[node].hex_id}/{row.callback_hash}"
        if plugin:
            return f"{self.public_url}{PLUGIN_PATH}/{plugin}/{row.conv_id}/{tail}"
        return f"{self.public_url}{CALLBACK_PATH}/{tail}"

    def target(self, hex_id: str, callback_hash: str, conv_id: int | None) -> Target:
        """Finds the node that a callback URL leads to.

        Raises:
            NotAllowed: the hash is wrong, or there is nothing there; which of both is not told.
        """
        process, node = self._find(hex_id) or ("", "")
        row = self._versions.row(process)
        expected = row.callback_hash if row else "0" * HASH_LENGTH
        is_right = hmac.compare_digest(expected.encode(), callback_hash.encode())
        if not is_right or row is None or conv_id not in (None, row.conv_id):
            raise NotAllowed("Access denied")
        graph = self._versions.called_back(process, node)
        if graph is None:
            raise NotAllowed("Access denied")
        return Target(graph, graph.nodes[node])

    def _find(self, hex_id: str) -> tuple[str, str] | None:
        for is_older in (False, True):
            if hex_id not in self._by_hex:
                self._look(is_older=is_older)
        found = self._by_hex.get(hex_id)
        return found and (found[0], self._versions.named_now(*found))

    def _look(self, *, is_older: bool) -> None:
        """Learns the ids of the newest versions, or of the older ones, since the last look."""
        for row in list(self._versions.rows()):
            every = [version.version for version in self._versions.of(row.process)]
            for version in every[:-1] if is_older else every[-1:]:
                key = (row.process, version)
                if key not in self._looked_at:
                    self._looked_at.add(key)
                    self._learn(self._versions.graph(*key))

    def _learn(self, graph: Graph | None) -> None:
        if graph is not None:
            for node in graph.nodes.values():
                self._by_hex[node.hex_id] = (graph.process, node.id)
