"""Corezoid's `unixtime` and `date`: the moment of the visit, moved and written by a pattern.

A pattern has `%y %m %d %h %i %s`, each with an offset such as `+1` behind it. The offsets move
the moment, which then is carried: an hour after 23:30 is tomorrow, a month after 31 January is
the last day of February. All calls of a visit see the same moment.
Source: Corezoid, Functions (`$.unixtime`, `$.date`).
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import TemplateError
from engine.template.registry import as_scoped_function, checks_constant
from engine.template.sandbox import spend
from engine.template.scope import Scope
from engine.template.text import kind_of

LONGEST = 200
_MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
# An offset does not begin with 0: in `%y-01-01` January is meant, not a year less.
_PART = re.compile(r"%([ymdhis])([+-](?:0|[1-9][0-9]{0,8})(?![0-9]))?", re.ASCII)
_PIECE = re.compile(r"%([ymdhis])|([0-9]{1,4})|([-./:,])|(.)", re.ASCII | re.DOTALL)
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_FIELDS = {"y": "year", "m": "month", "d": "day", "h": "hour", "i": "minute", "s": "second"}


def _checked(pattern: str) -> str:
    if len(pattern) > LONGEST:
        raise TemplateError(f"a pattern has at most {LONGEST} characters")
    return pattern


def _readable(pattern: str) -> None:
    if pattern:
        _fields(_PART.sub(r"%\1", _checked(pattern)), _EPOCH)


@as_scoped_function("unixtime")
@checks_constant("pattern", _readable)
def unixtime(scope: Scope, pattern: Any = "", tz: Any = "") -> int:
    """Gives Unix seconds; with a zone, those at which UTC shows the zone's time of day."""
    moment, text = _moment(scope, pattern, tz, "unixtime")
    if text:
        moment = _made(_fields(_PART.sub(r"%\1", text), moment))
    return (moment - _EPOCH) // timedelta(seconds=1)


@as_scoped_function("date")
@checks_constant("pattern", _checked)
def date(scope: Scope, pattern: Any = "", tz: Any = "") -> str | int:
    """Writes the moment by a pattern; without one it gives Unix seconds."""
    moment, text = _moment(scope, pattern, tz, "date")
    if not text:
        return (moment - _EPOCH) // timedelta(seconds=1)
    return _PART.sub(lambda part: _written(moment, part[1]), text)


def _written(moment: datetime, letter: str) -> str:
    return f"{getattr(moment, _FIELDS[letter]):0{4 if letter == 'y' else 2}}"


def _moment(scope: Scope, pattern: Any, tz: Any, name: str) -> tuple[datetime, str]:
    """Gives the time of day in the zone, moved by the offsets of the pattern."""
    if not isinstance(pattern, str):
        raise TemplateError(f"'{name}' needs a pattern that is text, not {kind_of(pattern)}")
    spend(20 + 2 * len(_checked(pattern)))
    seconds = int(scope.call("now", (), {})) // _MICROSECONDS
    now = datetime.fromtimestamp(seconds, UTC if tz == "" else _zone(tz)).replace(tzinfo=None)
    offsets = dict.fromkeys("ymdhis", 0)
    for part in _PART.finditer(pattern):
        offsets[part[1]] += int(part[2] or 0)
    return _moved(now, offsets) if any(offsets.values()) else now, pattern


def _moved(now: datetime, by: dict[str, int]) -> datetime:
    year, month = divmod(now.year * 12 + now.month - 1 + 12 * by["y"] + by["m"], 12)
    try:
        last = monthrange(year, month + 1)[1]
        first = now.replace(year=year, month=month + 1, day=min(now.day, last))
        return first + timedelta(by["d"], by["s"], 0, 0, by["i"], by["h"])
    except (ValueError, OverflowError):
        raise TemplateError("the moment is not in the years 1 to 9999") from None


def _fields(pattern: str, moment: datetime) -> dict[str, int]:
    """Reads which part of the time each letter and number of a pattern without offsets gives.

    Letters say it themselves; numbers stand for hour, minute, second where there are colons, and
    else for year, month, day. What is not named is today, and midnight.
    """
    today = {"y": moment.year, "m": moment.month, "d": moment.day}
    named: dict[str, int] = {}
    for word in pattern.split():
        for letter, number in _word(word, pattern):
            if letter in named:
                raise TemplateError(f"'{pattern}' gives the same part of the time twice")
            named[letter] = int(number or getattr(moment, _FIELDS[letter]))
    return {**today, "h": 0, "i": 0, "s": 0, **named}


def _word(word: str, pattern: str) -> Iterator[tuple[str, str]]:
    pieces = list(_PIECE.finditer(word))
    if bad := next((piece[4] for piece in pieces if piece[4]), ""):
        raise TemplateError(
            f"unexpected '{bad}' in '{pattern}'; expected as in '%y-%m-%d 09:00:00'"
        )
    order = "his" if ":" in word else "ymd"
    parts = [piece for piece in pieces if not piece[3]]
    has_numbers = any(piece[2] for piece in parts)
    for place, piece in enumerate(parts):
        if has_numbers and (place > 2 or (piece[1] or order[place]) != order[place]):
            raise TemplateError(f"numbers in '{pattern}' stand as in '%y-%m-%d %h:%i:%s'")
        yield piece[1] or order[place], piece[2]


def _made(parts: dict[str, int]) -> datetime:
    try:
        year, month, day, hour, minute, second = (parts[letter] for letter in "ymdhis")
        return _EPOCH.replace(year, month, day, hour, minute, second)
    except ValueError as error:
        raise TemplateError(f"there is no such moment: {error}") from None


def _zone(name: Any) -> ZoneInfo:
    if not isinstance(name, str) or len(name) > 64 or not _ZONE.fullmatch(name):
        raise TemplateError("a time zone is named as in 'Europe/Kyiv'")
    return _found_zone(name)


@lru_cache(maxsize=512)
def _found_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TemplateError(f"there is no time zone '{name}'; one is 'Europe/Kyiv'") from None
