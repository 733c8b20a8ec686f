"""Values and rows between JSON and databases, within the limits of a statement."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from engine.core.command import RunStatement, StatementFailed, StatementFailure
from engine.core.task import encode

_LARGEST = 2**63 - 1


class Stopped(Exception):
    """A statement is given up; its transaction is to be rolled back."""

    def __init__(self, failure: StatementFailure, description: str) -> None:
        super().__init__(description)
        self.failed = StatementFailed(failure, description)


class Rows:
    """Collects rows as JSON objects, and stops when they are too many or too large."""

    def __init__(self, names: Sequence[str], statement: RunStatement) -> None:
        """Takes the names of the columns.

        Raises:
            Stopped: two columns have the same name, so that one would hide the other.
        """
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            text = f"two columns are called '{twice}': give one another name with AS"
            raise Stopped(StatementFailure.REFUSED, text)
        self._names = names
        self._statement = statement
        self._bytes = 0
        self.found: list[dict[str, Any]] = []

    def add(self, values: Sequence[Any]) -> None:
        """Adds a row.

        Raises:
            Stopped: it is one too many.
        """
        limit = self._statement.max_rows
        if len(self.found) == limit:
            text = "more than one row" if limit == 1 else f"more than {limit} rows"
            raise Stopped(StatementFailure.TOO_MANY, f"the statement gives {text}")
        row = {name: as_json(value) for name, value in zip(self._names, values, strict=True)}
        self._bytes += len(encode(row)) + 1
        if self._bytes > self._statement.max_response_bytes:
            raise too_large(self._statement)
        self.found.append(row)


def too_large(statement: RunStatement) -> Stopped:
    """Makes the failure of a statement that answers with too much."""
    text = f"the statement gives more than {statement.max_response_bytes} bytes"
    return Stopped(StatementFailure.TOO_LARGE, text)


def as_json(value: Any) -> Any:
    """Turns a value of a driver into one of JSON: what has no type there becomes text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return exact_number(value)
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return b64encode(value).decode()
        case Mapping():
            return {str(name): as_json(member) for name, member in value.items()}
        case list() | tuple() | set() | frozenset():
            return [as_json(item) for item in value]
        case _:
            return str(value)


def exact_number(value: Decimal) -> int | float | str:
    """Gives a number if JSON's readers keep it exactly, otherwise its digits as text."""
    if not value.is_finite():
        return str(value)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0 and abs(value) <= _LARGEST:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def as_scalar(value: Any) -> Any:
    """Turns a value of JSON into what every driver can bind: lists and objects become JSON."""
    return encode(value).decode() if isinstance(value, list | dict) else value


def as_literal(value: Any) -> str:
    """Writes a value of JSON as PostgreSQL reads it for whatever type stands at its place."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return encode(value).decode()
