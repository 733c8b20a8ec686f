"""What a store is asked now and then, answered by the same statements whatever the database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection

from engine.core.batch import Step, Sum
from engine.core.circuit import Pause
from engine.core.message import Kept
from engine.core.task import Task
from engine.errors import StoreError
from engine.store import auditing, circuits, processes, reads, seal_keys
from engine.store.facts import Audit, Since
from engine.store.interface import ProcessRow, TaskQuery, VersionRow
from engine.store.sealing import Keyring

T = TypeVar("T")


class Asked(ABC):
    """The part of a store that goes through SQLAlchemy; a database says how it lends a connection.

    `name` is the database as people are told of it.
    """

    is_shared: bool

    def __init__(self, name: str, *, is_read_only: bool) -> None:
        self._name = name
        self._is_read_only = is_read_only
        self.keys = Keyring.in_memory()

    @abstractmethod
    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Runs work with a connection that turns do not use."""

    async def _read_long(self, work: Callable[[Connection], T]) -> T:
        """Runs work that may take minutes."""
        return await self._read(work)

    @abstractmethod
    async def change(self, work: Callable[[Connection], T]) -> T:
        """Runs work in a transaction of its own."""

    @abstractmethod
    async def scrub(self) -> None:
        """Takes out of the files what was replaced, where the database is ours to write anew."""

    async def unlock(self, keys: Keyring) -> None:
        self.keys = keys
        if self._is_read_only:
            return  # it is found when it is needed
        known = await self._read(seal_keys.listed)
        if known:
            keys.use(known[0], known[1:])

    async def processes(self) -> list[ProcessRow]:
        return await self._read(processes.newest)

    async def versions(self) -> list[VersionRow]:
        return await self._read(lambda connection: processes.versions(connection, self.keys))

    async def history(self, task_id: str) -> list[Step]:
        return await self._read(lambda connection: reads.history(connection, task_id))

    async def tasks(self, query: TaskQuery) -> list[Task]:
        return await self._read(lambda connection: reads.tasks(connection, query, self.keys))

    async def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        return await self._read(reads.counts)

    async def sums(self) -> Mapping[Sum, int]:
        return await self._read(reads.sums)

    async def oldest_waiting(self) -> Mapping[str, int]:
        return await self._read(reads.oldest_waiting)

    async def undelivered(self, after: str, limit: int) -> list[Kept]:
        return await self._read(
            lambda connection: reads.undelivered(connection, after, limit, self.keys)
        )

    async def pauses(self) -> list[Pause]:
        return await self._read(circuits.listed)

    async def note_pauses(self, changes: Mapping[str, Pause | None], now: int) -> None:
        await self.change(lambda connection: circuits.note(connection, changes, now))

    async def check(self, *, quickly: bool = False) -> list[str]:
        return await self._read_long(lambda connection: reads.damage(connection, is_quick=quickly))

    async def audit(self, since: Since) -> Audit:
        return await self._read_long(
            lambda connection: auditing.audit(connection, since, self.keys)
        )

    def _refuse_if_read_only(self) -> None:
        if self._is_read_only:
            raise StoreError(f"the database '{self._name}' was opened for reading only")
