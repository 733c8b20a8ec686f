"""What a process that could be read may still have wrong: one function a rule.

The rule's name is the function's name with dashes. Names are stable: people look them up.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.node import NodeType
from engine.core.parameter import Parameter, check_data
from engine.definition.fault import MOST_FAULTS, Fault, Position, Severity, did_you_mean, fault_at
from engine.definition.parameters import parameters_before
from engine.definition.process import Definition, NodeDefinition, ProcessKind
from engine.definition.templates import has_template
from engine.definition.tree import Scalar, Table, places_within
from engine.definition.ways import backwards, cycles, reached, ways_of
from engine.definition.weekdays import with_named_days
from engine.pattern import Pattern, compile_pattern

Found = Iterator[tuple[Position, str]]
Check = Callable[[Definition], Found]

_LONGEST_CRON = 1000

ERRORS: dict[str, Check] = {}
WARNINGS: dict[str, Check] = {}


def check_definition(definition: Definition) -> tuple[Fault, ...]:
    """Applies every rule for one process."""
    faults = [
        fault_at(position, rule, message, file=definition.file, severity=severity)
        for severity, checks in ((Severity.ERROR, ERRORS), (Severity.WARNING, WARNINGS))
        for rule, check in checks.items()
        for position, message in islice(check(definition), MOST_FAULTS)
    ]
    return tuple(sorted(faults))


def _error(check: Check) -> Check:
    ERRORS[check.__name__.replace("_", "-")] = check
    return check


def _warning(check: Check) -> Check:
    WARNINGS[check.__name__.replace("_", "-")] = check
    return check


@_error
def no_start(definition: Definition) -> Found:
    """A process has a start node."""
    has_nodes = isinstance(definition.tree.get("nodes"), Table)
    if has_nodes and not _starts(definition) and not _unknown(definition):
        yield definition.locate("nodes"), "no node has 'type: start': tasks can't get in"


@_error
def many_starts(definition: Definition) -> Found:
    """A process has one start node only."""
    starts = _starts(definition)
    for node in starts[1:]:
        message = f"'{node.id}' is a second start: tasks come in by '{starts[0].id}'"
        yield node.position, message


@_error
def unknown_target(definition: Definition) -> Found:
    """Every link leads to a node of the process."""
    for _, link in definition.lost_links():
        hint = did_you_mean(link.target, definition.nodes)
        yield link.position, f"there is no node '{link.target}' to go to{hint}"


@_error
def unreachable_node(definition: Definition) -> Found:
    """Every node can be reached from the start."""
    starts = [node.id for node in _starts(definition)]
    if not starts:
        return
    found = reached(ways_of(definition), starts)
    for node in definition.nodes.values():
        if node.id not in found:
            yield node.position, f"no way leads from the start to the node '{node.id}'"


@_error
def no_way_to_end(definition: Definition) -> Found:
    """From every node of a process an end can be reached; in a state diagram tasks may stay."""
    if definition.kind is ProcessKind.STATE or not definition.nodes or _unknown(definition):
        return
    ends = [
        node.id for node in definition.nodes.values() if node.node_type and node.node_type.is_end
    ]
    if not ends:
        yield definition.locate("nodes"), "no node has 'type: end': tasks never finish"
        return
    good = reached(backwards(ways_of(definition)), ends)
    for node in definition.nodes.values():
        if node.id not in good and all(link.target in definition.nodes for link in node.links):
            yield node.position, f"no way leads from the node '{node.id}' to an end"


@_error
def wrong_kind(definition: Definition) -> Found:
    """A state diagram has states and no calls, a process has calls and no states."""
    for node, node_type in _typed(definition):
        if definition.kind not in node_type.stands_in:
            (other,) = {ProcessKind.PROCESS, ProcessKind.STATE} - {definition.kind}
            message = (
                f"'{node_type.type}' may not stand in a {_KINDS[definition.kind]}: "
                f"it belongs into a {_KINDS[other]} ('kind: {other}')"
            )
            yield node.position, message


_KINDS = {ProcessKind.PROCESS: "process", ProcessKind.STATE: "state diagram"}


@_error
def missing_error(definition: Definition) -> Found:
    """A node that can fail says where a failed task goes."""
    for node, node_type in _typed(definition):
        if node_type.can_fail and not _has(node, "error"):
            yield node.position, f"the node '{node.id}' can fail: say where to go with 'error'"


@_error
def bad_regex(definition: Definition) -> Found:
    """A parameter's pattern is one."""
    for name, parameter in definition.params.items():
        try:
            compile_pattern(parameter.regex)
        except ValueError as error:
            message = f"the pattern of the parameter '{name}' can't be used: {error}"
            yield definition.locate("params", name, "regex"), message


@_error
def bad_default(definition: Definition) -> Found:
    """A parameter's default is a value that the parameter takes."""
    for name, written in definition.params.items():
        if written.default is None:
            continue
        parameter = Parameter(
            name,
            written.type,
            regex=_pattern_of(written.regex),
            regex_error="does not match the parameter's own pattern",
            max_length=written.max_length,
            min_length=written.min_length,
        )
        for fault in check_data({name: parameter}, {name: written.default}):
            message = f"the default of the parameter '{name}' {fault.message}"
            yield definition.locate("params", name, "default"), message


def _pattern_of(regex: str) -> Pattern | None:
    try:
        return compile_pattern(regex) if regex else None
    except ValueError:  # told by bad_regex
        return None


@_error
def bad_schedule(definition: Definition) -> Found:
    """A schedule has either `cron` or `every`, and no time of nothing."""
    for at, schedule in enumerate(definition.schedule):
        if bool(schedule.cron) == (schedule.every is not None):
            yield definition.locate("schedule", at), "a schedule has either 'cron' or 'every'"
        elif schedule.every == 0:
            message = "'every' is a time longer than nothing, such as 5m"
            yield definition.locate("schedule", at, "every"), message


@_error
def bad_cron(definition: Definition) -> Found:
    """A schedule's calendar has five fields that can be read."""
    for at, schedule in enumerate(definition.schedule):
        if schedule.cron and (problem := _cron_problem(schedule.cron)):
            message = f"'{schedule.cron}' is no calendar of five fields: {problem}"
            yield definition.locate("schedule", at, "cron"), message


@_error
def bad_timezone(definition: Definition) -> Found:
    """A schedule's time zone is in the database of time zones."""
    for at, schedule in enumerate(definition.schedule):
        try:
            ZoneInfo(schedule.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"there is no time zone '{schedule.timezone}': write one such as Europe/Kyiv"
            yield definition.locate("schedule", at, "timezone"), message


@_error
def bad_loop_limit(definition: Definition) -> Found:
    """A task may come to a node at least once."""
    for key in ("short", "any"):
        if getattr(definition.loop_limit, key) < 1:
            message = f"'{key}' is how often a task may come to a node: at least 1"
            yield definition.locate("loop_limit", key), message


@_warning
def wait_without_timeout(definition: Definition) -> Found:
    """A node in which a task may stand for ever says for how long it may."""
    if definition.kind is ProcessKind.STATE:
        return
    for node, node_type in _typed(definition):
        if node_type.waits and not _has(node, "timeout"):
            message = f"a task may stand in the node '{node.id}' for ever: give it a 'timeout'"
            yield node.position, message


@_warning
def endless_loop(definition: Definition) -> Found:
    """A circle of nodes that never wait has a way out that is no failure."""
    ways = ways_of(definition, with_errors=False)
    for group in cycles(ways):
        if any(_may_stand(definition.nodes[name]) for name in group):
            continue
        if all(ways[name] <= group for name in group):
            first = next(node for node in definition.nodes.values() if node.id in group)
            names = ", ".join(f"'{name}'" for name in definition.nodes if name in group)
            yield first.position, f"a task runs in circles through {names} until it is stopped"


@_warning
def retry_without_limit(definition: Definition) -> Found:
    """A circle by way of `error` counts its attempts."""
    order = {name: at for at, name in enumerate(definition.nodes)}
    for group in cycles(ways_of(definition)):
        if _counts(definition, group):
            continue
        names = sorted(group, key=order.__getitem__)
        uses = ((name, link) for name in names for link in definition.nodes[name].links)
        tries = ((name, link) for name, link in uses if link.is_error and link.target in group)
        for name, link in islice(tries, 1):
            message = (
                f"when the node '{name}' keeps failing, the task is tried again for ever: "
                'end the circle by a case such as "error.attempt >= 3"'
            )
            yield link.position, message


@_warning
def stub_left_on(definition: Definition) -> Found:
    """A process that is called answers by itself, not by stubs."""
    for node in definition.nodes.values():
        if _has(node, "stub") and any(each.marker.replies for each in node.references):
            message = f"the node '{node.id}' answers by its stubs: the process is not called"
            yield node.locate("stub"), message


@_warning
def unsent_output(definition: Definition) -> Found:
    """What a process declares as its output is carried by one of its replies at least."""
    replies = [_replied(node) for node, node_type in _typed(definition) if node_type.sends_reply]
    if not replies:
        return
    sent = frozenset[str]().union(*(names for names in replies if names is not None))
    for name, parameter in definition.params.items():
        if parameter.output and name not in sent and None not in replies:
            message = f"the parameter '{name}' is declared as output, and no reply carries it"
            yield definition.locate("params", name, "output"), message


def _replied(node: NodeDefinition) -> frozenset[str] | None:
    """Gives the names that a reply carries; None if they can't be known from the file."""
    names = [*getattr(node.settings, "keys", ())]
    data = node.tree.get("data")
    if isinstance(data, Table):
        names += [entry.key.text for entry in data.entries]
    elif data is not None:
        return None
    return None if any(has_template(name) for name in names) else frozenset(names)


@_warning
def unset_parameter(definition: Definition) -> Found:
    """A template reads parameters that something on the way to its node can have set."""
    before = parameters_before(definition)
    for node in definition.nodes.values():
        known = before.get(node.id)
        if known is None or (node.node_type and node.node_type.reads_what_arrives):
            continue
        for use in node.templates:
            names = (each for each in use.template.parameters if not each.startswith("__"))
            unset = sorted(islice((each for each in names if each not in known), MOST_FAULTS))
            places = _places_of_names(definition, use.written, unset)
            for name, place in zip(unset, places, strict=True):
                hint = did_you_mean(name, known)
                message = f"nothing on the way to '{node.id}' sets the parameter '{name}'{hint}"
                yield place, message


def _places_of_names(
    definition: Definition, written: Scalar, names: Sequence[str]
) -> Sequence[Position]:
    found = [re.search(rf"\b{re.escape(name)}\b", written.text) for name in names]
    offsets = [each.start() if each else 0 for each in found]
    return places_within(definition.source, written, offsets)


def _starts(definition: Definition) -> list[NodeDefinition]:
    return [node for node, node_type in _typed(definition) if node_type.is_start]


def _typed(definition: Definition) -> Iterator[tuple[NodeDefinition, NodeType[object]]]:
    for node in definition.nodes.values():
        if node.node_type is not None:
            yield node, node.node_type


def _unknown(definition: Definition) -> bool:
    """Whether a node's type is not known: what it is in the process can't be told."""
    return any(node.node_type is None for node in definition.nodes.values())


def _has(node: NodeDefinition, key: str) -> bool:
    return node.tree.get(key) is not None


def _may_stand(node: NodeDefinition) -> bool:
    """Whether a task may stand still here: the type can be resumed, or has not been read."""
    return node.node_type is None or type(node.node_type).resume is not NodeType.resume


def _counts(definition: Definition, group: Collection[str]) -> bool:
    """Whether something in a circle looks at the number of attempts, or counts by itself."""
    nodes = [definition.nodes[name] for name in group]
    if any("error.attempt" in use.written.text for node in nodes for use in node.templates):
        return True
    written = frozenset[str]().union(*(node.writes or () for node in nodes))
    read = frozenset[str]().union(
        *(use.template.parameters for node in nodes for use in node.templates)
    )
    return bool(written & read)


def _cron_problem(text: str) -> str:
    if len(text) > _LONGEST_CRON:
        return f"it has more than {_LONGEST_CRON} characters"
    # Imported here: it takes longer to import than the rest of a check to run.
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415

    try:
        CronTrigger.from_crontab(with_named_days(text), timezone="UTC")
    except ValueError as error:
        return str(error)
    return ""
