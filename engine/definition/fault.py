"""What is wrong with a process file, where, and which rule says so."""

import difflib
import threading
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
LONGEST_MESSAGE = 1000
"""Characters of a message: it may hold a name from the file, and that a megabyte."""
LONGEST_NAME = 100
"""Characters of a name that is compared with others to guess what was meant."""
MOST_COMPARED = 2_000_000
"""Pairs of characters that are compared for one file, to guess what was meant: 0.2 s."""
_A_NAME = 30  # what the comparison of two names takes beside their characters


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
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 1]}…"
    return Fault(file, position.line, position.column, rule, severity, message)


class _Comparisons(threading.local):
    left = MOST_COMPARED


_comparisons = _Comparisons()


def begin_guessing() -> None:
    """Lets names be compared anew: a file, or a workspace, that is full of wrong ones has ended."""
    _comparisons.left = MOST_COMPARED


def nearest(name: str, known: Collection[str]) -> list[str]:
    """Gives the right name that a name may be meant as, if there is one.

    None for a long one, or once enough names of the file were compared: the first faults of a file
    that is full of them say enough.
    """
    if name in known:
        return [name]
    if len(name) > LONGEST_NAME or _comparisons.left <= 0:
        return []
    size = len(name)
    # With three times as many characters as seven of the other, no name is alike enough.
    alike = [each for each in known if 3 * size <= 7 * len(each) <= 17 * size]
    _comparisons.left -= sum(_A_NAME + size * len(each) for each in alike)
    if _comparisons.left <= 0:
        return []
    return difflib.get_close_matches(name, alike, 1)


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
