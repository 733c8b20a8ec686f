"""Real databases that a busy engine has filled, to be damaged on purpose and examined."""

import asyncio

import pytest
from pysqlite3 import dbapi2

from engine.core.command import HttpAnswer
from engine.doctor import examine
from engine.runtime.clock import SystemClock
from engine.settings import Settings
from engine.testing.world import VirtualClock
from tests.runtime.conftest import engines
from tests.store.conftest import _postgres_tables, postgres_server, postgres_url

__all__ = ["_postgres_tables", "postgres_server", "postgres_url"]

SHOP = """
process: shop
params: {note: {type: string}}
nodes:
  start: {type: start, next: wait}
  wait:
    type: waiting_for_callback
    match: {ref: id}
    sync: false
    keep_early: 1h
    timeout: {after: 1h, next: late}
    next: done
  done: {type: end}
  late: {type: end, result: error}
"""
PATIENT = """
process: patient
unique_ref: false
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {task_id: id}, next: done}
  done: {type: end}
"""
PAUSE = """
process: pause
nodes:
  start: {type: start, next: sleep}
  sleep: {type: delay, for: 10m, next: tell}
  tell: {type: copy_task, process: shop, ref: "{{ root.ref }}-told", data: {note: told}, next: done, error: bad}
  done: {type: end, keep: false}
  bad: {type: end, result: error}
"""
ASK = """
process: ask
nodes:
  start: {type: start, next: call}
  call: {type: call_process, process: answer, data: {wanted: "{{ wanted }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
ANSWER = """
process: answer
nodes:
  start: {type: start, next: think}
  think: {type: delay, for: 20m, next: say}
  say: {type: reply_to_process, data: {said: "{{ wanted }}"}, next: done}
  done: {type: end}
"""
LINE = """
process: line
nodes:
  start: {type: start, next: stand}
  stand: {type: queue, timeout: {after: 3h, next: done}, next: done}
  done: {type: end}
"""
TAKER = """
process: taker
nodes:
  start: {type: start, next: take}
  take: {type: get_from_queue, process: line, node: stand, next: done, error: none}
  done: {type: end}
  none: {type: end, result: error}
"""
PARCEL = """
process: parcel
kind: state
nodes:
  start: {type: start, next: away}
  away:
    type: set_state
    cases: [{when: "event == 'home'", next: home}, {when: "event == 'over'", next: over}]
  home: {type: set_state, cases: [{when: "event == 'away'", next: away}]}
  over: {type: end}
"""
WEB = """
process: web
nodes:
  start: {type: start, next: ask}
  ask: {type: api_call, url: "http://there.example/{{ what }}", in_doubt: repeat, next: sure}
  sure: {type: condition, cases: [{when: "what == 'bad'", next: bad}], else: done}
  done: {type: end}
  bad: {type: end, result: error}
"""
ALL = (SHOP, PATIENT, PAUSE, ASK, ANSWER, LINE, TAKER, PARCEL, WEB)


async def answered(command):
    """Answers every call, those to a service that is broken with an error."""
    code = 500 if "broken" in command.url else 200
    return HttpAnswer(code, (("content-type", "application/json"),), b"{}")


class SqlitePlace:
    def __init__(self, folder):
        self.file = folder / "engine.db"
        self.url = f"sqlite:///{self.file}"

    def damage(self, *statements):
        connection = dbapi2.connect(str(self.file), isolation_level=None)
        try:
            rows = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows
        finally:
            connection.close()

    def mend(self):
        """Leaves the file as it is: each test has its own."""

    async def serve(self, opened):
        """Has an engine on the file that moves nothing."""
        await opened(start=False)


class PostgresPlace:
    def __init__(self, server, url):
        self.server = server
        self.url = url
        self.indexes = [
            definition.replace("INDEX ", "INDEX IF NOT EXISTS ", 1)
            for (definition,) in self.damage(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'task'"
                " AND indexname LIKE 'task\\_%' AND indexname <> 'task_pkey'"
            )
        ]

    def damage(self, *statements):
        return [tuple(row) for row in self.server.sql(*statements, database="engine")]

    def mend(self):
        """Makes the indexes anew that were dropped: the next test has the same tables."""
        self.damage("DELETE FROM task", *self.indexes)

    async def serve(self, opened):
        """Has a lease of an engine that moves nothing."""
        self.damage(
            "INSERT INTO worker (worker, role, lease, expires, started)"
            " VALUES ('still', 'worker', 15000000, 9000000000000000, 0)"
        )


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where a database is, and how it is damaged behind the engine's back."""
    if request.param == "sqlite":
        return SqlitePlace(tmp_path)
    return PostgresPlace(
        request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_url")
    )


@pytest.fixture
def folder(tmp_path):
    """A folder of process files without faults."""
    made = tmp_path / "processes"
    made.mkdir()
    (made / "shop.yaml").write_text(SHOP)
    return made


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
async def opened(place, clock):
    """Opens engines on the place."""
    async with engines(place.url, clock, answered) as open_one:
        yield open_one


@pytest.fixture
def examined(place, folder, clock):
    """Examines the place; a pause between two looks takes no time."""

    async def now(faults=(), environment=(), pause=None, at=None, **settings):
        async def at_once():
            await asyncio.sleep(0)

        values = {"database": place.url, "processes": str(folder), "port": 0} | settings
        # The database's clock is the machine's: virtual time would differ from it.
        is_server = values["database"].startswith("postgres")
        return await examine(
            Settings(**values), faults, dict(environment), at or (SystemClock() if is_server else clock),
            pause or at_once,
        )  # fmt: skip

    return now


def said(examination, check=""):
    """What was found, as people read it."""
    return [each.message for each in examination.findings if check in ("", each.check)]


def faults(examination):
    """The faults but for those of the test itself: a server without fsync, virtual time."""
    passed = ("fsync", "should have been woken", "beyond their time")
    return [
        each.message
        for each in examination.faults
        if not any(word in each.message for word in passed)
    ]
