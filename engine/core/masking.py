"""Secret values in texts: found in the forms in which they are written, and hidden."""

import json
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from engine.core.value import as_text

HIDDEN = "***"
SHORTEST = 4
"""Shorter values stand in too many words; a parameter's own is hidden by its name all the same."""
_LINE = 8
"""How long a line of a secret must be to be one of its own, as those of a key's PEM text are."""
_HEAD = 16
"""How much of a longer secret is known for it where a text was cut off."""
_TAIL = 8
"""How much is enough where the text ends."""
_CORE = 6
"""How long a piece of base64 must be that is hidden without its beginning and its end."""
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_ESCAPE = re.compile(r"(?<=\\u)[0-9a-f]{4}")


class Masker:
    """Hides some values, in whatever text they stand. Built seldom, asked often."""

    __slots__ = ("_forms", "texts")

    def __init__(self, texts: Collection[str] = ()) -> None:
        self.texts = frozenset(texts)
        found = {form for text in self.texts for form in forms_of(text)}
        # The longest first: what it holds must not be taken out of it before.
        self._forms = sorted(found, key=lambda form: (-len(form), form))

    def plus(self, values: Iterable[Any]) -> "Masker":
        """Gives one that hides these values too, and all that is in them."""
        more = {text for value in values for text in texts_in(value)} - self.texts
        return _masker(self.texts | more) if more else self

    def text(self, text: str) -> str:
        """Gives a text without the values, also where one of them was cut off."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        for form in self._forms:  # then only: two forms may begin alike
            if len(form) > _HEAD and form[:_HEAD] in text:
                text = _without_parts(text, form)
            if len(form) > _TAIL and form[:_TAIL] in text[-_HEAD:]:
                text = _without_end(text, form)
        return text

    def value(self, value: Any) -> Any:
        """Gives a JSON value whose texts, names and numbers have been gone through."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        if isinstance(value, bool) or value is None:
            return value
        return HIDDEN if as_text(value) in self.texts else value

    def __bool__(self) -> bool:
        return bool(self._forms)


@lru_cache(maxsize=64)
def _masker(texts: frozenset[str]) -> Masker:
    """Makes one; tasks of a process often have the same secrets."""
    return Masker(texts)


NOTHING_HIDDEN = Masker()


def texts_in(value: Any) -> Iterator[str]:
    """Yields what is secret of a secret value: its texts and numbers that are long enough."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)
    elif not isinstance(value, bool) and value is not None:
        text = as_text(value)
        lines = [line for line in text.splitlines() if len(line.strip()) >= _LINE]
        for part in {text, text.strip(), *(line.strip() for line in lines)}:
            if len(part.strip()) >= SHORTEST:
                yield part


@lru_cache(maxsize=1024)
def forms_of(text: str) -> tuple[str, ...]:
    """Gives every form in which a secret is looked for."""
    data = text.encode("utf-8", "surrogatepass")
    quoted = {
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        quote(data, safe="/:@!$&'()*+,;="),
    }
    escaped = {
        form.replace("/", slash)
        for form in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        for slash in ("/", "\\/")
    }
    forms = {text, escape(text), data.hex(), data.hex().upper(), *quoted, *escaped}
    forms |= {_PERCENT.sub(lambda found: found[0].lower(), form) for form in quoted}
    forms |= {_ESCAPE.sub(lambda found: found[0].upper(), form) for form in escaped}
    return tuple({*forms, *_base64_forms(data)})


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yields the value in base64, alone and amid other bytes, as a password in `user:password`.

    What stands before it may shift it by one or two bytes, and the characters at its ends depend
    on its neighbours.
    """
    for shift, shared in ((0, 0), (1, 2), (2, 3)):
        whole = b64encode(bytes(shift) + data).decode()
        bare = whole.rstrip("=")
        core = bare[shared : len(bare) - (len(bare) < len(whole))]
        for form in (whole, bare, core) if not shift else (core,):
            if len(form) >= _CORE:
                yield form
                yield form.replace("+", "-").replace("/", "_")


def _without_parts(text: str, form: str) -> str:
    """Hides beginnings of a value, as far as the text goes on like it."""
    at = text.find(form[:_HEAD])
    while at >= 0:
        end = _HEAD
        while end < len(form) and text[at + end : at + end + 1] == form[end]:
            end += 1
        text = text[:at] + HIDDEN + text[at + end :]
        at = text.find(form[:_HEAD], at + len(HIDDEN))
    return text


def _without_end(text: str, form: str) -> str:
    """Hides the beginning of a value with which a text ends."""
    for length in range(min(len(form) - 1, _HEAD), _TAIL - 1, -1):
        if text.endswith(form[:length]):
            return text[:-length] + HIDDEN
    return text


def masker_of(
    names: Collection[str], common: Masker, data: Mapping[str, Any], more: Mapping[str, Any] | None
) -> Masker:
    """Gives what hides the parameters of these names, as they are and as they are to become."""
    if not names:
        return common
    datas = (data, more) if more else (data,)
    return common.plus(each[name] for each in datas for name in names if name in each)
