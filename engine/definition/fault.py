"""What is wrong with a process file, where, and which rule says so."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a fault keeps a process from being put into force."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file, as editors count: both numbers begin with 1."""

    line: int
    column: int


TOP = Position(1, 1)

MOST_FAULTS = 200
"""So many of a kind are shown: a file that is none of ours must not keep the check busy."""
_MOST_COMPARED = 1000


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a file."""

    file: str
    line: int
    column: int
    rule: str
    severity: Severity
    message: str

    @property
    def is_error(self) -> bool:
        """Whether the process can't be put into force."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} ({self.rule})"


def fault_at(
    position: Position,
    rule: str,
    message: str,
    *,
    file: str = "",
    severity: Severity = Severity.ERROR,
) -> Fault:
    """Makes a fault at a position."""
    return Fault(file, position.line, position.column, rule, severity, message)


def nearest(name: str, known: Collection[str]) -> list[str]:
    """Gives the right name that a name may be meant as, if there is one."""
    if name in known:
        return [name]
    if len(known) > _MOST_COMPARED:
        return []
    return difflib.get_close_matches(name, list(known), 1)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Gives the end of a message that suggests the nearest right name, or nothing."""
    near = nearest(name, known)
    return f"; did you mean '{near[0]}'?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Writes names for a sentence: 'a', 'b' or 'c'."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return ", ".join(quoted[:-1]) + " or " + quoted[-1]
