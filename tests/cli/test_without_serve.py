"""Commands that open the database themselves."""

import json
import os

import pytest
from command_line import Engine


def test_a_new_workspace_checks_and_runs(tmp_path):
    engine = Engine(tmp_path)

    made = engine("init", "shop")
    shop = Engine(tmp_path / "shop")
    checked = shop("check", "--json")
    submitted = shop("submit", "hello", "-d", "name=Ada", "--wait", "--json")

    assert made.code == 0
    assert checked.code == 0
    assert checked.json() == {"files": 1, "faults": []}
    assert submitted.code == 0
    assert submitted.json()["data"] == {"name": "Ada", "greeting": "Hello Ada"}
    assert json.loads((tmp_path / "shop" / "process.schema.json").read_text())["$schema"]


def test_init_overwrites_nothing(tmp_path):
    engine = Engine(tmp_path)
    (tmp_path / "engine.toml").write_text("port = 1\n")

    refused = engine("init", ".")

    assert refused.code == 2
    assert "already there: engine.toml" in refused.err
    assert not (tmp_path / "processes").exists()


def test_check_prints_every_fault_and_ends_with_1(engine):
    (engine.folder / "processes" / "bad.yaml").write_text(
        "process: bad\nnodes:\n  start: {type: start, next: nowhere}\n  end: {type: ende}\n"
    )

    for_people = engine("check")
    for_programs = engine("check", "--json")

    assert for_people.code == 1
    assert "bad.yaml:3:30: " in for_people.out
    assert for_programs.code == 1
    found = for_programs.json()
    assert found["files"] == 3
    assert set(found["faults"][0]) == {"file", "line", "column", "rule", "severity", "message"}
    assert found["faults"][0]["severity"] == "error"


def test_a_task_that_ends_well_is_exit_0_and_one_that_does_not_is_1(engine):
    well = engine("submit", "greet", "--wait", "-d", "name=Ada", "--json")
    badly = engine("submit", "greet", "--wait", "30s", "-d", "name=nobody", "--json")

    assert (well.code, well.json()["status"], well.json()["node"]) == (0, "success", "done")
    assert (badly.code, badly.json()["status"], badly.json()["node"]) == (1, "error", "failed")
    assert {
        "task_id", "ref", "process", "version", "status", "node", "node_title", "data", "created",
        "changed", "finished", "error",
    } <= set(well.json())  # fmt: skip


def test_waiting_in_vain_is_exit_124(engine):
    waited = engine("submit", "wait", "--wait=10ms", "--json")

    assert waited.code == 124
    assert waited.out == ""
    assert waited.error()["kind"] == "waited_in_vain"


def test_a_task_that_is_not_kept_is_not_waited_for_in_vain(engine):
    (engine.folder / "processes" / "brief.yaml").write_text(
        "process: brief\nnodes:\n  start: {type: start, next: done}\n"
        "  done: {type: end, keep: false}\n"
    )

    ended = engine("submit", "brief", "--ref", "r1", "--wait", "--json")

    assert (ended.code, ended.json()["status"]) == (0, "success")
    assert engine("show", "brief", "r1", "--json").code == 3


@pytest.mark.parametrize(
    "given", [("--data", '{"name": "A", "name": "B"}'), ("-j", 'x={"a":1,"a":2}')]
)
def test_a_name_twice_in_json_is_refused_by_name(engine, given):
    refused = engine("submit", "greet", *given, "--json")

    assert (refused.code, refused.error()["kind"]) == (4, "invalid_data")
    assert "twice in one object" in refused.error()["message"]


def test_show_hides_secrets_and_tells_the_way(engine):
    engine("submit", "greet", "-d", "name=Ada", "-d", "token=s3cret", "--ref", "r1")

    for_programs = engine("show", "greet", "r1", "--json")
    for_people = engine("show", "greet", "r1")

    shown = for_programs.json()
    assert for_programs.code == 0
    assert shown["data"]["token"] == "***"
    assert [visit["node"] for visit in shown["history"]] == [
        "start", "greet", "is_it_nobody", "done",
    ]  # fmt: skip
    assert set(shown["history"][0]) == {"visit", "node", "entered", "left", "by", "error"}
    assert "s3cret" not in for_people.out
    assert "is_it_nobody" in for_people.out


def test_data_comes_from_options_files_and_standard_input(engine):
    (engine.folder / "data.json").write_text('{"name": "Ada"}')

    file = engine("submit", "greet", "--data", "@data.json", "--json")
    piped = engine("submit", "greet", "--data", "-", "--json", given='{"name": "Bob"}')
    single = engine("submit", "greet", "--data", "@data.json", "-j", 'name="Eve"', "--json")

    names = [each.json()["data"]["name"] for each in (file, piped, single)]
    assert names == ["Ada", "Bob", "Eve"]


def test_a_csv_file_is_a_task_a_row(engine):
    (engine.folder / "rows.csv").write_text("name,ref,token\nAda,a,\nBob,w,\nEve,w,\n")
    (engine.folder / "waits.csv").write_text("ref\nw1\nw1\n")

    greeted = engine("submit", "greet", "--csv", "rows.csv", "--json")
    refused = engine("submit", "wait", "--csv", "waits.csv", "--json")

    assert (greeted.code, greeted.json()) == (0, {"accepted": 3, "refused": []})
    assert refused.code == 4
    assert refused.json()["accepted"] == 1
    assert refused.json()["refused"][0]["row"] == 3


def test_tasks_are_listed_newest_first_a_line_each(engine):
    engine("submit", "greet", "-d", "name=Ada", "--ref", "first")
    engine("submit", "greet", "-d", "name=nobody", "--ref", "second")

    all_of_them = engine("tasks", "greet", "--json", "--since", "1h")
    failed = engine("tasks", "greet", "--status", "error")

    assert [json.loads(line)["ref"] for line in all_of_them.out.splitlines()] == ["second", "first"]
    assert "second" in failed.out
    assert "first" not in failed.out


def test_a_waiting_task_is_modified_and_another_deleted(engine):
    engine("submit", "wait", "--ref", "w1")
    engine("submit", "wait", "--ref", "w2")

    modified = engine("modify", "wait", "w1", "-d", "answer=yes", "--json")
    deleted = engine("delete", "wait", "w2", "--json")
    gone = engine("show", "wait", "w2", "--json")

    assert (modified.code, modified.json()["status"]) == (0, "success")
    assert (deleted.code, deleted.json()) == (0, {"deleted": "w2"})
    assert (gone.code, gone.error()["kind"]) == (3, "unknown_task")


def test_stats_count_the_tasks_in_each_node(engine):
    engine("submit", "wait", "--ref", "w1")

    counted = engine("stats", "--json")

    wait = next(each for each in counted.json()["processes"] if each["process"] == "wait")
    nodes = {each["node"]: (each["standing"], each["in"], each["out"]) for each in wait["nodes"]}
    assert nodes["start"] == (0, 1, 1)
    assert nodes["stand"] == (1, 1, 0)


def test_stats_say_when_the_oldest_unfinished_task_was_made(engine):
    engine("submit", "wait", "--ref", "w1")
    made = engine("show", "wait", "w1", "--json").json()["created"]

    counted = engine("stats", "--json").json()["processes"]

    assert {each["process"]: each["oldest_unfinished"] for each in counted}["wait"] == made
    assert f"oldest unfinished {made}" in engine("stats").out


def test_a_callback_url_is_printed_alone(engine):
    url = engine("callback-url", "wait", "stand", "--public-url", "https://e.example", "--json")
    wrong = engine("callback-url", "greet", "done", "--json")

    assert url.json()["url"].startswith("https://e.example/api/1/json/callback/")
    assert (wrong.code, wrong.error()["kind"]) == (3, "unknown_node")


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("submit", "nope", "-d", "a=b"), 3, "unknown_process"),
        (("submit", "greet"), 4, "invalid_data"),
        (("submit", "greet", "--data", "{"), 4, "invalid_data"),
        (("submit", "greet", "--wait", "30x"), 2, "settings_error"),
        (("submit",), 2, "settings_error"),
        (("nosuch",), 2, "settings_error"),
        (("rerun", "greet"), 2, "settings_error"),
        (("tasks", "greet", "--since", "x"), 2, "settings_error"),
        (("show", "greet", "r1", "--database", "sqlite:///nope.db"), 5, "store_error"),
        (("show", "greet", "r1", "--server", "http://127.0.0.1:1"), 5, "unreachable"),
    ],
)
def test_what_goes_wrong_has_its_exit_code_and_is_json_on_standard_error(
    engine, arguments, code, kind
):
    ran = engine(*arguments, "--json")

    assert (ran.code, ran.out) == (code, "")
    assert ran.error()["kind"] == kind
    assert set(ran.error()) == {"kind", "message", "hint"}


def test_a_missing_database_is_told_with_a_hint(engine):
    ran = engine("show", "greet", "r1")

    assert ran.code == 5
    assert "there is no database 'engine.db'" in ran.err
    assert len(ran.err.splitlines()) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_told_in_words(engine):
    engine.folder.chmod(0o555)

    ran = engine("submit", "greet", "-d", "name=Ada")

    engine.folder.chmod(0o755)
    assert ran.code == 5
    assert "Traceback" not in ran.err


def test_the_version_names_the_sqlite_library(engine):
    ran = engine("--version")

    assert ran.code == 0
    assert ran.out.startswith("engine 0.1.0 (SQLite 3.")


def test_a_workspace_moves_to_postgresql_only(engine):
    moved = engine("db", "copy", "sqlite:///engine.db", "sqlite:///other.db")

    assert moved.code == 2
    assert "a copy goes from a SQLite file to PostgreSQL" in moved.err


def test_a_task_that_does_not_move_is_explained(engine):
    engine("submit", "wait", "--ref", "w1")

    for_people = engine("explain", "wait", "w1")
    for_programs = engine("explain", "wait", "w1", "--json")

    assert for_people.out.startswith("It waits in 'stand' since ")
    assert "it leaves to 'failed'." in for_people.out
    assert for_programs.json()["state"] == "waiting"
    assert engine("explain", "wait", "nobody").code == 3
