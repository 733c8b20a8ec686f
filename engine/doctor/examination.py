"""The whole examination: settings, machine, database; each part is looked at though another fails.

It reads only, in a snapshot of its own, and never through the engine that works on the database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.doctor.configuration import (
    examine_folder,
    examine_public_url,
    examine_settings,
    is_local,
)
from engine.doctor.finding import Finding, Severity, warning
from engine.doctor.graphs import Graphs
from engine.doctor.machine import (
    examine_disk,
    examine_open_files,
    examine_port,
    examine_service,
    examine_way_in,
)
from engine.doctor.rows import examine_newest, examine_rows
from engine.doctor.tasks import examine_tasks, takes_callbacks
from engine.errors import EngineError, SettingsError, StoreError
from engine.runtime.clock import Clock
from engine.settings import Settings
from engine.store import lock
from engine.store.facts import PASSING, Audit, Since
from engine.store.interface import Store
from engine.store.lock import Address
from engine.store.opening import is_server, open_store, path_of

LATE_US = 60_000_000
IDLE_US = 300_000_000
CALLING_US = 3_600_000_000
SKEW_US = 1_000_000
INCREMENTAL = "2"

Pause = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, faults first, and how many unfinished tasks were looked at."""

    findings: tuple[Finding, ...]
    tasks: int

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What is broken."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What came of the database; without an audit it could not be read."""

    findings: tuple[Finding, ...] = ()
    audit: Audit | None = None
    takes_callbacks: bool = False


async def examine(
    settings: Settings,
    faults: Sequence[SettingsError],
    environment: Mapping[str, str],
    clock: Clock,
    pause: Pause,
) -> Examined:
    """Examines everything; `pause` lasts longer than engines take to mend what others left."""
    path = None if is_server(settings.database) else _path(settings.database)
    address = lock.holder(path) if path is not None and path.parent.is_dir() else None
    found = [*examine_settings(settings, faults, environment)]
    found += await asyncio.to_thread(lambda: list(examine_folder(Path(settings.processes))))
    found += examine_open_files(address.pid if address is not None else None)
    if path is not None:
        found += examine_disk(path.absolute().parent)
    looked = await _look(settings.database, path, address, clock, pause)
    found += looked.findings
    if looked.audit is not None or address is not None or path is not None:
        found += examine_public_url(settings, takes_callbacks=looked.takes_callbacks)
    is_served = address is not None or (looked.audit is not None and looked.audit.workers > 0)
    found += await _ways(settings, address, is_served=is_served)
    findings = sorted(found, key=lambda each: each.severity is not Severity.ERROR)
    standing = looked.audit.standing if looked.audit is not None else ()
    return Examined(tuple(findings), sum(each.count for each in standing))


async def _ways(settings: Settings, address: Address | None, *, is_served: bool) -> list[Finding]:
    """Looks at the ways by which requests come."""
    ways: list[Finding | None] = []
    if address is not None:
        # A command that has the database open listens nowhere.
        ways.append(await examine_service(address.url, address.pid) if address.url else None)
    else:
        ways.append(await examine_port(settings))
    if settings.public_url and is_served:
        host = urlsplit(settings.public_url).hostname or ""
        ways.append(None if is_local(host) else await examine_way_in(settings.public_url))
    return [each for each in ways if each is not None]


def _path(url: str) -> Path | None:
    try:
        return path_of(url)
    except SettingsError:
        return None


async def _look(
    url: str, path: Path | None, address: Address | None, clock: Clock, pause: Pause
) -> _Looked:
    is_there = path is None or await asyncio.to_thread(path.exists)
    if not is_there:
        missing = warning(
            "database", f"there is no database '{path}' yet", "'engine serve' makes it"
        )
        return _Looked((missing,))
    try:
        store = await open_store(url, read_only=True)
    except EngineError as error:
        return _Looked((Finding("database", str(error), error.hint),))
    try:
        return await _examine_store(store, address, clock, pause)
    finally:
        await store.aclose()


async def _examine_store(
    store: Store, address: Address | None, clock: Clock, pause: Pause
) -> _Looked:
    findings = [
        Finding("integrity", damage, "stop the engine and restore the file from a backup")
        for damage in await _damage(store)
    ]
    try:
        audit = await _audit(store, clock, pause)
    except StoreError as error:
        return _Looked((*findings, Finding("database", str(error), error.hint)))
    now = clock.now()
    graphs = Graphs(audit.versions)
    is_served = address is not None or audit.workers > 0
    findings += examine_tasks(audit, graphs)
    findings += examine_rows(audit, graphs, is_served=is_served)
    findings += examine_newest(audit, now)
    findings += _examine_nature(audit, now)
    names = {each.process: None for each in audit.versions}
    return _Looked(tuple(findings), audit, takes_callbacks(graphs, names))


async def _damage(store: Store) -> list[str]:
    try:
        return await store.check(quickly=True)
    except StoreError as error:
        return [str(error)]


async def _audit(store: Store, clock: Clock, pause: Pause) -> Audit:
    """Gathers the facts; what engines that share a database would mend must be there twice."""
    first = await store.audit(_since(clock))
    passing = {(each.kind, each.row_id) for each in first.oddities if each.kind in PASSING}
    if not store.is_shared or not passing:
        return first
    await pause()
    second = await store.audit(_since(clock))
    return second.without(
        each
        for each in second.oddities
        if each.kind in PASSING and (each.kind, each.row_id) not in passing
    )


def _since(clock: Clock) -> Since:
    now = clock.now()
    return Since(now - LATE_US, now - IDLE_US, now - CALLING_US)


def _examine_nature(audit: Audit, now: int) -> Iterator[Finding]:
    """What the database says of itself: whether it keeps what it was given, and the time."""
    nature = audit.nature
    if audit.moved:
        what, _, hint = audit.moved.partition("; ")
        yield Finding("database", what, hint)
    if audit.clock is not None and abs(audit.clock - now) > SKEW_US:
        yield Finding(
            "clock",
            "the clocks of the database and of this machine differ by"
            f" {abs(audit.clock - now) / 1e6:.1f} s",
            "have both set by NTP: leases and timers of several engines need one time",
        )
    for name in ("fsync", "full_page_writes"):
        if nature.get(name, "on") == "off":
            yield Finding(
                "durability", f"the server runs with {name} = off: a power cut loses tasks",
                f"set {name} = on in postgresql.conf",
            )  # fmt: skip
    if nature.get("autovacuum", "on") == "off":
        yield warning(
            "space", "the server runs with autovacuum = off: deleted tasks keep their space",
            "set autovacuum = on in postgresql.conf",
        )  # fmt: skip
    if nature.get("journal_mode", "wal") != "wal":
        yield Finding(
            "durability",
            f"the file has the journal mode '{nature['journal_mode']}', not 'wal'",
            "start an engine on it: it sets it back; let no other program change it",
        )
    if nature.get("auto_vacuum", INCREMENTAL) != INCREMENTAL:
        yield warning(
            "space", "the file gives no space back when tasks are deleted",
            "stop the engine, then: PRAGMA auto_vacuum = incremental; VACUUM",
        )  # fmt: skip
