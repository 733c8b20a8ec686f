"""The text of a fun as tokens."""

import re
from dataclasses import dataclass

from engine.errors import TemplateError

LONGEST = 4096

_TOKEN = re.compile(
    r"""(?P<space>\s+|%[^\n]*)
    |(?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<integer>[0-9]+)
    |(?P<variable>[A-Z_][A-Za-z0-9_@]*)
    |(?P<atom>[a-z][A-Za-z0-9_@]*)
    |(?P<quoted>'(?:[^'\\]|\\.)*')
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<sign><<|>>|=:=|=/=|==|/=|=<|>=|=>|->|\+\+|--|\|\||[-+*/=<>(){}\[\],;:|\#.])""",
    re.ASCII | re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "s": " ", "0": "\0"}
_WORDS = frozenset(
    {
        *("fun", "end", "case", "of", "when", "div", "rem", "band", "bor", "bxor", "bsl", "bsr"),
        *("bnot", "not", "and", "or", "xor", "andalso", "orelse"),
    }
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or literal; `kind` is the word or sign itself where that says it all."""

    kind: str
    text: str
    at: int


def tokens_of(text: str) -> list[Token]:
    """Cuts a text into tokens; the last is of the kind "".

    Raises:
        TemplateError: there is something in it that is none.
    """
    if len(text) > LONGEST:
        raise TemplateError(f"a fun has at most {LONGEST} characters")
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise TemplateError(f"unexpected '{text[at]}' in the fun, at character {at + 1}")
        if found.lastgroup != "space":
            tokens.append(_token(str(found.lastgroup), found.group(), at))
        at = found.end()
    return [*tokens, Token("", "", len(text))]


def _token(group: str, text: str, at: int) -> Token:
    if group == "sign" or (group == "atom" and text in _WORDS):
        return Token(text, text, at)
    if group in {"quoted", "string"}:
        inner = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
        return Token("atom" if group == "quoted" else group, inner, at)
    return Token(group, text, at)
