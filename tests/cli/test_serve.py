"""`engine serve`, and commands beside it."""

import json
import signal
import socket
import urllib.request
from dataclasses import dataclass

import pytest
from command_line import Engine, Ran, interrupt, line_with, write_workspace


@dataclass(frozen=True)
class Served:
    """A workspace that an engine serves."""

    engine: Engine
    url: str

    def __call__(self, *arguments: str) -> Ran:
        return self.engine(*arguments)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    engine = write_workspace(tmp_path_factory.mktemp("served"))
    serving = engine.start("serve", "--port", "0")
    url = line_with(serving, "serving").split()[1]
    yield Served(engine, url)
    interrupt(serving, signal.SIGTERM)


def test_a_submit_goes_to_the_engine_that_serves_and_waits_there(served):
    well = served("submit", "greet", "-d", "name=Ada", "--wait", "--json")
    badly = served("submit", "greet", "-d", "name=nobody", "--wait", "--json")

    assert (well.code, well.json()["status"], well.err) == (0, "success", "")
    assert (badly.code, badly.json()["status"]) == (1, "error")


def test_waiting_in_vain_beside_serve_is_exit_124(served):
    waited = served("submit", "wait", "--wait", "50ms", "--json")

    assert waited.code == 124
    assert waited.error()["kind"] == "waited_in_vain"


def test_refusals_are_the_same_over_http(served):
    unknown = served("submit", "nope", "--json")
    refused = served("submit", "greet", "-d", "nam=Ada", "--json")
    missing = served("show", "greet", "nope", "--json")

    assert (unknown.code, unknown.error()["kind"]) == (3, "unknown_process")
    assert (refused.code, refused.error()["kind"]) == (4, "invalid_data")
    assert (missing.code, missing.error()["kind"]) == (3, "unknown_task")


def test_a_task_is_seen_changed_and_removed_over_http(served):
    served("submit", "wait", "--ref", "h1")
    served("submit", "wait", "--ref", "h2")

    listed = served("tasks", "wait", "--node", "stand", "--json", "--since", "1h")
    modified = served("modify", "wait", "h1", "-j", "n=1", "--json")
    shown = served("show", "wait", "h1", "--json")
    deleted = served("delete", "wait", "h2", "--json")

    assert {"h1", "h2"} <= {json.loads(line)["ref"] for line in listed.out.splitlines()}
    assert modified.json()["status"] == "success"
    assert [visit["node"] for visit in shown.json()["history"]] == ["start", "stand", "done"]
    assert deleted.json() == {"deleted": "h2"}


def test_rows_of_a_csv_file_are_submitted_over_http(served):
    (served.engine.folder / "rows.csv").write_text("ref\nrow1\nrow1\nrow2\n")

    ran = served("submit", "wait", "--csv", "rows.csv", "--json")

    assert ran.code == 4
    assert ran.json()["accepted"] == 2
    assert [each["row"] for each in ran.json()["refused"]] == [3]


def test_a_callback_moves_its_task(served):
    served("submit", "wait", "--ref", "called")
    url = served("callback-url", "wait", "stand", "--json").json()["url"]

    request = urllib.request.Request(
        url, b'{"ref": "called", "answer": 42}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        status = answer.status
    shown = served("show", "wait", "called", "--json").json()

    assert url.startswith(served.url)
    assert status == 200
    assert (shown["status"], shown["data"]["answer"]) == ("success", 42)


def test_stats_and_a_picture_come_from_the_engine_that_serves(served):
    counted = served("stats", "--json")
    drawn = served("graph", "greet", "-o", "greet.svg", "--counts")

    assert {each["process"] for each in counted.json()["processes"]} == {"greet", "wait"}
    assert drawn.code == 0, drawn.err
    assert "<svg" in (served.engine.folder / "greet.svg").read_text()


def test_a_second_engine_on_the_database_is_refused_in_words(served):
    second = served("serve", "--port", "0")

    assert (second.code, second.out) == (5, "")
    assert "another engine" in second.err.splitlines()[0]
    assert "Traceback" not in second.err


def test_a_server_is_named_by_its_url(served, tmp_path):
    elsewhere = Engine(tmp_path)

    ran = elsewhere("submit", "greet", "-d", "name=Ada", "--server", served.url, "--json")

    assert ran.code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_exit_5_in_words(engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = engine("serve", "--port", str(taken.getsockname()[1]))

    assert refused.code == 5
    assert "can't listen on 127.0.0.1" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_well_when_it_is_told_to(engine, number):
    serving = engine.start("serve", "--port", "0")
    url = line_with(serving, "serving").split()[1]

    request = urllib.request.Request(
        f"{url}/v1/processes/greet/tasks",
        b'{"ref": "r1", "data": {"name": "Ada"}}',
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        accepted = answer.status
    stopped = interrupt(serving, number)

    assert accepted == 201
    assert stopped.code == 0
    assert "stopping" in stopped.out
    assert "Traceback" not in stopped.out
    assert engine("show", "greet", "r1", "--json").json()["status"] == "success"


def test_faults_in_process_files_keep_serve_from_starting(engine):
    (engine.folder / "processes" / "bad.yaml").write_text("process: bad\nnodes: {}\n")

    refused = engine("serve", "--port", "0")

    assert refused.code == 4
    assert "processes/bad.yaml:" in refused.err
    assert "nothing was changed" in refused.err


def test_reload_puts_a_changed_file_into_force(engine):
    serving = engine.start("serve", "--port", "0", "--reload")
    line_with(serving, "serving")
    file = engine.folder / "processes" / "greet.yaml"

    file.write_text(file.read_text().replace("Hello", "Good day"))
    line_with(serving, "reloaded")
    greeted = engine("submit", "greet", "-d", "name=Ada", "--wait", "--json")
    interrupt(serving)

    assert greeted.json()["data"]["greeting"] == "Good day Ada"
    assert greeted.json()["version"] == 2


def test_a_file_has_no_other_engines_to_share_the_work_with(engine):
    ran = engine("serve", "--role", "worker", "--port", "0")

    assert ran.code == 2
    assert "SQLite file has one engine" in ran.err
