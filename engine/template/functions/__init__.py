"""The filters, functions and tests of templates, a family a file; importing them lists them."""

from engine.template.functions import (
    arithmetic,
    calendar,
    chance,
    collection,
    comparing,
    conversion,
    encoding,
    kind,
    mapping,
    moment,
    number,
    pattern,
    selection,
    text,
)

__all__ = [
    "arithmetic",
    "calendar",
    "chance",
    "collection",
    "comparing",
    "conversion",
    "encoding",
    "kind",
    "mapping",
    "moment",
    "number",
    "pattern",
    "selection",
    "text",
]
