"""`engine plan` and `engine deploy`, with and without an engine that serves."""

import pytest
from command_line import interrupt, line_with

RENAMED = ("stand", "await_callback")


def change(engine, *pairs, name="wait"):
    file = engine.folder / "processes" / f"{name}.yaml"
    text = file.read_text()
    for old, new in pairs:
        text = text.replace(old, new)
    file.write_text(text)


@pytest.fixture(params=["serve", "alone"])
def engine_with_task(engine, request):
    """A workspace with one task that waits, with and without an engine that serves it."""
    if request.param == "alone":
        engine("submit", "wait", "--ref", "t1")
        yield engine
        return
    serving = engine.start("serve", "--port", "0")
    line_with(serving, "serving")
    engine("submit", "wait", "--ref", "t1")
    yield engine
    interrupt(serving)


def test_a_plan_says_what_becomes_of_tasks_and_changes_nothing(engine_with_task):
    engine = engine_with_task
    change(engine, RENAMED)

    planned = engine("plan")
    shown = engine("show", "wait", "t1", "--json").json()

    assert planned.code == 0
    assert "version 1 → 2" in planned.out
    assert "- stand  1 task to stay in their version until they have left it" in planned.out
    assert "--move wait/stand=NODE" in planned.out
    assert "nothing was changed" in planned.out
    assert (shown["version"], shown["node"]) == (1, "stand")


def test_a_deploy_with_a_move_takes_tasks_along_and_is_undone(engine_with_task):
    engine = engine_with_task
    change(engine, RENAMED)

    deployed = engine("deploy", "--move", "stand=await_callback")
    moved = engine("show", "wait", "t1", "--json").json()
    undone = engine("deploy", "--version", "1", "wait", "--json").json()
    back = engine("show", "wait", "t1", "--json").json()

    assert "1 task to stand in 'await_callback' instead" in deployed.out
    assert (moved["version"], moved["node"], moved["status"]) == (2, "await_callback", "waiting")
    assert undone["processes"][0]["nodes"]["gone"][0]["to"] == "stand"
    assert (back["version"], back["node"]) == (3, "stand")


def test_a_fault_is_told_with_its_place_and_changes_nothing(engine_with_task):
    engine = engine_with_task
    change(engine, ("next: stand", "next: nowhere"))

    refused = engine("deploy")

    assert refused.code == 4
    assert "processes/wait.yaml:4:" in refused.err
    assert "there is no node 'nowhere'" in refused.err
    assert "nothing was changed" in refused.err


def test_one_file_is_checked_beside_what_is_in_force(engine_with_task):
    engine = engine_with_task
    (engine.folder / "processes" / "caller.yaml").write_text(
        "process: caller\n"
        "nodes:\n"
        "  start: {type: start, next: call}\n"
        "  call: {type: copy_task, process: wait, data: {x: 1}, next: done, error: done}\n"
        "  done: {type: end}\n"
    )

    deployed = engine("deploy", "processes/caller.yaml")

    assert deployed.code == 0, deployed.err
    assert "caller new" in deployed.out


def test_a_move_that_can_not_be_made_is_refused_with_what_could_be(engine_with_task):
    engine = engine_with_task
    change(engine, RENAMED)

    refused = engine("deploy", "--move", "stand=nowhere")

    assert refused.code == 4
    assert "has no such node" in refused.err
    assert "await_callback" in refused.err


def test_kept_tasks_are_counted_in_the_plan(engine_with_task):
    engine = engine_with_task
    change(engine, ("title: Wait", "title: Wait longer"))

    plan = engine("deploy", "--keep", "--json").json()
    shown = engine("show", "wait", "t1", "--json").json()

    (changed,) = [each for each in plan["processes"] if each["change"] == "changed"]
    assert changed["tasks"] == {"follow": 0, "move": 0, "stay": 1}
    assert changed["keys"] == ["title"]
    assert shown["version"] == 1


def test_a_plan_before_the_first_start_needs_no_database(engine):
    planned = engine("plan", "--json")

    assert {each["change"] for each in planned.json()["processes"]} == {"new"}
    assert not (engine.folder / "engine.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--move", "stand"], "write it as --move OLD=NEW"),
        (["--version", "1"], "--version goes back to a version of one process"),
        (["--version", "1", "greet", "wait"], "--version goes back to a version of one process"),
    ],
)
def test_wrong_usage_is_told(engine, arguments, said):
    ran = engine("deploy", *arguments)

    assert (ran.code, said in ran.err) == (2, True)


def test_a_version_that_is_not_there_is_refused(engine):
    engine("deploy")

    refused = engine("deploy", "--version", "9", "wait")

    assert refused.code == 4
    assert "it has 1" in refused.err


def test_a_folder_that_is_in_force_changes_nothing(engine):
    engine("deploy")

    again = engine("deploy")

    assert "nothing to change" in again.out
    assert "unchanged: " in again.out
