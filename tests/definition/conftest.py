"""Node types of our own, so that these tests stay as they are when a real type changes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest

from engine.core.node import (
    STATE,
    Address,
    Constant,
    Duration,
    Expression,
    Link,
    Moment,
    Names,
    NodeType,
    NoSettings,
    RefersTo,
    Size,
    Template,
    Text,
    Writes,
)
from engine.core.outcome import Finish, Go, Outcome
from engine.definition import Catalog, Loaded, load_text

EMPTY = Constant("")
NO_TIME = Duration(0)
NO_BYTES = Size(0)


class Plain(NodeType[Any]):
    def enter(self, settings, visit) -> Outcome:
        return Go()


class Start(NodeType[NoSettings]):
    """Lets tasks in."""

    type = "start"
    title = "Start"
    can_fail = False
    is_start = True

    def enter(self, settings, visit):
        return Go()


class Result(StrEnum):
    SUCCESS = "success"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class EndSettings:
    result: Annotated[Result, "How it ends."] = Result.SUCCESS


class End(NodeType[EndSettings]):
    """Ends tasks."""

    type = "end"
    title = "End"
    can_fail = False
    has_next = False
    is_end = True

    def enter(self, settings, visit):
        return Finish(is_success=True)

    def result_title(self, settings):
        return settings.result.value


@dataclass(frozen=True, slots=True)
class StepSettings:
    set: Annotated[Mapping[Text, Template], Writes()] = field(default_factory=dict)


class Step(Plain, NodeType[StepSettings]):
    """Sets parameters."""

    type = "step"
    title = "Step"

    def problems(self, settings: StepSettings) -> Iterator[tuple[str, str]]:
        if len(settings.set) > 3:
            yield "set", "a step sets at most three parameters"


@dataclass(frozen=True, slots=True)
class Case:
    when: Expression
    next: Link


@dataclass(frozen=True, slots=True)
class ChooseSettings:
    cases: tuple[Case, ...]
    else_: Link


class Choose(Plain, NodeType[ChooseSettings]):
    """Chooses a way."""

    type = "choose"
    title = "Choose"
    can_fail = False
    has_next = False


@dataclass(frozen=True, slots=True)
class PauseSettings:
    for_: Moment


class Pause(Plain, NodeType[PauseSettings]):
    """Stands for a while."""

    type = "pause"
    title = "Pause"
    can_fail = False

    def resume(self, settings, visit, answer):
        return Go()

    def writes(self, settings):
        return frozenset()


class Wait(Plain, NodeType[NoSettings]):
    """Waits for a callback."""

    type = "wait"
    title = "Wait"
    can_fail = False
    waits = True

    def resume(self, settings, visit, answer):
        return Go()

    def address(self, settings, body):
        return Address()


@dataclass(frozen=True, slots=True)
class CallSettings:
    process: Annotated[Text, RefersTo("process", gets_task=True, replies=True)]
    data: Template | None = None
    all_params: bool = False
    stub: Any = None


class Call(Plain, NodeType[CallSettings]):
    """Calls a process."""

    type = "call"
    title = "Call"


@dataclass(frozen=True, slots=True)
class ReplySettings:
    data: Template | None = None
    keys: tuple[str, ...] = ()
    exception: Text | None = None


class Reply(Plain, NodeType[ReplySettings]):
    """Replies."""

    type = "reply"
    title = "Reply"
    can_fail = False
    sends_reply = True


@dataclass(frozen=True, slots=True)
class TakeSettings:
    node: Annotated[Text, RefersTo("node")]
    process: Annotated[Text, RefersTo("process")] = EMPTY


class Take(Plain, NodeType[TakeSettings]):
    """Takes from a node of another process."""

    type = "take"
    title = "Take"
    can_fail = False


@dataclass(frozen=True, slots=True)
class User:
    user: Text
    password: Text


@dataclass(frozen=True, slots=True)
class Bearer:
    bearer: Text


@dataclass(frozen=True, slots=True)
class Way:
    next: Link


@dataclass(frozen=True, slots=True)
class Rule:
    next: Link
    all: tuple[Mapping[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class OddSettings:
    text: Annotated[Text, "A text."] = EMPTY
    value: Template | None = None
    when: Annotated[Expression | None, Names(frozenset({"body"}))] = None
    moment: Moment | None = None
    after: Duration = NO_TIME
    size: Size = NO_BYTES
    count: int = 0
    factor: float = 1.0
    flag: bool = False
    name: str = ""
    colour: Literal["red", "green"] = "red"
    auth: User | Bearer | None = None
    doubt: Literal["repeat", "hold"] | Way = "repeat"
    most: int | Literal["none"] = "none"
    keys: tuple[str, ...] = ()
    point: tuple[float, float] | None = None
    rules: tuple[Rule, ...] = ()
    tagged: Annotated[tuple[float, float], "Two."] | Annotated[tuple[str, ...], "Many."] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    anything: Any = None


class Odd(Plain, NodeType[OddSettings]):
    """Has a key of every shape."""

    type = "odd"
    title = "Odd"
    can_fail = False


@dataclass(frozen=True, slots=True)
class StateSettings:
    else_: Annotated[Link | None, "Where to go."] = None


class State(Plain, NodeType[StateSettings]):
    """Stays in a state."""

    type = "state"
    title = "State"
    can_fail = False
    has_next = False
    stands_in = STATE


TYPES = (Start, End, Step, Choose, Pause, Wait, Call, Reply, Take, Odd)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.of_types(*TYPES, State)


@pytest.fixture
def load(catalog) -> Callable[[str], Loaded]:
    """Loads a text as the file `p.yaml`."""
    return lambda text: load_text(text, "p.yaml", catalog)


@pytest.fixture
def faults(load) -> Callable[[str], list[str]]:
    """Gives the faults of a text as a person sees them."""
    return lambda text: [str(fault) for fault in load(text).faults]


@pytest.fixture
def settings(load) -> Callable[[str], Any]:
    """Gives the settings of a node `odd` with these keys."""

    def read(keys: str) -> Any:
        lines = "".join(f"    {line}\n" for line in keys.splitlines())
        text = (
            "process: p\n"
            "nodes:\n"
            "  start: {type: start, next: odd}\n"
            "  odd:\n"
            "    type: odd\n"
            "    next: done\n"
            f"{lines}"
            "  done: {type: end}\n"
        )
        loaded = load(text)
        assert loaded.faults == ()
        return loaded.definitions[0].nodes["odd"].settings

    return read
