"""Tasks that the engine itself submits, by the schedules of the processes. By APScheduler."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from engine.core.message import Once, Submit
from engine.definition import Definition, Schedule
from engine.definition.weekdays import with_named_days
from engine.errors import Busy
from engine.runtime.intake import Intake

log = logging.getLogger("engine.schedules")

MISSED_S = 60


class Scheduler(Protocol):
    """What the engine asks of APScheduler."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def shutdown(self, *, wait: bool) -> None: ...

    def get_jobs(self) -> list[Any]: ...

    def add_job(self, func: Callable[..., Any], trigger: Any = None, **options: Any) -> Any: ...


class Schedules:
    """Submits tasks by the calendar; a moment that was missed by more than a minute is let go."""

    def __init__(self, scheduler: Scheduler, intake: Intake, now: Callable[[], datetime]) -> None:
        self._scheduler = scheduler
        self._intake = intake
        self._now = now

    def plan(self, definitions: Iterable[Definition]) -> None:
        """Replaces the schedules of these processes by what they say now."""
        for definition in definitions:
            for job in self._scheduler.get_jobs():
                if job.id.startswith(f"{definition.process}/"):
                    job.remove()
            for number, schedule in enumerate(definition.schedule):
                self._scheduler.add_job(
                    self._submit,
                    _trigger(schedule),
                    args=[definition.process, number, schedule],
                    id=f"{definition.process}/{number}",
                    coalesce=True,
                    misfire_grace_time=MISSED_S,
                )

    def _submit(self, process: str, number: int, schedule: Schedule) -> None:
        """Submits a task once a moment: the key holds even where two engines plan the same."""
        moment = self._now().replace(microsecond=0).isoformat()
        once = Once(f"schedule/{process}/{number}/{moment}", schedule.ref)
        data: dict[str, Any] = dict(schedule.data)
        try:
            self._intake.offer(Submit(process, schedule.ref, data, once=once))
        except Busy as error:
            log.warning("the schedule of '%s' was not submitted: %s", process, error)


def _trigger(schedule: Schedule) -> BaseTrigger:
    zone = ZoneInfo(schedule.timezone)
    if schedule.cron:
        return CronTrigger.from_crontab(with_named_days(schedule.cron), timezone=zone)
    seconds = schedule.every.seconds if schedule.every is not None else 0
    return IntervalTrigger(seconds=seconds, timezone=zone)
