"""What is done now and then: expired messages, retention, forgotten answers. By APScheduler."""

import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.core.message import Expire
from engine.errors import StoreError
from engine.runtime.clock import Clock
from engine.runtime.deployments import Deployments
from engine.runtime.intake import Intake
from engine.store.interface import Store

log = logging.getLogger("engine.housekeeping")

EXPIRY_S = 5
RETENTION_S = 60
AT_ONCE = 1000


class Housekeeping:
    """Keeps the store within its bounds."""

    def __init__(
        self, store: Store, intake: Intake, clock: Clock, deployments: Deployments
    ) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._deployments = deployments

    def plan(self, scheduler: AsyncIOScheduler) -> None:
        """Puts the jobs on the calendar."""
        for job, seconds in ((self.expire, EXPIRY_S), (self.forget, RETENTION_S)):
            scheduler.add_job(
                _guarded(job), "interval", seconds=seconds, coalesce=True, max_instances=1
            )

    async def expire(self) -> None:
        """Gives up messages that nobody took while they were kept."""
        expired = await self._store.expired(self._clock.now(), AT_ONCE)
        self._intake.put(Expire(message_id) for message_id in expired)

    async def forget(self) -> None:
        """Deletes finished tasks whose retention is over, and answers nobody may ask for again."""
        now = self._clock.now()
        for row in list(self._deployments.rows()):
            graph = self._deployments.current(row.process)
            if graph is not None:
                while await self._store.forget(row.process, now - graph.retention, AT_ONCE):
                    pass
        await self._store.forget_answers(now)


def _guarded(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job()
        except StoreError as error:
            log.warning("housekeeping will try again: %s", error)

    return run
