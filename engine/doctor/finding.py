"""What an examination finds: what is wrong, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether something is broken, or only may become so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `check` is its fixed name; `rows` are ids of tasks or messages."""

    check: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    rows: tuple[str, ...] = ()


def warning(check: str, message: str, hint: str = "", rows: tuple[str, ...] = ()) -> Finding:
    """Makes a finding that is no fault yet."""
    return Finding(check, message, hint, Severity.WARNING, rows)


def counted(number: int, noun: str) -> str:
    """Writes a number of things."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
