"""The engine's heart: gather, load, turn, commit, and only then answer and act. HOT.

A turn never begins before the commit of the one before has ended, so it always reads what is
true. While a commit writes (in the store's own thread), requests are read, checked and queued.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from engine.core.batch import Answer, Batch, Found
from engine.core.masking import Masker, masker_of
from engine.core.message import Message
from engine.core.turn import Turn
from engine.core.world import World
from engine.errors import EngineError, LostLease, Overtaken, StoreUnavailable
from engine.runtime.clock import Clock
from engine.runtime.intake import Intake, Ticket
from engine.runtime.masked import told
from engine.store.interface import Store

log = logging.getLogger("engine.loop")

TURN_SIZE = 500
"""Messages a turn: enough for group commit to pay, few enough for a prompt answer."""
RETRY_AFTER_S = 1.0
MOST_REPEATS = 20
LONGEST_REPEAT_S = 0.1
"""Pauses between repeats grow up to this; two engines that met once seldom meet again."""


class Loop:
    """Runs turns for as long as it is let.

    `after` is told of every batch that is safe on disk, `in_doubt` of one that may be. On a shared
    database `join` takes another lease, and `learn` sees what was loaded before it is used.
    """

    def __init__(  # noqa: PLR0913 -- its parts, put together in one place
        self,
        store: Store,
        world: World,
        intake: Intake,
        clock: Clock,
        after: Callable[[Batch], None],
        in_doubt: Callable[[Batch], None],
        *,
        join: Callable[[], Awaitable[None]] | None = None,
        learn: Callable[[Found], Awaitable[None]] | None = None,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._store = store
        self._world = world
        self._intake = intake
        self._clock = clock
        self._after = after
        self._in_doubt = in_doubt
        self._join = join
        self._learn = learn
        self._retry_after_s = retry_after_s
        self._idle = asyncio.Event()
        self._between = asyncio.Event()
        self._between.set()
        self.is_healthy = True

    async def rest(self) -> None:
        """Waits until nothing is being worked on and nothing waits."""
        while len(self._intake) or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)

    async def turn_over(self) -> None:
        """Waits until the turn under way, if there is one, is written and has been acted upon."""
        await self._between.wait()

    async def run(self) -> None:
        """Takes turns until cancelled."""
        while True:
            self._idle.set()
            messages = await self._intake.take(TURN_SIZE)
            self._idle.clear()
            self._between.clear()
            await self._turn_or_halves(messages)
            self._between.set()
            # Let go of: while nothing comes, the tasks of the last turn need not stay in memory.
            del messages
            # A store in memory never waits: without this, endless work would stop everything else.
            await asyncio.sleep(0)

    async def _turn_or_halves(self, messages: list[Message]) -> None:
        """Runs a turn; if a message breaks it, halves it until the bad one is alone, and none."""
        try:
            await self._turn_or_again(messages)
        except StoreUnavailable as error:
            await self._give_back(messages, error)
        except Exception as error:  # noqa: BLE001 -- what one message breaks must not stop all
            if len(messages) == 1:
                masker = _masker(messages[0], self._world)
                kind = type(messages[0]).__name__
                log.error("a message was dropped: %s\n%s", kind, told(error, masker))  # noqa: TRY400 -- masked
                fault = masker.text(f"a fault of the engine: {error!r}")
                _tell(_tickets(messages), EngineError(fault))
                return
            middle = len(messages) // 2
            await self._turn_or_halves(messages[:middle])
            await self._turn_or_halves(messages[middle:])

    async def _turn_or_again(self, messages: list[Message]) -> None:
        """Runs a turn, anew with fresh data if another engine was faster: nothing was written."""
        for repeat in range(MOST_REPEATS):
            try:
                return await self._turn(messages)
            except Overtaken:
                await asyncio.sleep(min(0.001 * 2**repeat - 0.001, LONGEST_REPEAT_S))
            except LostLease:
                if self._join is None:
                    raise
                await self._join()
        return await self._turn(messages)

    async def _turn(self, messages: list[Message]) -> None:
        turn = Turn(self._world, self._clock.now(), is_short=self._intake.is_hurried)
        turn.take(messages)
        while wants := turn.run():
            found = await self._store.load(wants)
            if self._learn is not None:
                await self._learn(found)
            turn.supply(found)
        batch = turn.close()
        if batch.has_rows:
            try:
                await self._store.commit(batch)
            except StoreUnavailable:
                # It may have been written although nobody said so: then its messages have no
                # effect when they come again, and only this starts what was to follow.
                self._in_doubt(batch)
                raise
        self.is_healthy = True
        for answer in batch.answers:
            _give(answer)
        try:
            self._after(batch)
        except Exception:  # the batch is safe on disk: nothing may make its messages come again
            log.exception("what follows a commit broke")

    async def _give_back(self, messages: list[Message], error: StoreUnavailable) -> None:
        """Tells who waits that nothing was stored, and keeps for later what nobody repeats."""
        if self.is_healthy:
            log.error("the database refused a batch: %s", error)
        self.is_healthy = False
        _tell(_tickets(messages), StoreUnavailable(f"nothing was stored: {error}"))
        self._intake.put_back(
            message for message in messages if getattr(message, "ticket", None) is None
        )
        await asyncio.sleep(self._retry_after_s)


def _masker(message: Message, world: World) -> Masker:
    """Gives what hides the secrets that a message brought."""
    graph = world.current(getattr(message, "process", ""))
    data = getattr(message, "data", {})
    return masker_of(graph.secrets, world.masker, data, None) if graph else world.masker


def _tickets(messages: list[Message]) -> list[object]:
    return [getattr(message, "ticket", None) for message in messages]


def _tell(tickets: list[object], error: EngineError) -> None:
    for ticket in tickets:
        if ticket is not None:
            _give(Answer(ticket, error=error))


def _give(answer: Answer) -> None:
    ticket = cast("Ticket | None", answer.ticket)
    if ticket is not None and not ticket.done():
        ticket.set_result(answer)
