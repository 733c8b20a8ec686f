"""The funs of Corezoid's `map` and `filter`: one function in a small part of Erlang.

Text to tokens (`tokens`), tokens to closures (`parser`), with the values and operators of
`values` and the calls of `calls`. Nothing else of Erlang is there, and nothing of Python can be
reached: a closure gets JSON values and gives them.
Source: Corezoid, Functions (`$.map`, `$.filter`); Erlang's reference manual, Expressions.
"""

from engine.template.funs.parser import read_fun

__all__ = ["read_fun"]
