"""Moments in time that a text names. What time it is now, no template asks: it is passed in."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from engine.errors import TemplateError
from engine.template.registry import as_filter_and_function
from engine.template.text import kind_of

LONGEST = 64


@as_filter_and_function("timestamp")
def timestamp(value: Any) -> int:
    """Gives the Unix seconds of a time in ISO 8601 or, as in e-mail and HTTP, RFC 2822."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise TemplateError(f"'timestamp' needs the text of a time, not {kind_of(value)}")
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except ValueError:
            continue
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    raise TemplateError("'timestamp' needs a time in ISO 8601 or RFC 2822")
