"""Which upstream hosts are let be: told to all engines on the database, and learnt from them."""

import asyncio
import logging

from engine.core.circuit import Circuits, Pause
from engine.runtime.clock import Clock
from engine.store.interface import Store

log = logging.getLogger("engine.upstreams")

LOOK_EVERY_US = 1_000_000
SELDOM_US = 3_600_000_000
"""Alone on a database there is nothing to learn."""


class Upstreams:
    """Keeps the circuits of one engine and the database's rows in step."""

    def __init__(self, store: Store, circuits: Circuits, clock: Clock) -> None:
        self._store = store
        self._circuits = circuits
        self._clock = clock
        self._woken = asyncio.Event()

    async def keep(self) -> None:
        """Writes and reads changes until cancelled."""
        self._circuits.listen(self._woken.set)
        every = LOOK_EVERY_US if self._store.is_shared else SELDOM_US
        while True:
            self._woken.clear()
            await self.look()
            await self._clock.wait(self._woken, self._clock.now() + every)

    async def look(self) -> None:
        """Writes what changed here, and reads what changed elsewhere."""
        await self._write(self._circuits.changes())
        self._circuits.learn(await self._store.pauses())

    async def _write(self, changes: dict[str, Pause | None]) -> None:
        if not changes:
            return
        try:
            await self._store.note_pauses(changes, self._clock.now())
        except BaseException:
            self._circuits.give_back(changes)
            raise
        for origin, pause in changes.items():
            if pause is None:
                log.warning("%s answers again", origin)
            else:
                seconds = (pause.until - self._clock.now()) / 1e6
                log.warning("%s is not called for %.0f s: %s", origin, seconds, pause.reason)
