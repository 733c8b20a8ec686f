"""What is asked on the hot path reads what it takes, and little else, however full the tables are.

Plans are made once and kept: also the one that was made while the tables were empty, and before
the server knew anything about what is in them.
"""

import json

import pytest

from engine.store.opening import open_store
from engine.store.postgres import commit, find, sharing, store
from engine.store.postgres.line import connect
from engine.store.postgres.place import Place
from tests.store.postgres_server import apart
from tests.store.store_values import NOW

TASKS = 50_000
ME, OTHER = 7, 8
# One in twenty-five waits, of which every second one's timer is in another's hand; one in fifty is
# ready, in hand or not; the others are finished. Refs are used again and again.
FILL = f"""
INSERT INTO task (task_id, process, ref, version, node, state, data, memo, visit, due, created,
    changed, finished, revision, is_ref_exclusive, holder)
SELECT lpad(to_hex({NOW // 1000} + n), 12, '0') || lpad(n::text, 12, '0'), 'shop',
    CASE WHEN n % 25 = 0 THEN 'live-' || n ELSE 'done-' || n % 5000 END, 1, 'wait',
    CASE WHEN n % 25 = 0 THEN 'waiting' WHEN n % 50 = 1 THEN 'ready' ELSE 'success' END,
    '{{"amount": 5}}', '{{"wait":"callback"}}', 1, CASE WHEN n % 25 = 0 THEN {NOW} + n END, {NOW},
    {NOW} + n, CASE WHEN n % 25 = 0 OR n % 50 = 1 THEN NULL ELSE {NOW} + n END, 1,
    n % 50 <> 1,
    CASE WHEN n % 50 = 0 THEN {OTHER} WHEN n % 100 = 1 THEN {ME} END
FROM generate_series(1, {TASKS}) AS n
"""
FILL_MAIL = f"""
INSERT INTO message (message_id, kind, state, process, ref, task_id, node, data, event_key, rank,
    arrived, expires, reason)
SELECT lpad(n::text, 24, '0'), 'callback', CASE WHEN n % 2 = 0 THEN 'kept' ELSE 'undelivered' END,
    'shop', 'nobody-' || n, '', 'wait', '{{}}', '', 0, {NOW}, {NOW} + n, ''
FROM generate_series(1, {TASKS}) AS n
"""
FILL_HISTORY = "INSERT INTO history SELECT task_id, 1, '[]' FROM task"
FILL_ANSWERS = f"""
INSERT INTO answer SELECT 'key-' || n, 'digest', '', {NOW} + n FROM generate_series(1, {TASKS}) AS n
"""

DONE = [f"{NOW // 1000 + n:012x}{n:012d}" for n in range(1002, 1022)]
NOBODY = [f"nobody-{n}" for n in range(2, 22)]
SHOP = ["shop"] * 20
CHANGES = (
    DONE, [1] * 20, [1] * 20, ["end"] * 20, ["waiting"] * 20, ["{}"] * 20, ["{}"] * 20, [2] * 20,
    [None] * 20, [NOW] * 20, [None] * 20, [None] * 20, [True] * 20, [None] * 20,
)  # fmt: skip
# name: statement, types, values, how many rows of tables it may read
ASKED = {
    "tasks by id": (find.BY_ID, "text[]", (DONE,), 20),
    "live refs": (
        find.BY_KEY, "text[], text[]", (SHOP, [f"live-{n * 25}" for n in range(1, 21)]), 20,
    ),
    # Ten tasks each have had the ref.
    "refs used again": (
        find.BY_KEY, "text[], text[]", (SHOP, [f"done-{n}" for n in range(2, 22)]), 60,
    ),
    "unknown refs": (find.BY_KEY, "text[], text[]", (SHOP, NOBODY), 0),
    "newest task": (sharing.NEWEST, "", (), 1),
    "queue": (find.QUEUE[False], "text, text, bigint", ("shop", "queue", 20), 20),
    "queue backwards": (find.QUEUE[True], "text, text, bigint", ("shop", "queue", 20), 20),
    "mail": (find.MAIL, "text[], text[], text[]", (SHOP, NOBODY, DONE), 21),
    "answers": (find.ONCE, "text[]", (["key-1", "key-2", "other"],), 2),
    "messages": (find.MESSAGES, "text[]", ([f"{n:024}" for n in range(1, 21)],), 20),
    "changes": (
        commit._CHANGE,
        f"text[]{', bigint[]' * 2}{', text[]' * 4}{', bigint[]' * 4}, text[], boolean[], bigint[]",
        CHANGES,
        20,
    ),
    "taken messages": (commit._TAKE, "text[]", ([f"{n:024}" for n in range(1, 21)],), 20),
    "claim": (sharing.CLAIM, "bigint, bigint", (ME, 20), 40),
    "timers": (sharing.TAKE_TIMERS, "bigint, bigint, bigint", (ME, NOW + TASKS, 20), 40),
    "claimed timers": (sharing.CLAIM_TIMERS, "bigint, bigint, bigint", (ME, NOW + TASKS, 20), 40),
    "free timers": (sharing.FREE_TIMERS, "bigint, bigint", (NOW + TASKS, 20), 20),
    "own walks": (
        sharing._held_by(sharing._WALKS, ME), "text, bigint, bigint", ("", NOW + TASKS, 20), 20,
    ),
    # One more, to see that no other came at the same moment.
    "expired mail": (sharing.EXPIRED, "bigint, bigint", (NOW + TASKS, 20), 21),
    "newest mail": (sharing.NEWEST_MAIL, "text, bigint", ("", 20), 20),
    "holders": (sharing._HOLDERS, "", (), 5),
    "freed": (sharing._FREE, "bigint, bigint", (OTHER, 20), 40),
    "forgotten": (
        store._FORGET, "text, text, bigint, bigint", ("shop", "f", NOW + TASKS, 20), 80,
    ),
}  # fmt: skip


def literal(value):
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return f"'{value}'"
    parts = ("NULL" if each is None else f'"{each}"' for each in value)
    return f"'{{{', '.join(parts)}}}'"


def scans(plan):
    """Gives of each look into a table: table, kind, and the rows that it has read."""
    if "Relation Name" in plan and "Actual Loops" in plan and "Scan" in plan["Node Type"]:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield plan["Relation Name"], plan["Node Type"], rows * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


async def explain(connection, values):
    given = f"({', '.join(map(literal, values))})" if values else ""
    await connection.execute("BEGIN")
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked{given}")
    await connection.execute("ROLLBACK")
    return json.loads(text)[0]["Plan"]


async def fill(url, *more):
    connection = await connect(Place.of(url), statement_s=None)
    try:
        for statement in (FILL, FILL_MAIL, FILL_HISTORY, FILL_ANSWERS, *more):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def full_url(postgres_server):
    """Full tables for all tests: filled in each, they would take a second each."""
    postgres_server.sql("CREATE DATABASE full_of_tasks")
    url = postgres_server.url("full_of_tasks")

    async def make():
        await (await open_store(url)).aclose()
        await fill(url, "ANALYZE")

    apart(make)
    return url


@pytest.fixture
async def prepare():
    """Prepares a statement of `ASKED` on a connection of its own."""
    made = []

    async def make(url, name):
        # Judged by the rows that it reads, however long this machine's disk holds it up.
        connection = await connect(Place.of(url), is_turn=True, statement_s=None)
        made.append(connection)
        statement, types, _, _ = ASKED[name]
        await connection.execute(f"PREPARE asked{f'({types})' if types else ''} AS {statement}")
        return connection

    yield make
    for connection in made:
        await connection.close()


def faults(name, plan):
    """Says what is wrong with a plan."""
    found = list(scans(plan))
    read = sum(rows for table, _, rows in found if table in {"task", "message", "answer"})
    whole = [table for table, kind, _ in found if kind == "Seq Scan" and table != "worker"]
    allowed = ASKED[name][3]
    if whole or read > allowed:
        return f"{name}: {read} rows read, {allowed} allowed, as a whole {whole}: {found}"
    return ""


@pytest.mark.parametrize("name", ASKED)
async def test_statement_reads_what_it_takes(full_url, prepare, name):
    connection = await prepare(full_url, name)

    plan = await explain(connection, ASKED[name][2])

    assert faults(name, plan) == ""


async def test_plans_made_for_empty_tables_are_good_for_full_ones(prepare, postgres_url):
    connections = {name: await prepare(postgres_url, name) for name in ASKED}
    for name, connection in connections.items():
        await explain(connection, ASKED[name][2])
    await fill(postgres_url)

    plans = {name: await explain(each, ASKED[name][2]) for name, each in connections.items()}

    assert [found for name, plan in plans.items() if (found := faults(name, plan))] == []
