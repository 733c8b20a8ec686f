"""Commands as people run them: processes of their own, in a folder of their own."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60

GREET = """\
process: greet
title: Greet
params:
  name: {type: string, required: true}
  token: {type: string, secret: true}
  greeting: {type: string, output: true}
nodes:
  start: {type: start, next: greet}
  greet:
    type: set_parameter
    set: {greeting: "Hello {{ name }}"}
    next: is_it_nobody
    error: failed
  is_it_nobody:
    type: condition
    cases: [{when: "name == 'nobody'", next: failed}]
    else: done
  done: {type: end, title: Done, result: success}
  failed: {type: end, result: error}
"""

WAIT = """\
process: wait
title: Wait
nodes:
  start: {type: start, next: stand}
  stand:
    type: waiting_for_callback
    match: {ref: ref}
    timeout: {after: 1h, next: failed}
    next: done
  done: {type: end, result: success}
  failed: {type: end, result: error}
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def error(self) -> Any:
        return json.loads(self.err)["error"]


@dataclass(frozen=True)
class Engine:
    """The command line, in a folder."""

    folder: Path

    def __call__(self, *arguments: str, given: str = "", **variables: str) -> Ran:
        done = subprocess.run(
            command(*arguments),
            cwd=self.folder,
            env=environment(variables),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engine", *arguments]


def environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENGINE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", **variables}


def write_workspace(folder: Path) -> Engine:
    (folder / "processes").mkdir()
    (folder / "processes" / "greet.yaml").write_text(GREET)
    (folder / "processes" / "wait.yaml").write_text(WAIT)
    return Engine(folder)


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """Reads what a process prints until a line holds the word."""
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if word in line:
            return line
    raise AssertionError("".join(read))


def interrupt(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> Ran:
    """Sends a signal and waits for the end."""
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE_S)
    return Ran(process.returncode, out, "")
