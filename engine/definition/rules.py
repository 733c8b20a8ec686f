"""The names of all rules; `docs/process-file.md` says what to do about each."""

from collections.abc import Mapping

from engine.definition import checks, neighbours
from engine.definition.fault import Severity

# What is found while a file is read, before there is a process to apply rules to.
_READING = (
    "unreadable-file",
    "yaml-syntax",
    "duplicate-key",
    "too-many-aliases",
    "too-large",
    "too-many-faults",
    "unsupported-yaml",
    "unknown-key",
    "missing-key",
    "wrong-type",
    "unknown-type",
    "bad-name",
    "bad-settings",
    "template-syntax",
)


def rules() -> Mapping[str, Severity]:
    """Gives every rule with its severity."""
    errors = (*_READING, *checks.ERRORS, *neighbours.ERRORS)
    warnings = (*checks.WARNINGS, *neighbours.WARNINGS)
    return {
        **dict.fromkeys(errors, Severity.ERROR),
        **dict.fromkeys(warnings, Severity.WARNING),
    }
