"""Seeds of the simulation, by the command that people use; `ENGINE_TEST_SEEDS` sets how many.

A program of its own, because the order of Python's sets must be the same each time.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine

SEEDS = int(os.environ.get("ENGINE_TEST_SEEDS", "1000"))
PARTS = 10
ROOT = str(Path(engine.__file__).parents[1])

pytestmark = pytest.mark.slow


def simulate(*arguments):
    return subprocess.run(
        (sys.executable, "-m", "engine.testing.simulation", *map(str, arguments)),
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_every_promise_is_kept(part):
    number = max(SEEDS // PARTS, 1)

    ran = simulate("--from", part * number, "--seeds", number)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_seed_is_the_same_story_each_time():
    first, second = (simulate("--seed", 40, "--trace") for _ in range(2))

    assert first.stdout.splitlines()[:-1] == second.stdout.splitlines()[:-1]
    assert len(first.stdout.splitlines()) > 20
