"""What a deploy changes, and what becomes of the tasks under way: worked out before it is done.

Tasks that stand in a node which the new version has too go on in the new version. Those in a node
that it lacks, or has with another type, go where a move says, or stay in their version until they
have left the node.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.definition import Definition, Difference, difference
from engine.errors import PlanRefused
from engine.runtime.versions import Versions


class Change(StrEnum):
    """What becomes of a process."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Fate(StrEnum):
    """What becomes of the tasks in a node that is not there any more."""

    NONE = "none"  # there are none
    MOVE = "move"  # they stand in another node instead
    STAY = "stay"  # they stay in their version until they have left the node


@dataclass(frozen=True, slots=True)
class Gone:
    """A node that the new version lacks, or has with another type, and the tasks in it."""

    node: str
    standing: int
    to: str = ""
    is_entered: bool = False
    """Whether the tasks enter the other node, since it is of another type."""

    @property
    def fate(self) -> Fate:
        """What becomes of the tasks."""
        if self.to:
            return Fate.MOVE
        return Fate.STAY if self.standing else Fate.NONE


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """What becomes of one process; `version` is the one in force now, 0 for a new process."""

    definition: Definition
    version: int
    change: Change
    difference: Difference
    gone: tuple[Gone, ...] = ()
    staying: int = 0
    """Tasks under way that go on in the new version."""
    keeps: bool = False
    undone: str = ""

    @property
    def process(self) -> str:
        """The alias of the process."""
        return self.definition.process

    @property
    def following(self) -> int:
        """The version that is in force when the plan is carried out."""
        return self.version + (self.change is not Change.UNCHANGED)

    @property
    def moves(self) -> Mapping[str, str]:
        """Which node stands instead of which."""
        return {each.node: each.to for each in self.gone if each.to}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deploy does, by process."""

    processes: tuple[ProcessPlan, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be put into force.

    `moves` name nodes as `old` or `process/old`. With `keeps` tasks under way stay in their
    versions. `undone` are digests of versions that are gone back from, by process.
    """

    definitions: Sequence[Definition]
    moves: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    undone: Mapping[str, str] = field(default_factory=dict)


class Planner:
    """Works out plans for the versions there are; `standing` counts unfinished tasks by node."""

    def __init__(self, versions: Versions, standing: Mapping[tuple[str, str], int]) -> None:
        self._versions = versions
        self._standing = standing

    def plan(self, wish: Wish) -> Plan:
        """Works out what becomes of every process and its tasks.

        Raises:
            PlanRefused: a move can't be made; the message says why.
        """
        drafts = [self._draft(definition, wish) for definition in wish.definitions]
        moves = {draft.process: dict[str, str]() for draft in drafts}
        for written, to in wish.moves.items():
            process, node = self._origin(written, drafts)
            moves[process][node] = to
        return Plan(tuple(self._moved(draft, moves[draft.process]) for draft in drafts))

    def _draft(self, definition: Definition, wish: Wish) -> ProcessPlan:
        row = self._versions.row(definition.process)
        old = self._versions.definition(definition.process) if row else None
        if row is None:
            change = Change.NEW
        elif old is not None and old.digest == definition.digest:
            change = Change.UNCHANGED
        else:
            change = Change.CHANGED
        found = difference(old, definition)
        return ProcessPlan(
            definition,
            row.version if row else 0,
            change,
            found,
            tuple(self._gone(definition, found)),
            self._staying(definition, found),
            wish.keeps,
            wish.undone.get(definition.process, ""),
        )

    def _gone(self, definition: Definition, found: Difference) -> Iterable[Gone]:
        names = dict.fromkeys([*found.removed, *found.retyped])
        # Of still older versions, with tasks that have not left them.
        for process, node in self._standing:
            if process == definition.process and node not in definition.nodes:
                names[node] = None
        for name in names:
            yield Gone(name, self._standing.get((definition.process, name), 0))

    def _staying(self, definition: Definition, found: Difference) -> int:
        return sum(
            self._standing.get((definition.process, name), 0)
            for name in definition.nodes
            if name not in found.retyped
        )

    def _origin(self, written: str, drafts: Sequence[ProcessPlan]) -> tuple[str, str]:
        """Finds the process whose node is moved."""
        process, _, node = written.rpartition("/")
        found = [
            draft.process
            for draft in drafts
            if process in ("", draft.process) and any(gone.node == node for gone in draft.gone)
        ]
        if len(found) == 1:
            return found[0], node
        if found:
            raise PlanRefused(
                f"several processes lose a node '{node}': {', '.join(found)}",
                hint=f"name the process: --move {found[0]}/{node}=…",
            )
        lost = [f"{each.process}/{gone.node}" for each in drafts for gone in each.gone]
        raise PlanRefused(
            f"there is nothing to move out of '{written}': no process loses such a node",
            hint=f"these are lost: {', '.join(lost)}" if lost else "no node is lost",
        )

    def _moved(self, draft: ProcessPlan, moves: Mapping[str, str]) -> ProcessPlan:
        for node, to in moves.items():
            if to not in draft.definition.nodes:
                has = ", ".join(draft.definition.nodes)
                raise PlanRefused(
                    f"tasks in '{node}' can't go on in '{to}': the new version of "
                    f"'{draft.process}' has no such node",
                    hint=f"it has: {has}",
                )
        if not moves:
            return draft
        gone = [
            replace(each, to=to, is_entered=self._is_entered(draft.definition, each.node, to))
            if (to := moves.get(each.node, ""))
            else each
            for each in draft.gone
        ]
        # The same definition is a version of its own if tasks are moved to it.
        change = Change.CHANGED if draft.change is Change.UNCHANGED else draft.change
        return replace(draft, gone=tuple(gone), change=change)

    def _is_entered(self, definition: Definition, node: str, to: str) -> bool:
        graph = self._versions.having(definition.process, node)
        new = definition.nodes[to].node_type
        old = graph.nodes[node].type if graph and node in graph.nodes else None
        return old is None or new is None or old.type != new.type


def back(versions: Versions, process: str, version: int) -> Wish:
    """Gives the wish to go back to an earlier version, with the moves since then turned round.

    Raises:
        PlanRefused: there is no such version, or it can't be used any more.
    """
    known = {row.version: row for row in versions.of(process)}
    definition = versions.definition(process, version) if version in known else None
    if definition is None:
        raise PlanRefused(
            f"'{process}' has no version {version} that could be put into force",
            hint=f"it has {', '.join(map(str, known)) or 'none'}",
        )
    newest = known[max(known)]
    current = versions.definition(process)
    moves: dict[str, str] = {}
    for name in current.nodes if current else ():
        origin = name
        for row in reversed(versions.of(process)):
            if row.version > version:
                origin = next((old for old, new in row.moves.items() if new == origin), origin)
        if name not in definition.nodes and origin in definition.nodes:
            moves[f"{process}/{name}"] = origin
    return Wish([definition], moves, undone={process: newest.digest})
