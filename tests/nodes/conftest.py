"""A visit without an engine around it, and templates that are plain functions."""

from types import SimpleNamespace

import pytest

from engine.core.node import Visit
from engine.core.task import Memo
from engine.errors import TemplateError

NOW = 1_700_000_000_000_000


class Computed:
    """A template whose value a function gives."""

    def __init__(self, compute):
        self.render = compute


class Around:
    def __init__(self, names):
        self.names = names

    def name(self, visit, name):
        return self.names[name]

    def call(self, visit, function, args, kwargs):
        return f"{function}{args}{kwargs}"


@pytest.fixture
def computed():
    return Computed


@pytest.fixture
def broken():
    def render(scope):
        raise TemplateError("'amount' is not a number")

    return Computed(render)


@pytest.fixture
def visit():
    def make(data=None, *, now=NOW, entered=NOW, **names):
        return Visit(
            data=data if data is not None else {},
            number=3,
            now=now,
            entered=entered,
            node=SimpleNamespace(id="here", title="Here", next="after"),
            task=SimpleNamespace(
                task_id="65f0a1b2c3d4e5f601020304", ref="order-1", process="shop", memo=Memo()
            ),
            surroundings=Around({"root": {"conv_id": 1001}, **names}),
        )

    return make
