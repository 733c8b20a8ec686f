"""From an HTTP answer to what the task gets of it."""

import json
import math
from base64 import b64encode
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from functools import lru_cache
from typing import Any, assert_never
from urllib.parse import parse_qsl

from engine.errors import TemplateError
from engine.node import (
    ErrorKind,
    Fail,
    Go,
    HttpAnswer,
    Outcome,
    Visit,
    as_text,
)
from nodes.api_call.ops import read_ops
from nodes.api_call.settings import Settings
from nodes.api_call.xml import read_xml

SHOWN = 300
"""How many characters of a body a description quotes."""
CODES = ("__conveyor_api_return_http_code__", "__conveyor_api_return_code__")
_SYSTEM = (
    "__conveyor_",
    "__rpc_",
    "__copy_",
    "__modify_",
    "__queue_",
    "__callback_url",
    "__headers",
)
_FORM = "application/x-www-form-urlencoded"
_MUST_HAVE_BODY = frozenset({200, 201})


class Kind(StrEnum):
    """What a body turned out to be."""

    VALUE = "value"  # of any JSON type
    IMAGE = "image"  # as base64 text
    EMPTY = "empty"
    TEXT = "text"  # of a type that promises nothing, and not JSON
    BROKEN = "broken"  # not what its type promises; the text as it came


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body as JSON."""

    kind: Kind
    value: Any


def take_answer(settings: Settings, visit: Visit, answer: HttpAnswer) -> Outcome:
    """Says how the node ends when this answer has come."""
    parsed = parse_body(answer)
    if settings.ops is not None:
        return _take_ops(settings, visit, answer, parsed)
    if not 200 <= answer.status < 300:
        changes = _written_on_error(settings, visit, answer, parsed)
        return _failed(answer, "api_bad_answer", _quote(answer), changes)
    if not _is_usable(settings, visit, answer, parsed):
        return _failed(answer, "api_no_valid_json", f"Not valid http result json({_shown(answer)})")
    changes = _mapped(settings, visit, answer, parsed) if settings.response else _merged(parsed)
    return Go(changes=changes, removed=stale_codes(visit))


def stale_codes(visit: Visit) -> tuple[str, ...]:
    """Names what an earlier error answer left."""
    return tuple(name for name in CODES if name in visit.data)


def _failed(
    answer: HttpAnswer, tag: str, description: str, changes: dict[str, Any] | None = None
) -> Fail:
    codes = dict.fromkeys(CODES, answer.status)
    return Fail(ErrorKind.SOFTWARE, tag, description, {**(changes or {}), **codes})


def _is_usable(settings: Settings, visit: Visit, answer: HttpAnswer, parsed: Parsed) -> bool:
    match parsed.kind:
        case Kind.VALUE | Kind.IMAGE:
            return True
        case Kind.BROKEN:
            return False
        case Kind.TEXT:
            return bool(settings.response)
        case Kind.EMPTY:
            return (
                bool(settings.response)
                or answer.status not in _MUST_HAVE_BODY
                or as_text(settings.method.render(visit)).upper() == "HEAD"
            )
        case _:
            assert_never(parsed.kind)


# What is written


def _merged(parsed: Parsed) -> dict[str, Any]:
    value = parsed.value
    if parsed.kind is Kind.EMPTY:
        return {}
    if parsed.kind is Kind.IMAGE:
        return {"__conveyor_api_image__": value}
    if isinstance(value, dict):
        return without_system_names(value)
    return {"__conveyor_api_array__" if isinstance(value, list) else "__conveyor_api_body__": value}


def without_system_names(value: dict[str, Any]) -> dict[str, Any]:
    """Keeps an answer from posing as the engine."""
    return {name: each for name, each in value.items() if not name.startswith(_SYSTEM)}


def _mapped(settings: Settings, visit: Visit, answer: HttpAnswer, parsed: Parsed) -> dict[str, Any]:
    scope = visit.with_names(
        {"status": answer.status, "header": _header(answer), "body": parsed.value}
    )
    return {
        as_text(name.render(visit)): value.render(scope)
        for name, value in settings.response.items()
    }


def _written_on_error(
    settings: Settings, visit: Visit, answer: HttpAnswer, parsed: Parsed
) -> dict[str, Any]:
    """Merges or maps an error answer too; a mapping made for good answers may not fit it."""
    if settings.response:
        try:
            return _mapped(settings, visit, answer, parsed)
        except TemplateError:
            return {}
    return without_system_names(parsed.value) if isinstance(parsed.value, dict) else {}


def _header(answer: HttpAnswer) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in answer.headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _take_ops(settings: Settings, visit: Visit, answer: HttpAnswer, parsed: Parsed) -> Outcome:
    data, tag, description = read_ops(parsed.value)
    written = without_system_names(data)
    if settings.response:
        written = _written_on_error(settings, visit, answer, parsed)
    if not 200 <= answer.status < 300:
        return _failed(answer, "api_bad_answer", _quote(answer), written)
    if parsed.kind is not Kind.VALUE:
        return _failed(answer, "api_no_valid_json", f"Not valid http result json({_shown(answer)})")
    if tag:
        return _failed(answer, tag, description, written)
    return Go(changes=written, removed=stale_codes(visit))


# Reading


def parse_body(answer: HttpAnswer) -> Parsed:
    """Reads a body by its content type; never fails, whatever came."""
    if not answer.body:
        return Parsed(Kind.EMPTY, "")
    written = next((value for name, value in answer.headers if name == "content-type"), "")
    type_, charset = _content_type(written)
    if type_.startswith("image/"):
        return Parsed(Kind.IMAGE, b64encode(answer.body).decode())
    text = _decoded(answer.body, charset)
    try:
        return Parsed(Kind.VALUE, _value(type_, text))
    except (ValueError, RecursionError):
        return Parsed(Kind.BROKEN if _promises(type_) else Kind.TEXT, text)


@lru_cache(maxsize=256)
def _content_type(written: str) -> tuple[str, str]:
    if ";" not in written:
        return written.strip().lower(), "utf-8"
    message = Message()
    message["content-type"] = written
    return message.get_content_type(), message.get_content_charset("utf-8")


def _decoded(body: bytes, charset: str) -> str:
    try:
        text = body.decode(charset, "replace")
    except (LookupError, ValueError):
        text = body.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _is_json(type_: str) -> bool:
    return type_ in {"application/json", "text/json"} or type_.endswith("+json")


def _is_xml(type_: str) -> bool:
    return type_ in {"application/xml", "text/xml"} or type_.endswith("+xml")


def _promises(type_: str) -> bool:
    return _is_json(type_) or _is_xml(type_) or type_ == _FORM


def _value(type_: str, text: str) -> Any:
    if type_ == _FORM:
        return dict(parse_qsl(text, keep_blank_values=True))
    if _is_xml(type_):
        return read_xml(text)
    value = _JSON.decode(text)
    # A lone half of a surrogate pair is legal in JSON's syntax and can't be stored.
    if "\\ud" in text.lower():
        whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        value = json.loads(whole)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is greater than any number that can be kept")
    return number


_JSON = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
"""Integers are exact, however long; NaN and Infinity are no JSON."""


def _quote(answer: HttpAnswer) -> str:
    return f"{answer.status} {_shown(answer)}".rstrip()


def _shown(answer: HttpAnswer) -> str:
    return answer.body[: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN]
