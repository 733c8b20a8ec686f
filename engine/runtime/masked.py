"""Exceptions as the log tells them: with where they happened, without what is secret."""

import traceback

from engine.core.masking import Masker


def told(error: BaseException, masker: Masker) -> str:
    """Writes an exception with its traceback; what it says may hold the data it met."""
    return masker.text("".join(traceback.format_exception(error)).rstrip())
