"""A scope for tests of templates: data, and names that are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.template import compile_expression, compile_template

NOW = 1_770_221_973_250_000
"""4 February 2026, 16:19:33.25 UTC, a Wednesday."""


@dataclass
class GivenScope:
    data: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    bits: int = 0
    called: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def name(self, name: str) -> Any:
        return self.names[name]

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function == "now":
            return NOW
        if function == "random_bits":
            return self.bits % 2 ** args[0]
        self.called.append((function, args, kwargs))
        return {"count": 3, "sums": {"paid": 12}}


def rendered(text: str, **data: Any) -> Any:
    """Renders a template over this data."""
    return compile_template(text).render(GivenScope(data))


def evaluated(expression: str, **data: Any) -> Any:
    """Evaluates an expression over this data."""
    return compile_expression(expression).render(GivenScope(data))
