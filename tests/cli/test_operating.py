"""Commands of those who run an engine: doctor, db check."""

import json
import signal

import pytest
from command_line import interrupt, line_with
from pysqlite3 import dbapi2


def test_a_healthy_workspace_has_no_faults(engine):
    engine("submit", "greet", "-d", "name=Ada")
    engine("submit", "wait", "--ref", "w1")

    for_people = engine("doctor")
    for_programs = engine("doctor", "--json")

    assert for_people.code == 0, for_people.out
    assert for_people.out.splitlines()[-1].startswith("no faults, ")
    assert "looked at 1 unfinished task in " in for_people.out
    assert [each for each in for_programs.json()["faults"] if each["severity"] == "error"] == []
    assert for_programs.json()["tasks"] == 1


def test_faults_of_settings_and_files_are_told_together_and_end_with_1(engine):
    (engine.folder / "engine.toml").write_text("prot = 1\nport = 'x'\n")
    (engine.folder / "processes" / "greet.yaml").write_text("process: greet\nnodes: {}\n")

    examined = engine("doctor", "--json", ENGINE_LOG_LEVLE="debug")

    assert examined.code == 1
    found = examined.json()["faults"]
    assert [(each["check"], each["severity"]) for each in found] == [
        ("settings", "error"), ("settings", "error"), ("processes", "error"),
        ("settings", "warning"), ("database", "warning"),
    ]  # fmt: skip
    assert set(found[0]) == {"check", "severity", "message", "hint", "rows"}
    assert all(each["hint"] for each in found)


@pytest.mark.slow
def test_the_examination_runs_beside_a_serving_engine(engine):
    serving = engine.start("serve", "--port", "0")
    try:
        line_with(serving, "serving")
        engine("submit", "wait", "--ref", "w1")

        examined = engine("doctor")

        assert (examined.code, "1 unfinished task" in examined.out) == (0, True), examined.out
        assert engine("db", "check").code == 0
        assert engine("submit", "wait", "--ref", "w2").code == 0
    finally:
        stopped = interrupt(serving, signal.SIGTERM)
    assert stopped.code == 0


def test_a_whole_database_is_without_damage_and_a_broken_one_is_not(engine):
    engine("submit", "greet", "-d", "name=Ada")
    whole = engine("db", "check")
    file = engine.folder / "engine.db"
    content = bytearray(file.read_bytes())
    connection = dbapi2.connect(str(file))
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'history'")
    connection.close()
    content[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    file.write_bytes(content)

    broken = engine("db", "check", "sqlite:///engine.db", "--json")

    assert (whole.code, whole.out) == (0, "no damage found\n")
    assert broken.code == 1
    assert broken.json()["damage"] != []


def test_a_copy_of_one_database_is_wrong_usage(engine):
    assert engine("db", "copy", "sqlite:///engine.db").code == 2
    assert engine("db", "check", "a", "b").code == 2


PEOPLE = """\
process: people
params:
  name: {type: string, required: true}
  age: {type: number, required: true}
  tags: {type: array}
  token: {type: string, secret: true}
  greeting: {type: string, output: true}
nodes:
  start: {type: start, next: greet}
  greet: {type: set_parameter, set: {greeting: "Hello {{ name }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""


@pytest.fixture
def people(engine):
    (engine.folder / "processes" / "people.yaml").write_text(PEOPLE)
    return engine


def test_what_tasks_writes_submit_reads(people):
    (people.folder / "in.csv").write_text('ref,name,age,tags\na,=Ada,36,"[1, ""x""]"\n,Bob,-7.5,\n')

    given = people("submit", "people", "--csv", "in.csv", "--json")
    written = people("tasks", "people", "--csv", "out.csv", "--json")
    printed = people("tasks", "people", "--csv")
    again = people("submit", "people", "--csv", "out.csv", "--json")
    tasks = [
        each["data"]
        for each in map(json.loads, people("tasks", "people", "--json").out.splitlines())
    ]

    assert (given.code, given.json()) == (0, {"accepted": 2, "refused": []})
    assert (written.code, written.json()) == (0, {"tasks": 2})
    assert printed.out == (people.folder / "out.csv").read_text()
    assert printed.out.splitlines()[0].startswith("ref,name,age,tags,task:task_id,")
    assert ('a,\'=Ada,36,"[1,""x""]",' in printed.out, "secret" in printed.out) == (True, False)
    assert again.json() == {"accepted": 2, "refused": []}
    ada = {"name": "=Ada", "age": 36, "tags": [1, "x"], "greeting": "Hello =Ada"}
    assert tasks.count(ada) == 2
    assert tasks.count({"name": "Bob", "age": -7.5, "greeting": "Hello Bob"}) == 2


def test_a_row_is_refused_with_all_that_is_wrong_and_stops_no_other(people):
    (people.folder / "in.csv").write_text("ref,age,tags,surname\na,many,x y,Lee\nb\nc,1,,\n")

    refused = people("submit", "people", "--csv", "in.csv", "--json")

    assert refused.code == 4
    first, second, third = refused.json()["refused"]
    assert first["row"] == 2
    for reason in (
        "'surname' is not a parameter of this process", "'name' is required and missing",
        "'age' must be of type number, is string", "'tags' must be of type array, is string",
    ):  # fmt: skip
        assert reason in first["reason"]
    assert second == {"row": 3, "reason": "it has 1 cells, and the first row 4 names"}
    assert (third["row"], "'name' is required" in third["reason"]) == (4, True)


def test_of_a_file_that_is_broken_at_its_end_nothing_is_submitted(people):
    (people.folder / "in.csv").write_bytes(b"name,age\nAda,36\nB\xff,1\n")

    refused = people("submit", "people", "--csv", "in.csv", "--json")

    assert (refused.code, refused.error()["kind"]) == (4, "invalid_data")
    assert people("tasks", "people", "--json").out == ""


def test_a_file_for_a_process_that_is_not_there_is_not_read(people):
    (people.folder / "in.csv").write_text("name\nAda\n")

    assert people("submit", "nobody", "--csv", "in.csv").code == 3
    assert people("tasks", "nobody", "--csv").code == 3
    assert people("tasks", "people", "--csv", "--json").code == 2


FLAKY = """\
process: flaky
nodes:
  start: {type: start, next: one}
  one: {type: condition, cases: [{when: "number(a) > 9", next: bad}], else: two}
  two: {type: set_parameter, set: {y: "{{ number(b) }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""


@pytest.fixture
def flaky(engine):
    """Two tasks that failed in `one` and stand there, one that failed in `two`, and one that did not."""
    (engine.folder / "processes" / "flaky.yaml").write_text(FLAKY)
    (engine.folder / "in.csv").write_text("ref,a,b\np,x,1\nq,x,1\nr,1,x\ns,1,1\n")
    assert engine("submit", "flaky", "--csv", "in.csv").code == 0
    return engine


def where(engine):
    lines = engine("tasks", "flaky", "--json").out.splitlines()
    return {each["ref"]: each["node"] for each in map(json.loads, lines)}


def test_a_failed_task_goes_back_into_the_node_it_failed_in(flaky):
    flaky("modify", "flaky", "p", "-d", "a=5")

    mended = flaky("rerun", "flaky", "p", "--json")
    again = flaky("rerun", "flaky", "q")

    assert (mended.code, mended.json()["node"]) == (0, "done")
    assert (again.code, "q was put back, and is error in one" in again.out) == (0, True)


def test_all_tasks_that_failed_in_a_node_are_put_back(flaky):
    by_node = flaky("rerun", "flaky", "--failed-in", "two", "--node", "start", "--json")
    put_back = flaky("rerun", "flaky", "--failed-in", "one", "q", "s")

    assert [each["ref"] for each in map(json.loads, by_node.out.splitlines())] == ["r"]
    assert put_back.code == 4  # s has not failed
    assert "the task 's' has not failed" in put_back.err
    assert "3 tasks of 4 put back" in put_back.out.replace("\n", " ")
    assert where(flaky) == {"p": "one", "q": "one", "r": "bad", "s": "done"}


def test_a_node_in_which_none_failed_is_told_from_one_that_there_is_not(flaky):
    none = flaky("rerun", "flaky", "--failed-in", "done")
    unknown = flaky("rerun", "flaky", "--failed-in", "tow", "--json")

    assert (none.code, "no task of 'flaky' stands failed in 'done'" in none.err) == (0, True)
    assert (unknown.code, unknown.error()["hint"]) == (3, "it has: start, one, two, done, bad")


def test_a_rerun_needs_a_task_that_is_there_and_a_node_that_is_there(flaky):
    assert flaky("rerun", "flaky", "nobody").code == 3
    assert flaky("rerun", "flaky", "p", "--node", "nowhere").code == 3
    assert flaky("rerun", "nobody", "p").code == 3


def test_stats_tell_where_an_alert_is_on(engine):
    (engine.folder / "processes" / "wait.yaml").write_text(
        "process: wait\nnodes:\n  start: {type: start, next: stand}\n"
        "  stand: {type: queue, alert: {tasks: 2}, timeout: {after: 1h, next: done}, next: done}\n"
        "  done: {type: end}\n"
    )
    engine("submit", "wait", "--ref", "w1")
    below = engine("stats", "--json").json()
    engine("submit", "wait", "--ref", "w2")

    above = engine("stats", "--json").json()

    assert below["alerts"] == []
    assert above["alerts"] == [{"process": "wait", "node": "stand", "standing": 2, "tasks": 2}]
    assert (
        "alert  2 tasks stand in 'stand' of 'wait', 2 or more are too many" in engine("stats").out
    )
