"""The value of what is not there."""

from collections.abc import Iterator
from typing import Any, Final


class Missing:
    """Behaves as an empty text; never leaves the evaluation of an expression."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is self or (isinstance(other, str) and other == "")

    def __hash__(self) -> int:
        return hash("")

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def settled(value: Any) -> Any:
    """Gives the value as it may stand in data: the empty text for a missing one."""
    return "" if value is MISSING else value
