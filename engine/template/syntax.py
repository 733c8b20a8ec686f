"""Text to syntax trees: finds the expressions in a text and has Jinja2 parse each.

Jinja2 counts lines only. Its parser hands on whatever its tokens carry as line number, so the
tokens here carry their offset: every node of the tree and every syntax error then says where
it stands to the character. Jinja2 is not used to render anything.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from engine.template.fault import SourceFault
from engine.template.sandbox import (
    DEEPEST_BRACKETS,
    LARGEST_INTEGER,
    LONGEST_EXPRESSION,
    LONGEST_EXPRESSIONS,
    LONGEST_TEMPLATE,
    MOST_EXPRESSIONS,
)

_ENVIRONMENT = Environment(autoescape=False)  # noqa: S701 -- it never renders

_MARK = re.compile(r"\{[{%#]")
_STRING_OR_BRACKET = re.compile(
    r"""'[^'\\]*(?:\\.[^'\\]*)*' | "[^"\\]*(?:\\.[^"\\]*)*" | [\[\](){}'"]""",
    re.DOTALL | re.VERBOSE,
)
_GOOD_ESCAPE = re.compile(
    r"""\\(?:[\\'"abfnrtv\r\n]|[0-3]?[0-7]{1,2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}"""
    r"""|U[0-9a-fA-F]{8}|N\{)"""
)
_TOO_LONG = "the expressions of a text have together at most"
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression of a text; `offset` is where it begins there."""

    source: str
    offset: int


def pieces(text: str) -> Iterator[str | Piece]:
    """Cuts a text into what is taken word for word and the expressions in `{{ }}`.

    Raises:
        SourceFault: braces that don't close, a statement, or more than the limits allow.
    """
    if len(text) > LONGEST_TEMPLATE and _MARK.search(text):
        raise SourceFault(f"a text with expressions has at most {LONGEST_TEMPLATE} characters", 0)
    position = found = size = 0
    while mark := _MARK.search(text, position):
        start = mark.start()
        if mark.group() != "{{":
            raise SourceFault(_statement(mark.group()), start)
        if start > position:
            yield text[position:start]
        found += 1
        if found > MOST_EXPRESSIONS:
            raise SourceFault(f"a text has at most {MOST_EXPRESSIONS} expressions", start)
        end = _end(text, start)
        size += end - start
        if size > LONGEST_EXPRESSIONS:
            raise SourceFault(f"{_TOO_LONG} {LONGEST_EXPRESSIONS} characters", start)
        yield _piece(text, start + 2, end)
        position = end + 2
    if position < len(text):
        yield text[position:]


def _statement(mark: str) -> str:
    what = "statements" if mark == "{%" else "comments"
    return f"only expressions are allowed, no {what}; for the characters write {{{{ '{mark}' }}}}"


def _end(text: str, start: int) -> int:
    """Finds the `}}` that closes the `{{` at `start`."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text, start + 2):
        mark = match.group()
        if mark in ("'", '"'):
            raise SourceFault(
                f"a text in the expression is not closed: expected {mark}", match.start()
            )
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            if depth:
                depth -= 1
            elif text.startswith("}}", match.start()):
                return match.start()
            else:
                raise SourceFault(f"unexpected '{mark}'", match.start())
    raise SourceFault("'{{' is not closed: expected '}}'", start)


def _piece(text: str, start: int, end: int) -> Piece:
    source = text[start:end]
    if source[:1] in ("-", "+") or source[-1:] in ("-", "+"):
        place = start if source[0] in "-+" else end - 1
        raise SourceFault(
            "whitespace control is not supported; put a space between brace and sign", place
        )
    if not source.strip():
        raise SourceFault("there is no expression between '{{' and '}}'", start - 2)
    return Piece(source, start)


def parse(source: str) -> nodes.Expr:
    """Parses one expression; `lineno` of every node is its offset in the source.

    Raises:
        SourceFault: it is no expression.
    """
    if not source.strip():
        raise SourceFault("there is no expression", 0)
    if source.lstrip().startswith("{{"):
        raise SourceFault("this is an expression already: leave out '{{' and '}}'", 0)
    if len(source) > LONGEST_EXPRESSION:
        raise SourceFault(f"an expression has at most {LONGEST_EXPRESSION} characters", 0)
    parser = Parser(_ENVIRONMENT, "")
    try:
        parser.stream = TokenStream(_tokens(source), None, None)
        tree = parser.parse_expression()
    except TemplateSyntaxError as error:
        raise SourceFault(_message(error), min(error.lineno, len(source))) from None
    except RecursionError:
        raise SourceFault("the expression is nested too deeply", 0) from None
    rest = parser.stream.current
    if rest.type != "eof":
        raise SourceFault(_left_over(rest), rest.lineno)
    return tree


def _message(error: TemplateSyntaxError) -> str:
    message = (error.message or "not an expression").replace("of template", "of the expression")
    return message[:1].lower() + message[1:]


def _left_over(token: Token) -> str:
    if token.type == "assign":
        return "unexpected '='; equal is written '=='"
    if token.type == "comma":
        return "unexpected ','; an array is written [a, b]"
    return f"unexpected '{token.value}' after the expression"


def _tokens(source: str) -> Iterator[Token]:
    lexer = _ENVIRONMENT.lexer
    # Jinja2 makes one character of the two at the end of a line; the offsets must not move.
    return lexer.wrap(_located(source.replace("\r", " ")))


def _located(source: str) -> Iterator[tuple[int, str, str]]:
    offset = depth = 0
    tokens = _ENVIRONMENT.lexer.tokeniter(source, None, state="variable")
    while True:
        try:
            _, kind, value = next(tokens)
        except StopIteration:
            return
        except TemplateSyntaxError as error:
            raise SourceFault(_lexical(error, source, offset), offset) from None
        if kind == "variable_end":
            raise SourceFault("unexpected '}}': this is an expression without braces", offset)
        depth += (value in _OPENING) - (value in _CLOSING) if kind == "operator" else 0
        if depth > DEEPEST_BRACKETS:
            raise SourceFault(f"more than {DEEPEST_BRACKETS} brackets in each other", offset)
        _check_literal(kind, value, offset)
        yield offset, kind, value
        offset += len(value)


def _lexical(error: TemplateSyntaxError, source: str, offset: int) -> str:
    if source.startswith(("'", '"'), offset):
        return f"a text in the expression is not closed: expected {source[offset]}"
    message = error.message or ""
    return f"unexpected {source[offset]!r}" if message.startswith("unexpected char") else message


def _check_literal(kind: str, value: str, offset: int) -> None:
    """Refuses literals that Python would read and JSON does not know."""
    if kind == "string":
        rest = _GOOD_ESCAPE.sub("", value)
        if "\\" in rest:
            bad = rest[rest.index("\\") :][:2]
            raise SourceFault(f"'{bad}' means nothing in a text; a backslash is '\\\\'", offset)
    elif kind == "integer":
        too_long = len(value) > LARGEST_INTEGER // 3
        if too_long or int(value.replace("_", ""), 0).bit_length() > LARGEST_INTEGER:
            raise SourceFault(f"the number has more than {LARGEST_INTEGER} bits", offset)
    elif kind == "float" and not math.isfinite(float(value)):
        raise SourceFault("the number is too large", offset)
