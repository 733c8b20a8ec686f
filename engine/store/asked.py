"""What a store is asked now and then, answered by the same statements whatever the database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection

from engine.core.batch import Step, Sum
from engine.core.message import Kept
from engine.core.task import Task
from engine.errors import StoreError
from engine.store import processes, reads
from engine.store.interface import ProcessRow, TaskQuery, VersionRow

T = TypeVar("T")


class Asked(ABC):
    """The part of a store that goes through SQLAlchemy; a database says how it lends a connection.

    `name` is the database as people are told of it.
    """

    def __init__(self, name: str, *, is_read_only: bool) -> None:
        self._name = name
        self._is_read_only = is_read_only

    @abstractmethod
    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Runs work with a connection that turns do not use."""

    async def processes(self) -> list[ProcessRow]:
        return await self._read(processes.newest)

    async def versions(self) -> list[VersionRow]:
        return await self._read(processes.versions)

    async def history(self, task_id: str) -> list[Step]:
        return await self._read(lambda connection: reads.history(connection, task_id))

    async def tasks(self, query: TaskQuery) -> list[Task]:
        return await self._read(lambda connection: reads.tasks(connection, query))

    async def counts(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        return await self._read(reads.counts)

    async def sums(self) -> Mapping[Sum, int]:
        return await self._read(reads.sums)

    async def oldest_waiting(self) -> Mapping[str, int]:
        return await self._read(reads.oldest_waiting)

    async def undelivered(self, after: str, limit: int) -> list[Kept]:
        return await self._read(lambda connection: reads.undelivered(connection, after, limit))

    async def check(self) -> list[str]:
        return await self._read(reads.damage)

    def _refuse_if_read_only(self) -> None:
        if self._is_read_only:
            raise StoreError(f"the database '{self._name}' was opened for reading only")
