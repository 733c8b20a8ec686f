"""Commands of those who run an engine: doctor, db check."""

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
