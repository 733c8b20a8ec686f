"""What several processes may have wrong between them: one function a rule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from engine.definition.fault import (
    MOST_FAULTS,
    Fault,
    Position,
    Severity,
    begin_guessing,
    did_you_mean,
    fault_at,
)
from engine.definition.process import Definition, NodeDefinition, Reference
from engine.definition.secrets import secrets_of
from engine.definition.templates import calls_of, has_template
from engine.definition.tree import Table, texts
from engine.definition.ways import reached, ways_of

Found = Iterator[tuple[Definition, Position, str]]
Check = Callable[[Sequence[Definition]], Found]

ERRORS: dict[str, Check] = {}
WARNINGS: dict[str, Check] = {}


def check_workspace(definitions: Sequence[Definition]) -> tuple[Fault, ...]:
    """Applies every rule about processes that name each other."""
    begin_guessing()
    faults = [
        fault_at(position, rule, message, file=definition.file, severity=severity)
        for severity, checks in ((Severity.ERROR, ERRORS), (Severity.WARNING, WARNINGS))
        for rule, check in checks.items()
        for definition, position, message in islice(check(definitions), MOST_FAULTS)
    ]
    return tuple(sorted(faults))


def _error(check: Check) -> Check:
    ERRORS[check.__name__.replace("_", "-")] = check
    return check


def _warning(check: Check) -> Check:
    WARNINGS[check.__name__.replace("_", "-")] = check
    return check


@_error
def duplicate_process(definitions: Sequence[Definition]) -> Found:
    """An alias belongs to one process."""
    first: dict[str, Definition] = {}
    for definition in definitions:
        other = first.setdefault(definition.process, definition)
        if other is not definition:
            message = f"the process '{definition.process}' is also in {other.file}: rename one"
            yield definition, definition.locate("process"), message


@_error
def duplicate_id(definitions: Sequence[Definition]) -> Found:
    """A number belongs to one process."""
    first: dict[int, Definition] = {}
    for definition in definitions:
        if definition.id is None:
            continue
        other = first.setdefault(definition.id, definition)
        if other is not definition:
            message = f"the id {definition.id} also belongs to '{other.process}' in {other.file}"
            yield definition, definition.locate("id"), message


@_error
def unknown_process(definitions: Sequence[Definition]) -> Found:
    """A process that a node names exists."""
    known = _by_name(definitions)
    for definition, _, reference in _references(definitions, "process"):
        if reference.name not in known:
            hint = did_you_mean(reference.name, [each.process for each in definitions])
            yield definition, reference.position, f"there is no process '{reference.name}'{hint}"


@_error
def unknown_node(definitions: Sequence[Definition]) -> Found:
    """A node of another process that a setting names exists."""
    known = _by_name(definitions)
    for definition, _, reference in _references(definitions, "node"):
        if has_template(reference.beside):
            continue
        other = known.get(reference.beside) if reference.beside else definition
        if other and reference.name not in other.nodes:
            hint = did_you_mean(reference.name, other.nodes)
            message = f"the process '{other.process}' has no node '{reference.name}'{hint}"
            yield definition, reference.position, message


@_error
def unknown_callback_target(definitions: Sequence[Definition]) -> Found:
    """A callback URL is asked for a node that takes callbacks."""
    known = _by_name(definitions)
    for definition in definitions:
        for node in definition.nodes.values():
            for use in node.templates:
                for process, target, *_ in calls_of(use.template, "callback_url"):
                    if problem := _callback_problem(process, target, known):
                        yield definition, use.written.position, problem


@_error
def missing_parameter(definitions: Sequence[Definition]) -> Found:
    """A new task is given every parameter that its process requires."""
    known = _by_name(definitions)
    for definition, node, reference in _references(definitions, "process"):
        called = known.get(reference.name)
        if called and reference.marker.gets_task:
            given = _given(node)
            left = [] if given is None else _left_out(called, given)
            if left:
                yield definition, node.locate("data"), _left_out_message(called, left)
    for definition in definitions:
        for at, schedule in enumerate(definition.schedule):
            left = _left_out(definition, schedule.data)
            if left:
                place = definition.locate("schedule", at)
                yield definition, place, _left_out_message(definition, left)


@_warning
def call_without_reply(definitions: Sequence[Definition]) -> Found:
    """A process that is called and waited for replies on every way to its ends."""
    known = _by_name(definitions)
    for definition, _, reference in _references(definitions, "process"):
        called = known.get(reference.name)
        if called and reference.marker.replies and (end := _silent_end(called)):
            message = f"the process '{called.process}' can end in '{end}' without a reply"
            yield definition, reference.position, message


@_warning
def exposed_secret(definitions: Sequence[Definition]) -> Found:
    """What is secret in one process is secret in the process that it is given to."""
    known = _by_name(definitions)
    for definition, node, reference in _references(definitions, "process"):
        secret = secrets_of(definition).parameters
        other = known.get(reference.name)
        if other is None or not secret:
            continue
        for position, theirs, ours in _handed_over(node, secret, reference.position):
            if theirs not in secrets_of(other).parameters:
                message = (
                    f"the secret '{ours}' is given to '{other.process}' as '{theirs}', which is "
                    "not secret there: everybody may see it"
                )
                yield definition, position, message


def _by_name(definitions: Sequence[Definition]) -> Mapping[str, Definition]:
    """Gives processes by alias, and by number where they have one."""
    known = {str(each.id): each for each in definitions if each.id is not None}
    return {**known, **{each.process: each for each in definitions}}


def _references(
    definitions: Sequence[Definition], what: str
) -> Iterator[tuple[Definition, NodeDefinition, Reference]]:
    for definition in definitions:
        for node in definition.nodes.values():
            for reference in node.references:
                if reference.marker.what == what:
                    yield definition, node, reference


def _callback_problem(process: object, target: object, known: Mapping[str, Definition]) -> str:
    if not isinstance(process, str) or not isinstance(target, str):
        return ""  # computed when a task comes
    definition = known.get(process)
    if definition is None:
        hint = did_you_mean(process, known)
        return f"callback_url: there is no process '{process}'{hint}"
    node = definition.nodes.get(target)
    if node is None:
        hint = did_you_mean(target, definition.nodes)
        return f"callback_url: the process '{process}' has no node '{target}'{hint}"
    if node.node_type and not node.node_type.takes_callbacks():
        return f"callback_url: the node '{target}' of '{process}' takes no callbacks"
    return ""


def _given(node: NodeDefinition) -> frozenset[str] | None:
    """Gives the parameters a node hands over; None if they can't be known from the file."""
    if getattr(node.settings, "all_params", True):
        return None
    data = node.tree.get("data")
    if data is None:
        return frozenset()
    if not isinstance(data, Table):
        return None
    names = frozenset(entry.key.text for entry in data.entries)
    return None if any(has_template(name) for name in names) else names


def _handed_over(
    node: NodeDefinition, secret: frozenset[str], place: Position
) -> Iterator[tuple[Position, str, str]]:
    """Yields where a secret is given away, under which name, and which it is."""
    data = node.tree.get("data")
    entries = data.entries if isinstance(data, Table) else ()
    for entry in entries:
        written = [id(text) for text in texts(entry.value)]
        uses = [use for use in node.templates if id(use.written) in written]
        for use in uses:
            for name in sorted(use.template.parameters & secret):
                yield use.written.position, entry.key.text, name
    if getattr(node.settings, "all_params", False):
        for name in sorted(secret - {entry.key.text for entry in entries}):
            yield place, name, name


def _left_out(called: Definition, given: Mapping[str, object] | frozenset[str]) -> list[str]:
    return [
        name
        for name, parameter in called.params.items()
        if parameter.required and parameter.default is None and name not in given
    ]


def _left_out_message(called: Definition, left: Sequence[str]) -> str:
    names = ", ".join(f"'{name}'" for name in left)
    return f"the process '{called.process}' requires parameters that are not given: {names}"


def _silent_end(called: Definition) -> str:
    """Finds an end that can be reached past every node that replies."""
    replying = {
        name
        for name, node in called.nodes.items()
        if node.node_type is None or node.node_type.sends_reply
    }
    starts = [
        name for name, node in called.nodes.items() if node.node_type and node.node_type.is_start
    ]
    found = reached(ways_of(called), starts, replying)
    return next(
        (
            name
            for name, node in called.nodes.items()
            if name in found and node.node_type and node.node_type.is_end
        ),
        "",
    )
