"""What can be wrong with a template: when it is read, and when it is rendered."""

import difflib
from collections.abc import Iterable


class TemplateSyntaxFault(Exception):
    """A template can't be read.

    Line and column count from 1 and lie in the text that was compiled; `path` leads from the
    structure given to `compile_value` to that text.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.path: tuple[str | int, ...] = ()


class SourceFault(Exception):
    """An expression can't be read; becomes a TemplateSyntaxFault once line and column are known.

    `offset` counts characters from the beginning of the text.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Gives the end of a message that suggests the nearest right name, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean '{near[0]}'?" if near else ""
