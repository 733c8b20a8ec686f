"""Data given on the command line: `-d NAME=VALUE`, `-j NAME=JSON`, `--data JSON|@FILE|-`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from engine.errors import InvalidData
from engine.web.strict_json import repeated_name

Texts = Annotated[
    list[str] | None,
    typer.Option("-d", help="A parameter as text; may be repeated.", metavar="NAME=VALUE"),
]
Values = Annotated[
    list[str] | None,
    typer.Option("-j", help="A parameter as JSON; may be repeated.", metavar="NAME=JSON"),
]
Whole = Annotated[
    str | None,
    typer.Option("--data", help="All parameters: JSON, @FILE or - for standard input."),
]


def given_data(
    texts: list[str] | None, values: list[str] | None, whole: str | None
) -> dict[str, Any]:
    """Puts the data together; single parameters win over `--data`.

    Raises:
        InvalidData: something is not JSON, or has no name.
    """
    data: dict[str, Any] = _whole(whole) if whole is not None else {}
    for item in texts or ():
        name, value = _split(item, "-d")
        data[name] = value
    for item in values or ():
        name, value = _split(item, "-j")
        data[name] = _json(value, f"-j {name}")
    return data


def _whole(text: str) -> dict[str, Any]:
    if text == "-":
        text, where = sys.stdin.read(), "standard input"
    elif text.startswith("@"):
        where = text[1:]
        try:
            text = Path(where).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidData(f"{where} can't be read: {error}") from None
    else:
        where = "--data"
    value = _json(text, where)
    if not isinstance(value, dict):
        raise InvalidData(f'{where} must be a JSON object, like \'{{"phone": "+15551234567"}}\'')
    return value


def _json(text: str, where: str) -> Any:
    try:
        value = msgspec.json.decode(text)
        name = repeated_name(text.encode(), value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidData(f"{where} is not JSON: {error}") from None
    if name is not None:
        raise InvalidData(f"{where} has '{name}' twice in one object")
    return value


def _split(item: str, option: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name:
        # Not quoted: it may be a secret whose name was forgotten.
        raise InvalidData(f"what follows {option} must be NAME=VALUE")
    return name, value
