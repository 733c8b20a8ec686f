"""Exact sums: whole numbers of billionths, so that adding never rounds."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any

PLACES = 9
GREATEST = 10**18
"""The greatest number that can be added at once."""
_ONE = 10**PLACES
_DIGITS = 60


def billionths(value: Any) -> int:
    """Reads a number, or a text that is one, to nine places after the point.

    Raises:
        ValueError: it is none, or greater than can be added at once.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no number")  # noqa: TRY004 -- a value as any other
    try:
        # By its text: 0.1 is one tenth, as its author meant it.
        number = Decimal(str(value).strip())
        if not number.is_finite() or abs(number) > GREATEST:
            raise ValueError("no number that can be added")
        with localcontext(prec=_DIGITS):
            return int((number * _ONE).to_integral_value(ROUND_HALF_EVEN))
    except InvalidOperation:
        raise ValueError("no number") from None


def number_of(amount: int) -> int | float:
    """Gives the number of so many billionths: whole if it is."""
    whole, rest = divmod(amount, _ONE)
    return float(Decimal(amount) / _ONE) if rest else whole
