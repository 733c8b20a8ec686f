"""Syntax trees to functions: the allow-list of what an expression may be.

A kind of node that has no entry in `_COMPILERS` is refused. What is compiled reaches values by
`paths.member` alone and calls what `registry` lists and nothing else, so nothing of Python can
be reached whatever the data holds.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from jinja2 import nodes

import engine.template.functions  # noqa: F401 -- importing them lists them
from engine.errors import TemplateError
from engine.template.calls import check_arguments, function_name, literal
from engine.template.fault import SourceFault
from engine.template.missing import MISSING, settled
from engine.template.operators import ARITHMETIC, COMPARISONS, joined, negative, part, positive
from engine.template.paths import Key, data_path, member, reserved_path, whole_data
from engine.template.registry import (
    ENGINE_FUNCTIONS,
    EXPRESSIONS,
    FILTERS,
    FUNCTIONS,
    FUSED,
    SCOPED,
    TESTS,
    Run,
    unknown,
)
from engine.template.sandbox import DEEPEST_TREE, spend
from engine.template.scope import Evaluate, Scope

_LIGHT_COMPARISONS = frozenset({"eq", "ne", "lt", "lteq", "gt", "gteq"})
_ENGINE_CALL_STEPS = 50


class ExpressionCompiler:
    """Compiles the expressions of one template and notes what they use."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.parameters: set[str] = set()
        self.env_names: set[str] = set()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.is_plain = True  # only look-ups and constants: it can't fail
        self.multiplies = False  # the same large value may stand in the result many times
        self._depth = 0

    def compile(self, node: nodes.Expr, absent: Any = MISSING) -> Evaluate:
        """Makes the function for a tree; `absent` is what a missing value is given as."""
        keys = self._path(node)
        if keys is not None:
            return self._lookup(node, keys, absent)
        run = self._inner(node)
        if absent is MISSING:
            return run
        return lambda scope: absent if (value := run(scope)) is MISSING else value

    def _inner(self, node: nodes.Node) -> Evaluate:
        if self._depth >= DEEPEST_TREE:
            raise SourceFault(f"more than {DEEPEST_TREE} operations in each other", node.lineno)
        keys = self._path(node)
        if keys is not None:
            return self._lookup(node, keys, MISSING)
        self._depth += 1
        try:
            if not isinstance(node, nodes.Const):
                self.is_plain = False
            return _COMPILERS.get(type(node), _refuse)(self, node)
        finally:
            self._depth -= 1

    # Look-ups.

    def _path(self, node: nodes.Node) -> tuple[Key, ...] | None:
        """Gives the keys of a look-up that are all known: `a.b[0]` is a, b, 0."""
        keys: list[Key] = []
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            key = node.attr if isinstance(node, nodes.Getattr) else _constant_key(node.arg)
            if key is None:
                return None
            keys.append(key)
            node = node.node
        return (node.name, *reversed(keys)) if isinstance(node, nodes.Name) else None

    def _lookup(self, node: nodes.Node, keys: tuple[Key, ...], absent: Any) -> Evaluate:
        name = str(keys[0])
        if name not in self.names:
            self.parameters.add(name)
            return data_path(keys, absent)
        if name == "env":
            if len(keys) == 1:
                raise SourceFault("'env' is read by its members: env.NAME", node.lineno)
            self.env_names.add(str(keys[1]))
        if keys[:2] != ("root", "data"):
            return reserved_path(name, keys[1:], absent)
        if len(keys) == 2:
            return whole_data
        self.parameters.add(str(keys[2]))
        return data_path((str(keys[2]), *keys[3:]), absent)

    def member(self, node: nodes.Getattr | nodes.Getitem) -> Evaluate:
        value = self._inner_of_member(node.node)
        if isinstance(node, nodes.Getattr):
            attribute = node.attr
            return lambda scope: member(value(scope), attribute)
        if isinstance(node.arg, nodes.Slice):
            return self._slice(value, node.arg)
        key = self._inner(node.arg)
        return lambda scope: member(value(scope), key(scope))

    def _inner_of_member(self, node: nodes.Expr) -> Evaluate:
        """Compiles what a computed key is looked up in; here `env` stands alone rightly."""
        if self._path(node) == ("root", "data"):
            return lambda scope: scope.data  # not a copy: only a member of it is given
        if isinstance(node, nodes.Name) and node.name == "env":
            return reserved_path("env", ())
        return self._inner(node)

    def _slice(self, value: Evaluate, node: nodes.Slice) -> Evaluate:
        start, stop, step = (
            self._inner(bound) if bound is not None else _nothing
            for bound in (node.start, node.stop, node.step)
        )
        return lambda scope: part(value(scope), start(scope), stop(scope), step(scope))

    # Literals.

    def constant(self, node: nodes.Const) -> Evaluate:
        value = node.value
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise SourceFault("the text has half of a character (a lone surrogate)", node.lineno)
        return lambda _scope: value

    def array(self, node: nodes.List | nodes.Tuple) -> Evaluate:
        self.multiplies = True
        items = [self.compile(item, "") for item in node.items]

        def build(scope: Scope) -> Any:
            spend(len(items))
            return [item(scope) for item in items]

        return build

    def object(self, node: nodes.Dict) -> Evaluate:
        self.multiplies = True
        pairs = [(self._key(pair.key), self.compile(pair.value, "")) for pair in node.items]

        def build(scope: Scope) -> Any:
            spend(len(pairs))
            return {key(scope): value(scope) for key, value in pairs}

        return build

    def _key(self, node: nodes.Expr) -> Evaluate:
        if isinstance(node, nodes.Const) and not isinstance(node.value, str):
            raise SourceFault("the keys of an object are texts, in quotes", node.lineno)
        key = self._inner(node)
        return lambda scope: joined([key(scope)])

    # Operators.

    def arithmetic(self, node: nodes.BinExpr) -> Evaluate:
        run = ARITHMETIC[type(node).__name__]
        self.multiplies |= isinstance(node, nodes.Add | nodes.Mul)
        left, right = self._inner(node.left), self._inner(node.right)
        return lambda scope: run(left(scope), right(scope))

    def sign(self, node: nodes.UnaryExpr) -> Evaluate:
        run = negative if isinstance(node, nodes.Neg) else positive
        value = self._inner(node.node)
        return lambda scope: run(value(scope))

    def concatenation(self, node: nodes.Concat) -> Evaluate:
        parts = [self._inner(item) for item in node.nodes]
        return lambda scope: joined([part(scope) for part in parts])

    def conjunction(self, node: nodes.And) -> Evaluate:
        left, right = self._inner(node.left), self._inner(node.right)
        return lambda scope: left(scope) and right(scope)

    def disjunction(self, node: nodes.Or) -> Evaluate:
        left, right = self._inner(node.left), self._inner(node.right)
        return lambda scope: left(scope) or right(scope)

    def negation(self, node: nodes.Not) -> Evaluate:
        value = self._inner(node.node)
        return lambda scope: not value(scope)

    def choice(self, node: nodes.CondExpr) -> Evaluate:
        test, yes = self._inner(node.test), self._inner(node.expr1)
        no = self._inner(node.expr2) if node.expr2 is not None else _missing
        return lambda scope: yes(scope) if test(scope) else no(scope)

    def comparison(self, node: nodes.Compare) -> Evaluate:
        left = self._inner(node.expr)
        if len(node.ops) == 1:
            return self._one_comparison(left, node.ops[0])
        links = [(COMPARISONS[link.op], self._inner(link.expr)) for link in node.ops]

        def compare(scope: Scope) -> Any:
            value = left(scope)
            for run, operand in links:
                following = operand(scope)
                if not run(value, following):
                    return False
                value = following
            return True

        return compare

    def _one_comparison(self, left: Evaluate, link: nodes.Operand) -> Evaluate:
        run, right = COMPARISONS[link.op], self._inner(link.expr)
        if not isinstance(link.expr, nodes.Const) or link.op not in _LIGHT_COMPARISONS:
            return lambda scope: run(left(scope), right(scope))
        # With a constant nothing can be large; half of all conditions are one of these.
        constant = link.expr.value
        if link.op == "eq":
            return lambda scope: bool(left(scope) == constant)
        if link.op == "ne":
            return lambda scope: bool(left(scope) != constant)
        return lambda scope: run(left(scope), constant)

    # Calls.

    def filter(self, node: nodes.Filter) -> Evaluate:
        others = dict.fromkeys(
            {*FUNCTIONS, *SCOPED, *ENGINE_FUNCTIONS}, f"call it: {node.name}(...)"
        )
        if node.name not in FILTERS or node.node is None:
            raise SourceFault(unknown("filter", node.name, FILTERS, others), node.lineno)
        fused = self._fused(node.name, node.node, node.args)
        if fused is not None:
            return fused
        return self._call_on(node, node.node, FILTERS[node.name])

    def test(self, node: nodes.Test) -> Evaluate:
        if node.name not in TESTS:
            raise SourceFault(unknown("test", node.name, TESTS, {}), node.lineno)
        return self._call_on(node, node.node, TESTS[node.name])

    def _call_on(self, node: nodes.Filter | nodes.Test, subject: nodes.Expr, run: Run) -> Evaluate:
        args, kwargs = self._arguments(node)
        check_arguments(run, node, node.name, (None, *map(literal, node.args)), node.lineno)
        value = self._inner(subject)
        if not args and not kwargs:
            return lambda scope: run(value(scope))
        return lambda scope: run(
            value(scope),
            *[settled(arg(scope)) for arg in args],
            **{name: settled(arg(scope)) for name, arg in kwargs.items()},
        )

    def call(self, node: nodes.Call) -> Evaluate:
        name = function_name(node)
        args, kwargs = self._arguments(node)
        if name in ENGINE_FUNCTIONS:
            return self._engine_call(node, name, args, kwargs)
        if name in SCOPED:
            return self._scoped_call(node, name, args, kwargs)
        if name not in FUNCTIONS:
            others = dict.fromkeys(FILTERS, f"use the filter: value | {name}")
            known = {**FUNCTIONS, **SCOPED, **ENGINE_FUNCTIONS}
            raise SourceFault(unknown("function", name, known, others), node.node.lineno)
        run = FUNCTIONS[name]
        check_arguments(run, node, name, tuple(map(literal, node.args)), node.node.lineno)
        special = self._expression(node, name) or self._fused(name, node.args[0], node.args[1:])
        if special is not None:
            return special
        return lambda scope: run(
            *[arg(scope) for arg in args], **{key: arg(scope) for key, arg in kwargs.items()}
        )

    def _expression(self, node: nodes.Call, name: str) -> Evaluate | None:
        """Compiles the constant of a function whose argument is an expression of its own."""
        if name not in EXPRESSIONS or not isinstance(literal(node.args[0]), str):
            return None
        try:
            return EXPRESSIONS[name](
                literal(node.args[0]), lambda keys: self._lookup(node.node, keys, MISSING)
            )
        except TemplateError as error:
            raise SourceFault(f"'{name}': {error}", node.args[0].lineno) from None

    def _fused(self, name: str, subject: nodes.Expr, more: list[nodes.Expr]) -> Evaluate | None:
        """Compiles two calls that are one: base64 of a hash is that of its bytes."""
        match subject:
            case nodes.Filter(name=inner, node=nodes.Expr() as value, args=[]):
                pass
            case nodes.Call(node=nodes.Name(name=inner), args=[value]):
                pass
            case _:
                return None
        run = FUSED.get((name, inner))
        if run is None or more:
            return None
        evaluate = self._inner(value)
        return lambda scope: run(evaluate(scope))

    def _scoped_call(
        self, node: nodes.Call, name: str, args: list[Evaluate], kwargs: dict[str, Evaluate]
    ) -> Evaluate:
        run = SCOPED[name]
        check_arguments(run, node, name, (None, *map(literal, node.args)), node.node.lineno)
        return lambda scope: run(
            scope,
            *[settled(arg(scope)) for arg in args],
            **{key: settled(arg(scope)) for key, arg in kwargs.items()},
        )

    def _engine_call(
        self, node: nodes.Call, name: str, args: list[Evaluate], kwargs: dict[str, Evaluate]
    ) -> Evaluate:
        run = ENGINE_FUNCTIONS[name]
        literals = tuple(map(literal, node.args))
        given = check_arguments(run, node, name, literals, node.node.lineno)
        self.calls.append((name, tuple(given.values())))

        def ask(scope: Scope) -> Any:
            spend(_ENGINE_CALL_STEPS)
            return scope.call(
                name,
                tuple([settled(arg(scope)) for arg in args]),
                {key: settled(arg(scope)) for key, arg in kwargs.items()},
            )

        return ask

    def _arguments(
        self, node: nodes.Call | nodes.Filter | nodes.Test
    ) -> tuple[list[Evaluate], dict[str, Evaluate]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise SourceFault("'*' and '**' are not allowed in arguments", node.lineno)
        args = [self._inner(arg) for arg in node.args]
        return args, {str(item.key): self._inner(item.value) for item in node.kwargs}


_COMPILERS: dict[type[nodes.Node], Callable[[ExpressionCompiler, Any], Evaluate]] = {
    nodes.Const: ExpressionCompiler.constant,
    nodes.List: ExpressionCompiler.array,
    nodes.Tuple: ExpressionCompiler.array,
    nodes.Dict: ExpressionCompiler.object,
    nodes.Getattr: ExpressionCompiler.member,
    nodes.Getitem: ExpressionCompiler.member,
    nodes.Add: ExpressionCompiler.arithmetic,
    nodes.Sub: ExpressionCompiler.arithmetic,
    nodes.Mul: ExpressionCompiler.arithmetic,
    nodes.Div: ExpressionCompiler.arithmetic,
    nodes.FloorDiv: ExpressionCompiler.arithmetic,
    nodes.Mod: ExpressionCompiler.arithmetic,
    nodes.Pow: ExpressionCompiler.arithmetic,
    nodes.Neg: ExpressionCompiler.sign,
    nodes.Pos: ExpressionCompiler.sign,
    nodes.Concat: ExpressionCompiler.concatenation,
    nodes.And: ExpressionCompiler.conjunction,
    nodes.Or: ExpressionCompiler.disjunction,
    nodes.Not: ExpressionCompiler.negation,
    nodes.CondExpr: ExpressionCompiler.choice,
    nodes.Compare: ExpressionCompiler.comparison,
    nodes.Filter: ExpressionCompiler.filter,
    nodes.Test: ExpressionCompiler.test,
    nodes.Call: ExpressionCompiler.call,
}


def _refuse(_compiler: ExpressionCompiler, node: nodes.Node) -> NoReturn:
    raise SourceFault(f"'{type(node).__name__.lower()}' is not allowed here", node.lineno)


def _nothing(_scope: Scope) -> Any:
    return None


def _missing(_scope: Scope) -> Any:
    return MISSING


def _constant_key(node: nodes.Node) -> Key | None:
    if isinstance(node, nodes.Const) and isinstance(node.value, str | int):
        return None if isinstance(node.value, bool) else node.value
    return None
