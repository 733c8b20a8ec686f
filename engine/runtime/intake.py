"""What waits to be taken into a turn, and who waits for an answer. HOT.

Three lines: what somebody outside waits for, which is bounded and refused with `Busy` when full;
what the engine itself produced (results, timers), which its producers bound; and long walks to be
continued, which may be endless and so hold up nobody else.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from engine.core.batch import Answer
from engine.core.message import Message
from engine.errors import Busy


class Ticket(Protocol):
    """Who waits for the answer to a message; a future is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, answer: Answer, /) -> None:
        """Takes the answer. It must not raise: what is answered has happened."""


class Intake:
    """The one door through which messages reach tasks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Message] = deque()
        self._own: deque[Message] = deque()
        self._walks: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._was_taken = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._own) + len(self._walks)

    @property
    def is_closed(self) -> bool:
        """Whether new requests are refused because the engine stops."""
        return self._is_closed

    def offer(self, message: Message) -> None:
        """Takes a request from outside.

        Raises:
            Busy: too much is in the air, or the engine is stopping.
        """
        if self._is_closed:
            raise Busy("the engine is stopping", hint="send the request again in a moment")
        if len(self._waiting) >= self._limit:
            raise Busy(
                f"{self._limit} requests wait already", hint="send the request again in a moment"
            )
        self._waiting.append(message)
        self._arrived.set()

    def room(self) -> int:
        """Says how many more requests would be taken now."""
        return 0 if self._is_closed else self._limit - len(self._waiting)

    def put(self, messages: Iterable[Message]) -> None:
        """Takes what the engine itself has to say."""
        self._own.extend(messages)
        self._arrived.set()

    def put_walks(self, messages: Iterable[Message]) -> None:
        """Takes what goes to the end of the line: tasks whose walk was cut short.

        Not while the engine stops: they may never end, and stand READY on disk.
        """
        if not self._is_closed:
            self._walks.extend(messages)
            self._arrived.set()

    def put_back(self, messages: Iterable[Message]) -> None:
        """Puts messages of a turn that could not be written to the head of the line."""
        self._own.extendleft(reversed(list(messages)))
        self._arrived.set()

    async def take(self, at_most: int) -> list[Message]:
        """Waits for messages and gives them.

        What the engine itself says comes first, but never fills a turn while others wait. Long
        walks come last: they may use up all the moves of a turn.
        """
        while not (self._own or self._waiting or self._walks):
            self._arrived.clear()
            await self._arrived.wait()
        self._was_taken.set()
        for_walks = min(len(self._walks), at_most // 4)
        for_waiting = min(len(self._waiting), at_most // 4)
        ends = (at_most - for_walks - for_waiting, at_most - for_walks, at_most)
        taken: list[Message] = []
        for line, up_to in zip((self._own, self._waiting, self._walks), ends, strict=True):
            while line and len(taken) < up_to:
                taken.append(line.popleft())
        return taken

    async def worked_off(self, at_most: int) -> None:
        """Waits until no more than so many messages of the engine's own wait."""
        while len(self._own) > at_most:
            self._was_taken.clear()
            await self._was_taken.wait()

    def close(self) -> None:
        """Refuses further requests; what was taken is still given out, but for long walks."""
        self._is_closed = True
        self._walks.clear()
        self._arrived.set()
