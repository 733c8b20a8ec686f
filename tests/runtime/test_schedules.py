"""What the engine itself submits: by the calendar, at intervals, once a moment."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.core.message import Submit
from engine.definition.weekdays import with_named_days
from engine.runtime.intake import Intake
from engine.runtime.schedules import Schedules
from tests.runtime.conftest import definition, until

PROCESS = """
process: shop
schedule:
%s
nodes:
  start: {type: start, next: done}
  done: {type: end}
"""


class Calendar:
    """Schedules with a clock that is set by hand."""

    def __init__(self, *lines, limit=10):
        self.now = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
        self.intake = Intake(limit)
        self.scheduler = AsyncIOScheduler(timezone=UTC)
        self.schedules = Schedules(self.scheduler, self.intake, lambda: self.now)
        self.plan(*lines)

    def plan(self, *lines):
        listed = "\n".join(f"  - {line}" for line in lines) or "  []"
        self.schedules.plan([definition(PROCESS % listed)])

    def jobs(self):
        return self.scheduler.get_jobs()

    def moments(self, number, job=0):
        """The next moments of a job, from now on."""
        trigger, before, now, found = self.jobs()[job].trigger, None, self.now, []
        for _ in range(number):
            before = trigger.get_next_fire_time(before, now)
            now = before + timedelta(microseconds=1)
            found.append(before.astimezone(UTC).strftime("%a %d %H:%M"))
        return found

    def fire(self, job=0):
        fired = self.jobs()[job]
        fired.func(*fired.args)


async def taken(calendar):
    return await calendar.intake.take(99) if len(calendar.intake) else []


async def test_a_task_is_submitted_by_the_calendar():
    calendar = Calendar("{cron: '30 9 * * *', data: {a: 1}, ref: daily}")

    assert calendar.moments(2) == ["Sat 28 09:30", "Sun 29 09:30"]
    calendar.fire()

    (message,) = await taken(calendar)
    assert isinstance(message, Submit)
    assert (message.process, message.ref, message.data) == ("shop", "daily", {"a": 1})


def test_a_calendar_is_meant_in_its_zone_and_follows_summer_time():
    calendar = Calendar("{cron: '30 9 * * *', timezone: Europe/Kyiv}")

    assert calendar.moments(3) == ["Sat 28 07:30", "Sun 29 06:30", "Mon 30 06:30"]


def test_days_of_the_week_are_counted_from_sunday():
    calendar = Calendar("{cron: '0 9 * * 1'}", "{cron: '0 9 * * 0'}", "{cron: '0 9 * * 7'}")

    assert [calendar.moments(1, job) for job in range(3)] == [
        ["Mon 30 09:00"], ["Sun 29 09:00"], ["Sun 29 09:00"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("*", "*"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("0,6", "sun,sat"),
        ("6-7", "sun,sat"),
        ("5-1", "sun,mon,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("1/2", "mon,wed,fri"),
        ("1-5/2", "mon,wed,fri"),
        ("Mon-Wed", "mon,tue,wed"),
        ("0-7", "*"),
        ("8", "8"),
        ("1-", "1-"),
        ("x", "x"),
        ("*/0", "*/0"),
        ("*/x", "*/x"),
    ],
)
def test_every_form_of_a_day_of_the_week_is_understood(field, named):
    assert with_named_days(f"0 9 * * {field}") == f"0 9 * * {named}"


def test_a_line_that_is_no_calendar_is_left_as_it_is():
    assert with_named_days("0 9 *  *") == "0 9 * *"


def test_a_task_is_submitted_at_an_interval():
    calendar = Calendar("{every: 90m}")

    moments = [moment.partition(" ")[2] for moment in calendar.moments(4)]
    minutes = [int(each[3:5]) * 60 + int(each[6:]) for each in moments]

    assert {(later - sooner) % 1440 for sooner, later in pairwise(minutes)} == {90}


async def test_a_moment_has_one_key_and_the_next_another():
    calendar = Calendar("{every: 1m}", "{every: 1m}")
    for job in (0, 0, 1):
        calendar.fire(job)
    calendar.now += timedelta(minutes=1)
    calendar.fire()

    keys = [message.once.key for message in await taken(calendar)]

    assert keys == [
        "schedule/shop/0/2026-03-27T12:00:00+00:00",
        "schedule/shop/0/2026-03-27T12:00:00+00:00",
        "schedule/shop/1/2026-03-27T12:00:00+00:00",
        "schedule/shop/0/2026-03-27T12:01:00+00:00",
    ]


async def test_a_task_of_a_schedule_has_data_of_its_own():
    calendar = Calendar("{every: 1m, data: {a: 1}}")
    calendar.fire()
    (first,) = await taken(calendar)
    first.data["b"] = 2

    calendar.fire()

    (second,) = await taken(calendar)
    assert second.data == {"a": 1}


def test_a_new_version_replaces_the_schedules_of_the_old_one():
    calendar = Calendar("{every: 1m}", "{every: 2m}")

    calendar.plan("{every: 3m}")

    assert [job.id for job in calendar.jobs()] == ["shop/0"]
    calendar.plan()
    assert calendar.jobs() == []


async def test_a_busy_engine_lets_a_moment_go_and_says_so(caplog):
    calendar = Calendar("{every: 1m}", limit=0)

    calendar.fire()

    assert await taken(calendar) == []
    assert "the schedule of 'shop' was not submitted" in caplog.text


async def test_an_engine_submits_each_moment_once(opened, clock):
    workspace = await opened(PROCESS % "  - {every: 1h}")
    job = workspace._engine._scheduler.get_job("shop/0")

    for _ in range(3):
        job.func(*job.args)
    clock.advance(3600)
    job.func(*job.args)
    await until(lambda: workspace.counts("shop")["done"] == (2, 0))
    await workspace.rest()

    assert workspace.counts("shop")["done"] == (2, 0)
