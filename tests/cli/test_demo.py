"""`engine demo`."""

import re
import signal
from pathlib import Path

import pytest
from command_line import Engine, interrupt, line_with


def test_the_demo_accounts_for_every_message(tmp_path):
    ran = Engine(tmp_path)("demo", "--json", "--speed", "20")

    found = ran.json()
    assert ran.code == 0
    assert set(found) == {"sent", "outcomes", "tasks", "seconds"}
    assert found["sent"] == 6
    assert found["outcomes"] == {
        "delivered": 2, "undelivered": 1, "failed": 1, "refused": 1, "early_callback": 1,
    }  # fmt: skip
    assert {task["process"] for task in found["tasks"]} == {"sending-sms"}
    assert {task["data"]["AuthToken"] for task in found["tasks"]} == {"***"}
    refused = next(task for task in found["tasks"] if task["status"] == "error")
    assert refused["data"]["code"] == 21211


def test_many_messages_end_as_the_simulator_meant_them_to(tmp_path):
    ran = Engine(tmp_path)("demo", "--count", "60", "--json")

    assert ran.code == 0
    assert ran.json()["sent"] == 60
    assert ran.json()["outcomes"] == {
        "delivered": 20, "undelivered": 10, "failed": 10, "refused": 10, "early_callback": 10,
    }  # fmt: skip


def test_without_a_terminal_the_demo_prints_lines(tmp_path):
    ran = Engine(tmp_path)("demo", "--speed", "20")

    assert ran.code == 0
    assert re.search(r"^\+15550000000  \S.*  \w+$", ran.out, re.MULTILINE)
    assert re.search("calling_api . what_failed . error_from_twilio . exit_error", ran.out)
    assert "6 of 6 messages accounted for" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path, number):
    demo = Engine(tmp_path).start("demo", "--speed", "0.01", TMPDIR=str(tmp_path))
    line_with(demo, "Waiting for message status")

    ended = interrupt(demo, number)

    assert ended.code == 130
    assert "Traceback" not in ended.out
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_demo_ends_its_simulator(tmp_path):
    demo = Engine(tmp_path).start("demo", "--count", "100000", "--speed", "0.01", "--json")
    simulator = _child_of(demo.pid)

    ended = interrupt(demo)

    assert ended.code == 130
    assert not Path(f"/proc/{simulator}").exists()


def _child_of(pid: int) -> int:
    """Waits until a process has started another one."""
    psutil = pytest.importorskip("psutil")
    parent = psutil.Process(pid)
    while parent.is_running():
        for child in parent.children():
            if "engine.testing.twilio" in child.cmdline():
                return int(child.pid)
    raise AssertionError("it ended")


def test_the_environment_of_the_user_does_not_reach_the_demo(tmp_path):
    (tmp_path / "engine.toml").write_text('database = "sqlite:///mine.db"\n')

    ran = Engine(tmp_path)("demo", "--json", "--speed", "20", TWILIO_URL="http://127.0.0.1:1")

    assert ran.code == 0
    assert not (tmp_path / "mine.db").exists()
