"""Waiting tasks live on disk: they cost the process no memory, and a start does not read them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.waiting_engine import WARM

WAITING = 100_000
MOST_MB = 20
A_FEW = 50

pytestmark = pytest.mark.slow


def measured(*arguments):
    """Runs the measurement in a process of its own."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        (sys.executable, "-m", "tests.promises.waiting_engine", *arguments),
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_hundred_thousand_waiting_tasks_cost_no_memory_and_a_start_reads_none(tmp_path):
    database = f"sqlite:///{tmp_path}/engine.db"

    filled = measured("fill", database, str(WAITING))
    again = measured("reopen", database, "0")

    assert filled["grew_mb"] < MOST_MB
    assert filled["tasks"] < A_FEW
    assert again["grew_mb"] < MOST_MB
    assert (again["tasks"] < A_FEW, again["rows"] < A_FEW) == (True, True)
    assert again["standing"] == WARM + WAITING + 1
