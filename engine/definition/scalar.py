"""Single values of the YAML to values of Python."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.core.duration import Duration, parse_duration
from engine.core.node import Constant, Size
from engine.definition.shape import Leaf
from engine.definition.tree import Scalar

_SIZE = re.compile(r"(\d{1,15})\s*(B|KiB|MiB|GiB)?", re.ASCII)
T = TypeVar("T")

_UNITS = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def read_scalar(leaf: Leaf, scalar: Scalar) -> Any:
    """Reads a value of one of the simple shapes.

    Raises:
        ValueError: it is not of this shape.
    """
    return _READERS[leaf](scalar)


def _boolean(scalar: Scalar) -> bool:
    return _of_type(scalar, bool)


def _integer(scalar: Scalar) -> int:
    return _of_type(scalar, int)


def _number(scalar: Scalar) -> float:
    return _of_type(scalar, int, float)


def _of_type(scalar: Scalar, *types: type[T]) -> T:
    # Not isinstance: to Python a boolean is an integer too.
    if type(scalar.value) not in types:
        raise ValueError(f"not of the type {types}")
    value: T = scalar.value
    return value


def _string(scalar: Scalar) -> str:
    if scalar.value is None:
        raise ValueError("empty")
    return scalar.text


def _duration(scalar: Scalar) -> Duration:
    return parse_duration(scalar.value)


def _moment(scalar: Scalar) -> Constant:
    return Constant(parse_duration(scalar.value))


def _size(scalar: Scalar) -> Size:
    found = _SIZE.fullmatch(scalar.text)
    if not found:
        raise ValueError("not a number of bytes")
    return Size(int(found[1]) * _UNITS[found[2]])


def _nothing(scalar: Scalar) -> None:
    if scalar.value is not None:
        raise ValueError("not empty")


_READERS: Mapping[Leaf, Callable[[Scalar], Any]] = {
    Leaf.NOTHING: _nothing,
    Leaf.BOOLEAN: _boolean,
    Leaf.INTEGER: _integer,
    Leaf.NUMBER: _number,
    Leaf.STRING: _string,
    Leaf.DURATION: _duration,
    Leaf.MOMENT: _moment,
    Leaf.SIZE: _size,
}
