"""What waits to be taken into a turn, and who waits for an answer. HOT.

Four lines: callbacks, and what else somebody outside waits for, which together are bounded and
refused with `Busy` when full; what the engine itself produced (results, timers), which its
producers bound; and long walks to be continued, which may be endless and so hold up nobody else.

Who sends a callback waits for the whole turn it is in and the one before. So callbacks come
first, and for as long as some come turns are shorter.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from engine.core.batch import Answer
from engine.core.message import Callback, Message
from engine.errors import Busy

HURRIED = 200
"""Other messages in a turn while callbacks come; `python -m benchmarks.fairness` measures it."""
HURRIED_WALKS = 2
"""Of these, walks: each may take 250 moves, as much as a hundred usual messages."""
HURRIED_FOR = 50
"""Turns after a callback that are still short: the next one is likely to come."""


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
        self._callbacks: deque[Message] = deque()
        self._waiting: deque[Message] = deque()
        self._own: deque[Message] = deque()
        self._walks: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._was_taken = asyncio.Event()
        self._is_closed = False
        self._hurried = 0

    def __len__(self) -> int:
        outside = len(self._callbacks) + len(self._waiting)
        return outside + len(self._own) + len(self._walks)

    @property
    def is_closed(self) -> bool:
        """Whether new requests are refused because the engine stops."""
        return self._is_closed

    @property
    def is_hurried(self) -> bool:
        """Whether turns are to be short, because callbacks come."""
        return self._hurried > 0

    def offer(self, message: Message) -> None:
        """Takes a request from outside.

        Raises:
            Busy: too much is in the air, or the engine is stopping.
        """
        if self._is_closed:
            raise Busy("the engine is stopping", hint="send the request again in a moment")
        if self.room() <= 0:
            raise Busy(
                f"{self._limit} requests wait already", hint="send the request again in a moment"
            )
        line = self._callbacks if isinstance(message, Callback) else self._waiting
        line.append(message)
        self._arrived.set()

    def room(self) -> int:
        """Says how many more requests would be taken now."""
        waiting = len(self._callbacks) + len(self._waiting)
        return 0 if self._is_closed else self._limit - waiting

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

        Callbacks come first. Then what the engine itself says, but it never fills a turn while
        others wait. Long walks come last: they may use up all the moves of a turn.
        """
        while not len(self):
            self._arrived.clear()
            await self._arrived.wait()
        self._was_taken.set()
        taken = _first(self._callbacks, at_most // 2)
        self._hurried = HURRIED_FOR if taken else max(self._hurried - 1, 0)
        others = at_most - len(taken)
        most_walks, for_walks = others, min(len(self._walks), at_most // 4)
        if self._hurried:
            others = min(others, HURRIED)
            most_walks = for_walks = min(len(self._walks), HURRIED_WALKS)
        for_waiting = min(len(self._waiting), others // 4)
        own = _first(self._own, others - for_walks - for_waiting)
        waiting = _first(self._waiting, others - for_walks - len(own))
        walks = _first(self._walks, min(others - len(own) - len(waiting), most_walks))
        return [*taken, *own, *waiting, *walks]

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


def _first(line: deque[Message], at_most: int) -> list[Message]:
    return [line.popleft() for _ in range(min(len(line), at_most))]
