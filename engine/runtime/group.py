"""Answers that are awaited together: one future for all of them, not one each."""

import asyncio
from typing import Any

from engine.core.batch import Answer
from engine.errors import EngineError


class Group:
    """Collects the answers to several messages."""

    def __init__(self) -> None:
        self._results: list[Any] = []
        self._left = 0
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def place(self) -> "_Place":
        """Gives the ticket of one more message."""
        self._results.append(None)
        self._left += 1
        return _Place(self, len(self._results) - 1)

    def put(self, number: int, result: Answer | EngineError) -> None:
        """Takes the result of the message of this number."""
        self._results[number] = result
        self._left -= 1
        if not self._left and not self._all.done():
            self._all.set_result(None)

    async def results(self) -> list[Answer | EngineError]:
        """Waits for all of them; gives them in the order of their tickets."""
        if self._left:
            await self._all
        return self._results


class _Place:
    """The ticket of one of a group."""

    __slots__ = ("_group", "_number")

    def __init__(self, group: Group, number: int) -> None:
        self._group = group
        self._number = number

    def done(self) -> bool:
        return False

    def set_result(self, answer: Answer) -> None:
        self._group.put(self._number, answer.error or answer)
