"""What nobody is to see, of all processes and settings together."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.core.graph import Graph
from engine.core.masking import NOTHING_HIDDEN
from engine.definition import Definition
from engine.definition.secrets import Secrets, secrets_of


class Hiding:
    """Collects secret values, and says which processes have some."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.masker = NOTHING_HIDDEN
        self._variables = variables
        self._secret_variables: frozenset[str] = frozenset()

    def hide(self, values: Iterable[Any], variables: Iterable[str]) -> None:
        """Hides values wherever they stand; a process that reads these variables has secrets."""
        self.masker = self.masker.plus(values)
        self._secret_variables |= frozenset(variables)

    def take(self, graph: Graph, definition: Definition) -> Graph:
        """Hides what a process names as secret; gives its graph, which says whether it does."""
        secrets = secrets_of(definition)
        variables = (self._variables.get(name) for name in secrets.credentials)
        self.masker = self.masker.plus([*secrets.words, *variables])
        return replace(graph, is_sealed=self._has(secrets))

    def is_sealed(self, definition: Definition) -> bool:
        """Whether a process has something secret."""
        return self._has(secrets_of(definition))

    def _has(self, secrets: Secrets) -> bool:
        return secrets.are_there or bool(secrets.variables & self._secret_variables)
