"""Processes beside a command end with it, however it ends."""

import json
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest
from command_line import PATIENCE_S, Engine, environment, interrupt, line_with, write_workspace

# A command that has started a process and does something else for long.
COMMAND = """\
import asyncio, sys
from engine.cli.children import child

async def main():
    async with child(sys.argv[1:]) as beside:
        print("started", beside.pid, await beside.url(), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
SIMULATOR = ("engine.testing.twilio", "--port", "0")
SERVE = ("engine", "serve", "--port", "0")


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_of(processes):
    """Gives those that have not ended; one that nobody asks how it ended has."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_S)
    return [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def status(url):
    with urllib.request.urlopen(url) as answer:
        return answer.status


@pytest.mark.parametrize(("arguments", "page"), [(SIMULATOR, "/_messages"), (SERVE, "/health")])
def test_a_process_beside_a_command_that_is_killed_ends(tmp_path, arguments, page):
    write_workspace(tmp_path)
    command = start(tmp_path, *arguments)
    _, pid, url = line_with(command, "started").split()
    beside = psutil.Process(int(pid))
    answered = status(url + page)

    command.kill()
    command.communicate()

    assert answered == 200
    assert left_of([beside]) == []


def test_a_killed_benchmark_leaves_nothing_behind(tmp_path):
    bench = Engine(tmp_path).start("bench", "--tasks", "100000", "--only", "pure")
    line_with(bench, "over HTTP")
    beside = psutil.Process(bench.pid).children(recursive=True)

    bench.kill()
    bench.communicate()

    assert len(beside) >= 2
    assert left_of(beside) == []


@pytest.mark.parametrize("has_job", [False, True])
def test_a_client_that_is_told_nothing_ends(has_job):
    with socket.create_server(("127.0.0.1", 0)) as server:
        job = {"host": "127.0.0.1", "port": server.getsockname()[1], "requests": []}
        ended = subprocess.run(
            [sys.executable, "-m", "engine.cli.load"],
            input=f"{json.dumps(job)}\n" if has_job else "",
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "seconds" not in ended.stdout


def test_serve_without_standard_input_goes_on(engine):
    serving = subprocess.Popen(
        [sys.executable, "-m", *SERVE],
        cwd=engine.folder,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    url = line_with(serving, "serving").split()[1]

    greeted = engine("submit", "greet", "-d", "name=Ada", "--wait", "--json")

    assert greeted.json()["status"] == "success"
    assert status(f"{url}/health") == 200
    assert interrupt(serving).code == 0
