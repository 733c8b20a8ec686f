"""Lengths of time, as people write them and as the engine keeps them."""

import re

MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
MICROSECONDS["d"] = 24 * MICROSECONDS["h"]
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
LONGEST = 100 * 366 * MICROSECONDS["d"]


class Duration(int):
    """A length of time in microseconds; written `500ms`, `30s`, `5m`, `2h`, `7d` or in seconds."""

    __slots__ = ()

    @property
    def seconds(self) -> float:
        """The same as seconds."""
        return self / MICROSECONDS["s"]

    def __str__(self) -> str:
        """Writes it with the largest unit that divides it."""
        for unit in ("d", "h", "m", "s"):
            if self and self % MICROSECONDS[unit] == 0:
                return f"{self // MICROSECONDS[unit]}{unit}"
        return f"{self / 1000:g}ms"


NO_TIME = Duration(0)


def parse_duration(value: object) -> Duration:
    """Reads a duration.

    Raises:
        ValueError: it is not a duration, or longer than a hundred years.
    """
    if isinstance(value, bool):
        amount = None
    elif isinstance(value, int | float):
        amount = value * MICROSECONDS["s"]
    elif isinstance(value, str) and (found := _WRITTEN.fullmatch(value.strip())):
        amount = float(found[1]) * MICROSECONDS[found[2]]
    else:
        amount = None
    if amount is None or not 0 <= amount <= LONGEST:
        raise ValueError(
            f"{value!r} is not a duration: write 500ms, 30s, 5m, 2h, 7d or a number of seconds"
        )
    return Duration(round(amount))
