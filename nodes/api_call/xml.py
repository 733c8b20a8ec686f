"""XML as JSON and back: '@name' is an attribute, '#value' text, a list repeated elements."""

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape, quoteattr

from engine.node import encode

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
DEEPEST = 100
_NAME = re.compile(r"[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NEWLINES = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def write_xml(value: Any) -> str:
    """Writes a document.

    Raises:
        ValueError: there is not exactly one root, or a name or text is none that XML has.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("an XML body has exactly one root element")
    ((name, content),) = value.items()
    if isinstance(content, list) or name[:1] in {"@", "#"}:
        raise ValueError("an XML body has exactly one root element")
    return PROLOG + "".join(_element(name, content, 0))


def _element(name: str, content: Any, depth: int) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' can't be the name of an XML element or attribute")
    if depth > DEEPEST:
        raise ValueError(f"an XML body is nested at most {DEEPEST} deep")
    if isinstance(content, list):
        for item in content:
            yield from _element(name, item, depth + 1)
        return
    if not isinstance(content, dict):
        yield f"<{name}>{escape(_text(content))}</{name}>"
        return
    yield f"<{name}{''.join(_attributes(content))}>"
    for key, value in content.items():
        if key == "#value":
            yield escape(_text(value))
        elif not key.startswith("@"):
            yield from _element(key, value, depth + 1)
    yield f"</{name}>"


def _attributes(content: dict[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if key.startswith("@"):
            if not _NAME.fullmatch(key[1:]):
                raise ValueError(f"'{key}' can't be the name of an XML element or attribute")
            yield f" {key[1:]}={quoteattr(_text(value), _NEWLINES)}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else encode(value).decode()
    if _FORBIDDEN.search(text):
        raise ValueError("an XML body can't hold control characters")
    return text


def read_xml(text: str) -> dict[str, Any]:
    """Reads a document; names keep their prefixes, all values are text.

    Raises:
        ValueError: it is no well-formed XML, has a document type (the door for entity bombs and
            files of ours), or is nested too deep.
    """
    reader = _Reader()
    parser = ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 -- expat has no keyword
    except ExpatError as error:
        raise ValueError(f"not XML: {error}") from None
    return reader.root


class _Reader:
    """Builds the document while expat walks through it; no recursion."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]

    def refuse(self, *_: object) -> None:
        raise ValueError("not taken: the XML has a document type")

    def start(self, _: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEEPEST:
            raise ValueError(f"not taken: the XML is nested more than {DEEPEST} deep")
        self._open.append(({f"@{name}": value for name, value in attributes.items()}, []))

    def text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, name: str) -> None:
        content, texts = self._open.pop()
        text = "".join(texts)
        value: Any = content
        if not content:
            value = text
        elif text.strip():
            content["#value"] = text.strip()
        _add(self._open[-1][0], name, value)


def _add(parent: dict[str, Any], name: str, value: Any) -> None:
    if name not in parent:
        parent[name] = value
    elif isinstance(parent[name], list):
        parent[name].append(value)
    else:
        parent[name] = [parent[name], value]
