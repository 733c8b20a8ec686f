"""Tokens to closures: one method a rule of Erlang's grammar."""

import math
from collections.abc import Callable
from typing import Any, NoReturn

from engine.errors import TemplateError
from engine.template.funs import patterns, values
from engine.template.funs.calls import function_of
from engine.template.funs.patterns import Fits, Names
from engine.template.funs.tokens import Token, tokens_of
from engine.template.funs.values import OPERATORS, Refused
from engine.template.sandbox import spend

Run = Callable[[Names], Any]
Clause = tuple[Fits, Run | None, Run]
DEEPEST = 40

# From the loosest to the tightest; Erlang's reference manual, Operator Precedence.
_LEVELS = (
    frozenset({"orelse"}),
    frozenset({"andalso"}),
    frozenset({"==", "/=", "=<", "<", ">=", ">", "=:=", "=/="}),
    frozenset({"++", "--"}),
    frozenset({"+", "-", "bor", "bxor", "bsl", "bsr", "or", "xor"}),
    frozenset({"/", "*", "div", "rem", "band", "and"}),
)
_COMPARING, _JOINING = 2, 3
_SIGNS: dict[str, Callable[[Any], Any]] = {
    "-": values.negative,
    "+": lambda value: values.OPERATORS["+"](0, value),
    "not": values.negation,
    "bnot": values.inverted,
}


def read_fun(text: str) -> Callable[[Any], Any]:
    """Reads `fun(Item) -> Expression end`; the result takes JSON and gives JSON.

    Raises:
        TemplateError: it is no fun, or uses what funs have not; the message says where.
    """
    parser = _Parser(text)
    clauses = parser.fun()

    def run(item: Any) -> Any:
        return values.to_json(_chosen(clauses, item, {}))

    return run


def _chosen(clauses: list[Clause], value: Any, names: Names) -> Any:
    """Runs the first clause that the value fits and whose guard holds."""
    for fits, guard, body in clauses:
        spend(3)
        inner = dict(names)
        if fits(value, inner) and (guard is None or guard(inner) is True):
            return body(inner)
    raise Refused("no clause of the fun fits the item")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._place = self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self, *kinds: str) -> Token | None:
        token = self._next
        if token.kind not in kinds:
            return None
        self._place += 1
        return token

    def _need(self, kind: str) -> Token:
        token = self._take(kind)
        return token if token is not None else self._unexpected(f"expected '{kind}'")

    def _unexpected(self, what: str) -> NoReturn:
        token = self._next
        found = f"'{token.text}'" if token.kind else "its end"
        raise TemplateError(f"{what} in the fun, found {found} at character {token.at + 1}")

    # Clauses.

    def fun(self) -> list[Clause]:
        self._need("fun")
        clauses = [self._clause()]
        while self._take(";"):
            clauses.append(self._clause())
        self._need("end")
        if self._next.kind:
            self._unexpected("expected nothing more")
        return clauses

    def _clause(self) -> Clause:
        self._need("(")
        fits = self._pattern()
        if self._next.kind == ",":
            self._unexpected("expected one parameter")
        self._need(")")
        return fits, self._guard(), self._body()

    def _guard(self) -> Run | None:
        if not self._take("when"):
            return None
        choices = [self._all_of()]
        while self._take(";"):
            choices.append(self._all_of())
        return lambda names: any(choice(names) for choice in choices)

    def _all_of(self) -> Run:
        tests = [self._expression()]
        while self._take(","):
            tests.append(self._expression())

        def holds(names: Names) -> bool:
            try:
                return all(test(names) is True for test in tests)
            except Refused:  # a guard that fails is only false
                return False

        return holds

    def _body(self) -> Run:
        self._need("->")
        steps = [self._step()]
        while self._take(","):
            steps.append(self._step())
        *before, last = steps

        def run(names: Names) -> Any:
            for step in before:
                step(names)
            return last(names)

        return run if before else last

    def _step(self) -> Run:
        """Reads an expression, or a pattern, `=` and what it names."""
        start = self._place
        try:
            fits = self._pattern()
        except TemplateError:
            fits = None
        if fits is None or not self._take("="):
            self._place = start
            return self._expression()
        value, bound = self._step(), fits

        def bind(names: Names) -> Any:
            given = value(names)
            if not bound(given, names):
                raise Refused("the value does not fit what is left of '='")
            return given

        return bind

    def _case(self) -> Run:
        value = self._step()
        self._need("of")
        clauses = [(self._pattern(), self._guard(), self._body())]
        while self._take(";"):
            clauses.append((self._pattern(), self._guard(), self._body()))
        self._need("end")
        return lambda names: _chosen(clauses, value(names), names)

    # Patterns.

    def _pattern(self) -> Fits:
        self._deeper()
        token = self._next
        if self._take("variable"):
            return patterns.anything if token.text == "_" else patterns.of_variable(token.text)
        if self._take("{"):
            fits = patterns.of_tuple(self._patterns("}"))
        elif self._take("["):
            fits = self._list_pattern()
        else:
            sign = -1 if self._take("-") else 1
            literal = self._literal()
            if sign < 0 and not isinstance(literal, int | float):
                self._unexpected("expected a number")
            fits = patterns.of_literal(literal * sign if sign < 0 else literal)
        self._depth -= 1
        return fits

    def _patterns(self, close: str) -> list[Fits]:
        parts: list[Fits] = []
        while self._next.kind not in (close, "|"):
            parts.append(self._pattern())
            if not self._take(","):
                break
        if close == "}":
            self._need(close)
        return parts

    def _list_pattern(self) -> Fits:
        parts = self._patterns("]")
        rest = self._pattern() if self._take("|") else None
        self._need("]")
        return patterns.of_list(parts, rest)

    # Expressions.

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError(f"more than {DEEPEST} expressions in each other in the fun")

    def _expression(self, level: int = 0) -> Run:
        if level == len(_LEVELS):
            return self._signed()
        run = self._expression(level + 1)
        while sign := self._take(*_LEVELS[level]):
            # `++` and `--` group to the right; comparisons do not go on.
            following = level if level == _JOINING else level + 1
            run = _both(sign.kind, run, self._expression(following))
            if level == _COMPARING:
                break
        return run

    def _signed(self) -> Run:
        self._deeper()
        sign = self._take(*_SIGNS)
        run = self._signed() if sign else self._operand()
        self._depth -= 1
        if sign is None:
            return run
        apply = _SIGNS[sign.kind]
        return lambda names: apply(run(names))

    def _operand(self) -> Run:
        token = self._next
        if self._take("variable"):
            return _variable(token.text)
        if self._take("("):
            run = self._expression()
            self._need(")")
            return run
        if self._take("case"):
            return self._case()
        if self._take("{"):
            items = self._expressions("}")
            return lambda names: tuple([item(names) for item in items])
        if self._take("["):
            return self._list()
        if self._take("#"):
            return self._map()
        if token.kind == "atom" and self._tokens[self._place + 1].kind in (":", "("):
            return self._call()
        literal = self._literal()
        return lambda _names: literal

    def _literal(self) -> Any:
        token = self._next
        if self._take("integer"):
            if len(token.text) > 1000:
                raise TemplateError("a number in the fun has more than 1000 digits")
            return int(token.text)
        if self._take("float"):
            number = float(token.text)
            return number if math.isfinite(number) else self._unexpected("expected less")
        if self._take("atom"):
            return values.atom(token.text)
        if self._take("string"):
            return [ord(letter) for letter in token.text]
        if self._take("<<"):
            text = self._take("string")
            self._need(">>")
            return text.text if text else ""
        return self._unexpected("expected an expression")

    def _expressions(self, close: str) -> list[Run]:
        items: list[Run] = []
        while self._next.kind != close:
            items.append(self._expression())
            if not self._take(","):
                break
        self._need(close)
        return items

    def _list(self) -> Run:
        items: list[Run] = []
        while self._next.kind not in ("]", "|"):
            items.append(self._expression())
            if not self._take(","):
                break
        rest = self._expression() if self._take("|") else None
        self._need("]")

        def build(names: Names) -> list[Any]:
            spend(len(items))
            first = [item(names) for item in items]
            return first if rest is None else OPERATORS["++"](first, rest(names))

        return build

    def _map(self) -> Run:
        self._need("{")
        pairs: list[tuple[Run, Run]] = []
        while self._next.kind != "}":
            key = self._expression()
            self._need("=>")
            pairs.append((key, self._expression()))
            if not self._take(","):
                break
        self._need("}")

        def build(names: Names) -> dict[str, Any]:
            spend(len(pairs))
            built = {key(names): value(names) for key, value in pairs}
            if not all(isinstance(key, str) for key in built):
                raise Refused("the keys of a map are binaries")
            return built

        return build

    def _call(self) -> Run:
        first = self._need("atom")
        module, name = ("", first)
        if self._take(":"):
            module, name = first.text, self._need("atom")
        self._need("(")
        arguments = self._expressions(")")
        run = function_of(module, name.text, len(arguments))

        def call(names: Names) -> Any:
            spend(5)
            return run(*[argument(names) for argument in arguments])

        return call


def _variable(name: str) -> Run:
    def read(names: Names) -> Any:
        if name not in names:
            raise TemplateError(f"the fun names no value '{name}'")
        return names[name]

    return read


def _both(sign: str, left: Run, right: Run) -> Run:
    if sign in {"andalso", "orelse"}:
        return _lazily(left, right, goes_on=sign == "andalso")
    run = OPERATORS[sign]

    def apply(names: Names) -> Any:
        spend(2)
        return run(left(names), right(names))

    return apply


def _lazily(left: Run, right: Run, *, goes_on: bool) -> Run:
    def apply(names: Names) -> Any:
        first = left(names)
        if not isinstance(first, bool):
            raise Refused(f"expected true or false, found {values.name_of(first)}")
        return right(names) if first is goes_on else first

    return apply
