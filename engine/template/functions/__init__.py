"""The filters, functions and tests of templates, a family a file; importing them lists them."""

from engine.template.functions import (
    collection,
    conversion,
    encoding,
    kind,
    moment,
    number,
    selection,
    text,
)

__all__ = ["collection", "conversion", "encoding", "kind", "moment", "number", "selection", "text"]
