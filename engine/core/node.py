"""What a node type is made of: its settings, what it sees, what it may do.

A node type is one class with no state of its own. Its `Settings` are a frozen dataclass whose
fields are the keys of the YAML (a trailing underscore is dropped: `for_` is `for`); their types
say how a value is read, checked, described in the editor's schema and drawn. A string inside
`Annotated[...]` is the key's description.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, NewType, Protocol, TypeVar

from engine.core.command import CallResult, Done, Refused, Taken
from engine.core.duration import MICROSECONDS, NO_TIME, Duration, parse_duration
from engine.core.message import Arrived, Fetched, Replied, TimeUp
from engine.core.outcome import Outcome

Link = NewType("Link", str)
"""The id of a node of the same process."""

Size = NewType("Size", int)
"""A number of bytes; written `64KiB`, `1MiB` or as a number."""


class Scope(Protocol):
    """What a template is rendered against."""

    @property
    def data(self) -> Mapping[str, Any]: ...

    def name(self, name: str) -> Any:
        """Gives the value of a reserved name: root, env, error or one that the node adds."""

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a function that needs the engine, such as `callback_url`."""


class Template(Protocol):
    """A value of the YAML in which `{{ expressions }}` are replaced when it is rendered.

    A field of this type takes any JSON structure with templates in its strings.
    """

    def render(self, scope: Scope) -> Any: ...


class Text(Template, Protocol):
    """A template in one line of text; a scalar in the YAML, not a mapping or list."""


class Expression(Template, Protocol):
    """An expression without braces, as in `when:`."""


class Moment(Template, Protocol):
    """A duration, or a template that gives one or a Unix time: see `Visit.moment`."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A template that always gives the same value; the default of many settings."""

    value: Any

    def render(self, scope: Scope) -> Any:  # noqa: ARG002 -- the protocol's shape
        return self.value


@dataclass(frozen=True, slots=True)
class Names:
    """In `Annotated`: names a template of this setting may use beside the usual ones."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class RefersTo:
    """In `Annotated`: a constant text here must name an existing `process` or `node`.

    A process that `gets_task` is given a new task with the node's `data`; one that `replies` is
    waited for.
    """

    what: str
    gets_task: bool = False
    replies: bool = False


@dataclass(frozen=True, slots=True)
class Writes:
    """In `Annotated`: the keys of this mapping are parameters that the node sets."""


class NodeInfo(Protocol):
    """What a node may know about its place in the graph."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def next(self) -> str: ...


@dataclass(slots=True)
class Visit:
    """One stay of a task in a node, as the node sees it. `data` is to be read, not written.

    Not frozen and reused from node to node within a turn: built per node it would be the most
    expensive object of the hot path.
    """

    data: dict[str, Any]
    number: int
    now: int  # Unix microseconds, the same for a whole turn
    entered: int  # when this visit began
    node: NodeInfo
    task: Any  # read by `surroundings` only
    surroundings: "Surroundings"

    @property
    def key(self) -> str:
        """The idempotency key of an outside call: the same for every repeat of this visit."""
        return f"{self.task.task_id}-{self.number}"

    @property
    def task_id(self) -> str:
        return str(self.task.task_id)

    @property
    def ref(self) -> str:
        return str(self.task.ref)

    @property
    def process(self) -> str:
        return str(self.task.process)

    @property
    def origin(self) -> dict[str, Any]:
        """Where data comes from, as Corezoid notes it: process id, node id and ref."""
        return {
            "conv_id": self.name("root")["conv_id"],
            "node_id": self.node.id,
            "ref_id": self.ref,
        }

    def name(self, name: str) -> Any:
        return self.surroundings.name(self, name)

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.surroundings.call(self, function, args, kwargs)

    def with_data(self, data: dict[str, Any]) -> "Visit":
        """Gives the same visit as it would be with other data."""
        return replace(self, data=data)

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """Gives a scope in which these names are known too."""
        return _Extended(self, names)

    def moment(self, value: object, *, is_relative: bool = False) -> int:
        """Turns a rendered `Moment` into the Unix microseconds at which it is due.

        A duration counts from the entry. A number, or text that is one, came out of a template:
        Unix seconds, or with `is_relative` seconds from the entry.

        Raises:
            ValueError: it is neither a duration nor a number.
        """
        if isinstance(value, Duration):
            return self.entered + value
        if isinstance(value, str) and _is_number(value):
            value = float(value)
        if is_relative or isinstance(value, str):
            return self.entered + parse_duration(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(  # noqa: TRY004 -- it came out of a template: a wrong value
                f"{value!r} is neither a duration nor a Unix time in seconds"
            )
        return int(value * MICROSECONDS["s"])


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


class Surroundings(Protocol):
    """What a visit asks of the turn it happens in."""

    def name(self, visit: Visit, name: str) -> Any: ...

    def call(
        self, visit: Visit, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Extended:
    visit: Visit
    names: Mapping[str, Any]

    @property
    def data(self) -> Mapping[str, Any]:
        return self.visit.data

    def name(self, name: str) -> Any:
        return self.names[name] if name in self.names else self.visit.name(name)

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.visit.call(function, args, kwargs)


@dataclass(frozen=True, slots=True)
class Address:
    """Whom a callback is for: a task by id, or the task of this process with this ref."""

    task_id: str = ""
    ref: str = ""
    is_sync: bool = True
    keep: Duration = NO_TIME


PROCESS = frozenset({"process"})
STATE = frozenset({"state"})
EVERYWHERE = PROCESS | STATE
"""Where a node may stand: in processes, in state diagrams, in both."""

S = TypeVar("S")

Answer = Arrived | Replied | TimeUp | Fetched | Done | Refused | Taken | CallResult


class NodeType(ABC, Generic[S]):
    """The behaviour of one type of node. Subclasses have no state: one object serves all."""

    type: ClassVar[str]
    """The word in the YAML."""
    title: ClassVar[str]
    """The name for people, as in Corezoid's palette."""
    prefixes: ClassVar[tuple[str, ...]] = ()
    """The `P` of `__conveyor_P_return_type_tag__` and its two companions."""
    size_tag: ClassVar[str] = ""
    """The tag of "task too large"; `PREFIX_size_overflow_limit` if empty."""
    conversion_tag: ClassVar[str] = ""
    """The tag of "a value is not of its type"; `PREFIX_wrong_convert_param` if empty."""
    can_fail: ClassVar[bool] = True
    """Whether the node has an `error` link; `engine check` asks for one."""
    has_next: ClassVar[bool] = True
    """Whether the node has a `next` link."""
    stands_in: ClassVar[frozenset[str]] = EVERYWHERE
    """The kinds of process in which the node may stand."""
    is_start: ClassVar[bool] = False
    is_end: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    """Whether a task may stand here for long; `engine check` asks for a `timeout`."""
    is_queue: ClassVar[bool] = False
    """Whether tasks stand here until another takes them."""
    reads_what_arrives: ClassVar[bool] = False
    """Whether its templates see what a message brought, whose parameters nobody can know."""
    sends_reply: ClassVar[bool] = False
    """Whether the node answers a caller."""

    @abstractmethod
    def enter(self, settings: S, visit: Visit) -> Outcome:
        """Says what happens when a task comes in."""

    def resume(self, settings: S, visit: Visit, answer: Answer) -> Outcome:
        """Says what happens when what the node waited for or asked for has come."""
        raise NotImplementedError(f"{self.type} does not wait for {answer!r}")

    def address(self, settings: S, body: Mapping[str, Any]) -> Address | None:  # noqa: ARG002
        """Finds whom a callback to this node is for; None if the node takes no callbacks.

        Raises:
            ValueError: the body names nobody; the message says where it was looked for.
        """
        return None

    def takes_callbacks(self) -> bool:
        """Whether this type has a callback URL."""
        return type(self).address is not NodeType.address

    def result_title(self, settings: S) -> str:  # noqa: ARG002
        """Gives a word for the picture, such as an end node's result."""
        return ""

    def writes(self, settings: S) -> frozenset[str] | None:  # noqa: ARG002
        """Names the parameters the node sets beside those marked `Writes`; None if any.

        `engine check` warns of parameters that nothing sets. A type that waits for an answer may
        merge whatever comes, unless it says here that it does not.
        """
        return None if type(self).resume is not NodeType.resume else frozenset()

    def sums(self, settings: S) -> Iterable[str]:  # noqa: ARG002
        """Names the sums that the node keeps."""
        return ()

    def problems(self, settings: S) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yields (key, message) for settings that are right one by one but wrong together."""
        yield from ()


@dataclass(frozen=True, slots=True)
class NoSettings:
    """For node types without keys of their own."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """A time semaphore: after this time in the node the task leaves to `next`."""

    after: Moment
    next: Link


@dataclass(frozen=True, slots=True)
class Limit:
    """A count semaphore of ours: tasks that arrive when `tasks` stand in the node go to `next`."""

    tasks: int
    next: Link


@dataclass(frozen=True, slots=True)
class Alert:
    """Corezoid's count semaphore: tells when `tasks` stand in the node, and when it is over."""

    tasks: int
    next: Link | None = None


@dataclass(frozen=True, slots=True)
class Common:
    """The keys that every node has."""

    type: str
    title: str = ""
    description: str = ""
    position: tuple[float, float] | None = None
    next: Link | None = None
    error: Link | None = None
    timeout: Timeout | None = None
    limit: Limit | None = None
    alert: Alert | None = None
    escalation: bool | None = None
    corezoid: Mapping[str, Any] = field(default_factory=dict)
