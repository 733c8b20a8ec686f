"""Regular expressions that people write: RE2, whose time is linear in the text."""

import re2

from engine.core.parameter import Pattern

LONGEST = 1000


def compile_pattern(text: str) -> Pattern:
    """Compiles a pattern for searching (unanchored).

    Raises:
        ValueError: it is not one, or uses look-around or back-references, which RE2 has not.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters, this one has {len(text)}")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not a pattern"
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(shown) from None
    return compiled
