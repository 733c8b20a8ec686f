"""What a template is rendered against."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Scope(Protocol):
    """A task's data, and what only the engine can tell."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The task's data; its keys are the names at the root."""

    def name(self, name: str) -> Any:
        """Gives the value of a reserved name: root, env, error or one that the node adds."""

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a function that needs the engine, such as `callback_url`."""


Evaluate = Callable[[Scope], Any]
"""A compiled expression."""
