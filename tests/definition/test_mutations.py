"""Damaged process files through `engine check`: no crash, a place for every fault, no long answer.

`ENGINE_TEST_MUTATIONS` sets how many (2000). By hand, with the time that each answer takes:
`python -m tests.definition.mutations --number 100000`.
"""

import os

import pytest

from engine.definition import load_text
from tests.definition.checked import check_file, steps_of
from tests.definition.mutations import SEED, mutated, seeds
from tests.definition.test_slow_files import MOST_STEPS

MUTATIONS = int(os.environ.get("ENGINE_TEST_MUTATIONS", "2000"))
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_is_answered_in_few_steps_and_every_fault_has_a_place(part, tmp_path):
    number = max(MUTATIONS // PARTS, 1)
    seed = os.environ.get("ENGINE_TEST_SEED") or SEED

    for each in range(part * number, (part + 1) * number):
        content = mutated(each, seed)
        checked = []
        steps = steps_of(lambda: checked.append(check_file(each, content, tmp_path)))  # noqa: B023

        assert checked[0].problems == (), f"file {each} of the seed {seed}"
        assert steps < 2 * MOST_STEPS, f"file {each} of the seed {seed}"  # it is loaded twice


def test_every_process_of_the_documentation_is_a_seed():
    assert len(seeds()) > 20
    for seed in seeds():
        found = {fault.rule for fault in load_text(seed, "p.yaml").faults}
        assert found <= {"unknown-process", "unknown-node", "unknown-callback-target"}
