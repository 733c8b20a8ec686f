"""Each invariant of the store is broken once on purpose, and found with its words."""

import asyncio

import pytest

from engine.runtime.clock import SystemClock
from tests.doctor.conftest import ANSWER, ASK, LINE, PATIENT, PAUSE, SHOP, TAKER, WEB, said

NO_SUCH = "000000000000000000000bad"


@pytest.fixture
async def filled(opened):
    """A store with a task of each kind, which no engine works on any more."""
    workspace = await opened(SHOP, PATIENT, PAUSE, ASK, ANSWER, LINE, TAKER, WEB)
    await workspace.submit("shop", {}, "s1")
    await workspace.submit("shop", {}, "s2")
    await workspace.submit("patient", {}, "p1")
    await workspace.submit("pause", {}, "d1")
    await workspace.submit("ask", {"wanted": "x"}, "a1")
    await workspace.submit("line", {}, "q1")
    await workspace.submit("web", {"what": "fine"}, "w1")
    await workspace.rest()
    await opened.close(workspace)


CASES = {
    "a timer that is gone": (
        ["UPDATE task SET due = NULL WHERE process = 'pause'"],
        "mover",
        "1 task of 'pause' in 'sleep': waiting for a time, without a timer, so nothing moves them",
    ),
    "a memo that says nothing": (
        ["UPDATE task SET memo = '{}' WHERE process = 'patient'"],
        "mover",
        "1 task of 'patient' in 'wait': waiting for nothing that is known, without a timer",
    ),
    "a wait where nobody calls back": (
        ["UPDATE task SET node = 'done' WHERE process = 'patient'"],
        "mover",
        "1 task of 'patient' in 'done': waiting where no callback is taken, so nothing moves them",
    ),
    "a queue that is none": (
        ["UPDATE task SET state = 'queued' WHERE process = 'patient'"],
        "mover",
        "1 task of 'patient' in 'wait': queued in a node that is no queue, so nothing moves them",
    ),
    "a caller whose callee is gone": (
        ["DELETE FROM task WHERE process = 'answer'"],
        "mover",
        "1 task of 'ask' in 'call': wait for a reply without a timer, and no task is there",
    ),
    "a caller that is called in another visit": (
        ["UPDATE task SET visit = visit + 7 WHERE process = 'ask'"],
        "mover",
        "1 task of 'ask' in 'call': wait for a reply without a timer, and no task is there",
    ),
    "a state that there is not": (
        ["UPDATE task SET state = 'dreaming' WHERE process = 'patient'"],
        "state",
        "1 task of 'patient' in 'wait': no state is called 'dreaming'",
    ),
    "an end without its time": (
        ["UPDATE task SET finished = NULL WHERE process = 'web'"],
        "state",
        "1 task of 'web' in 'done': ended by their state, and not by their time of end",
    ),
    "a time of end on the way": (
        ["UPDATE task SET finished = 1 WHERE process = 'line'"],
        "state",
        "1 task of 'line' in 'stand': ended, and yet on their way by their state",
    ),
    "a timer of an ended task": (
        ["UPDATE task SET due = 1 WHERE process = 'web'"],
        "timers",
        "1 task of 'web' in 'done': ended, and still have a timer",
    ),
    "a version that is gone": (
        ["UPDATE task SET version = 9 WHERE process = 'patient'"],
        "version",
        "1 task of 'patient' in 'wait': there is no version 9 of the process",
    ),
    "a version that can't be read": (
        ["UPDATE version SET source = 'process: patient' WHERE process = 'patient'"],
        "version",
        "1 task of 'patient' in 'wait': version 1 of the process can't be used: ",
    ),
    "a node that is gone": (
        ["UPDATE task SET node = 'attic' WHERE process = 'patient'"],
        "node",
        "1 task of 'patient' in 'attic': version 1 of the process has no such node",
    ),
    "a count too high": (
        ["UPDATE counter SET came = came + 5 WHERE process = 'shop' AND node = 'wait'"],
        "counts",
        "'wait' of 'shop' is counted to hold 7, and holds 2",
    ),
    "a count too low in an end node": (
        ["UPDATE counter SET went = went + 5 WHERE process = 'web' AND node = 'done'"],
        "counts",
        "'done' of 'web' is counted to hold -4, and holds 0",
    ),
    "a task that was never counted": (
        ["UPDATE task SET node = 'start' WHERE process = 'patient'"],
        "counts",
        "'start' of 'patient' is counted to hold 0, and holds 1",
    ),
    "two tasks with one ref": (
        ["DROP INDEX task_live", "UPDATE task SET ref = 's1' WHERE ref = 's2'"],
        "refs",
        "1 task of 'shop' in 'wait': have the ref of another unfinished task",
    ),
    "an index that is gone": (
        ["DROP INDEX task_open"],
        "indexes",
        "the index 'task_open' is missing",
    ),
    "mail for a task that is gone": (
        ["UPDATE message SET task_id = '000000000000000000000bad'"],
        "mail",
        "1 message of 'shop' in 'wait': kept for a task that is not there",
    ),
    "mail for a task that has ended": (
        ["UPDATE message SET task_id = (SELECT task_id FROM task WHERE process = 'web')"],
        "mail",
        "1 message of 'shop' in 'wait': kept for a task that has ended",
    ),
    "mail for a process that never was": (
        ["UPDATE message SET process = 'attic'"],
        "mail",
        "1 message of 'attic' in 'wait': kept for a process that was never deployed",
    ),
    "mail by ref that nobody was given": (
        ["UPDATE message SET ref = 's1'"],
        "mail",
        "1 message of 'shop' in 'wait': kept, though a task waits for it",
    ),
    "mail by id that nobody was given": (
        ["UPDATE message SET task_id = (SELECT task_id FROM task WHERE ref = 's1')"],
        "mail",
        "1 message of 'shop' in 'wait': kept, though a task waits for it",
    ),
    "a history of nobody": (
        ["INSERT INTO history VALUES ('000000000000000000000bad', 1, '[]')"],
        "history",
        "1 task: have a history, and are not there themselves",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_broken_on_purpose_is_found_with_its_words(
    case, place, filled, opened, examined
):
    statements, check, words = CASES[case]
    if check == "mail":
        workspace = await opened(SHOP)
        target = workspace.target(
            workspace.graph("shop").nodes["wait"].hex_id,
            workspace.callback_url("shop", "wait").rsplit("/", 1)[1],
        )
        await workspace.callback(target, {"id": "early"})
        await opened.close(workspace)
    before = await examined()

    place.damage(*statements)
    try:
        after = await examined()
    finally:
        place.mend()

    assert said(before, check) == []
    assert [each for each in said(after, check) if each.startswith(words)] != [], said(after)


async def test_a_fault_says_which_tasks_and_what_to_do(place, filled, examined):
    ((task_id,),) = place.damage("SELECT task_id FROM task WHERE process = 'pause'")
    place.damage("UPDATE task SET due = NULL WHERE process = 'pause'")

    (found,) = [each for each in (await examined()).faults if each.check == "mover"]

    assert found.rows == (task_id,)
    assert found.hint == "see 'engine explain'; 'engine delete' removes such a task"


async def test_a_call_or_a_timer_is_late_only_while_an_engine_works(
    place, filled, opened, clock, examined
):
    place.damage(
        "UPDATE task SET due = 5 WHERE process = 'pause'",
        "UPDATE task SET state = 'ready', due = NULL, changed = 5 WHERE process = 'ask'",
        "UPDATE task SET state = 'calling', changed = 5 WHERE process = 'patient'",
    )
    without = await examined()

    await place.serve(opened)
    with_engine = await examined()

    assert said(without, "timers") + said(without, "owner") + said(without, "calls") == []
    assert (
        "1 task of 'pause' in 'sleep': should have been woken by their timer a minute ago or more"
    ) in said(with_engine, "timers")
    assert said(with_engine, "owner") == [
        "1 task of 'ask' in 'call': ready to go on for minutes, and no engine takes them on"
    ]
    assert [each.severity for each in with_engine.findings if each.check == "calls"] == ["warning"]


async def test_tasks_of_a_paused_process_are_not_idle(place, opened, clock, examined):
    workspace = await opened(PAUSE, SHOP)
    await workspace.submit("pause", {}, "d1")
    await opened.close(workspace)
    paused = await opened(PAUSE + "status: paused\n", start=False)
    await opened.close(paused)
    place.damage("UPDATE task SET state = 'ready', due = NULL, changed = 5")

    await place.serve(opened)

    assert said(await examined(), "owner") == []


async def test_a_page_of_a_file_that_was_overwritten_is_found(place, filled, examined):
    if not hasattr(place, "file"):
        pytest.skip("a server checks its own files")
    place.damage("PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = place.damage("SELECT rootpage FROM sqlite_schema WHERE name = 'history'")
    content = bytearray(place.file.read_bytes())
    content[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    place.file.write_bytes(content)

    found = await examined()

    (damage,) = {each.hint for each in found.faults if each.check == "integrity"}
    assert damage == "stop the engine and restore the file from a backup"


async def test_a_file_that_keeps_no_log_is_told(place, filled, examined):
    if not hasattr(place, "file"):
        pytest.skip("of SQLite")
    place.damage("PRAGMA journal_mode = delete")

    assert said(await examined(), "durability") == [
        "the file has the journal mode 'delete', not 'wal'"
    ]


async def test_a_file_that_gives_no_space_back_is_told(place, filled, examined):
    if not hasattr(place, "file"):
        pytest.skip("of SQLite")
    place.damage("PRAGMA auto_vacuum = none", "VACUUM")

    assert said(await examined(), "space") == [
        "the file gives no space back when tasks are deleted"
    ]


async def test_tasks_of_an_engine_that_is_gone_are_told_if_they_stay_so(place, filled, examined):
    if hasattr(place, "file"):
        pytest.skip("of several engines")
    place.damage(
        "INSERT INTO worker (worker, role, lease, expires, started)"
        " VALUES ('alive', 'worker', 15000000, 9000000000000000, 0)",
        "UPDATE task SET holder = 4711 WHERE process = 'shop'",
    )

    async def frees():
        await asyncio.to_thread(place.damage, "UPDATE task SET holder = NULL WHERE ref = 's1'")

    some = await examined(pause=frees)
    await frees()
    place.damage("UPDATE task SET holder = 4711 WHERE process = 'shop'")

    async def frees_all():
        await asyncio.to_thread(place.damage, "UPDATE task SET holder = NULL")

    none = await examined(pause=frees_all)

    assert said(some, "owner") == [
        "1 task of 'shop' in 'wait': in the hand of an engine that is not there any more"
    ]
    assert said(none, "owner") == []


async def test_a_task_made_in_the_future_is_told(place, filled, examined):
    place.damage("UPDATE task SET task_id = 'f1a209a96d5d3e3ff601bad4' WHERE process = 'patient'")

    (found,) = said(await examined(), "clock")

    assert found.endswith("which is yet to come")


async def test_a_database_of_another_program_is_a_fault_and_no_crash(place, filled, examined):
    if not hasattr(place, "file"):
        pytest.skip("of files")
    place.damage("DROP TABLE alembic_version")

    found = await examined()

    assert [each.check for each in found.faults] == ["database"]
    assert "belongs to another program" in found.faults[0].message


async def test_a_file_that_is_no_database_is_a_fault_and_no_crash(place, examined):
    if not hasattr(place, "file"):
        pytest.skip("of files")
    place.file.write_bytes(b"no database at all, but long enough to be one" * 100)

    found = await examined()

    assert [each.check for each in found.faults] == ["database"]


async def test_a_database_that_is_not_there_yet_is_no_fault(place, folder, examined, tmp_path):
    found = await examined(database=f"sqlite:///{tmp_path}/new.db")

    assert found.faults == ()
    assert said(found, "database") == [f"there is no database '{tmp_path}/new.db' yet"]


async def test_a_database_that_was_moved_away_is_told(place, filled, examined):
    place.damage("INSERT INTO moved VALUES ('to', 'db.example/engine', TRUE)")
    found = await examined()
    place.damage("DELETE FROM moved")

    assert said(found, "database") == [
        "the tasks of 'this database' were moved to 'db.example/engine'"
    ]


async def test_clocks_that_differ_and_a_server_that_forgets_are_told(place, filled, examined):
    if hasattr(place, "file"):
        pytest.skip("of servers")

    class Ahead:
        def now(self):
            return SystemClock().now() + 30_000_000

    found = await examined(at=Ahead())

    (clocks,) = said(found, "clock")
    assert clocks.startswith("the clocks of the database and of this machine differ by ")
    # The server of the tests is never asked to survive a power cut.
    assert said(found, "durability")[0] == (
        "the server runs with fsync = off: a power cut loses tasks"
    )
