"""The table of the engine and its peers."""

import json

from benchmarks.peers.outcome import table

OURS = {
    "pure_per_s": 4000.0, "pure_cpu_ms": 0.1, "pure_ended_part": 1.0,
    "killed_acknowledged": 50, "killed_survived": 50,
}  # fmt: skip
THEIRS = {
    "pure_per_s": 100.0, "pure_cpu_ms": 2.0, "pure_database_cpu_ms": 1.5, "pure_ended_part": 0.6,
    "killed_acknowledged": 20, "killed_survived": 0,
}  # fmt: skip


def written(folder, **peers):
    file = folder / "results.json"
    every = {name.replace("_", "-"): peer for name, peer in peers.items()}
    file.write_text(json.dumps({"machine": {"cores": 2}, "peers": every}))
    return file


def test_a_peer_stands_beside_the_engine_with_ratios(tmp_path):
    file = written(
        tmp_path,
        conveyor={"title": "Conveyor", "numbers": OURS},
        other={"title": "Other", "numbers": THEIRS},
    )

    lines = table(file).splitlines()

    assert lines[2] == "| Conveyor | - | 4,000 | 0.1 | - | - | - | - | 50 of 50 |"
    assert lines[3] == (
        "| Other | - | 100 (1/40.0), 60% ended | 2 + 1.5 (20.0x) | - | - | - | - | 0 of 20 |"
    )


def test_a_peer_that_could_not_be_measured_says_why_below(tmp_path):
    file = written(tmp_path, other={"title": "Other", "failed": "npm is not there"})

    assert table(file).splitlines()[-1] == "Other: npm is not there"


def test_without_results_it_is_said_what_to_do(tmp_path):
    assert "measure a peer first" in table(tmp_path / "none.json")
