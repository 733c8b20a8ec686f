"""`--wait` may stand without a duration."""

import pytest

from engine.cli.arguments import spell_out


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (["submit", "greet", "--wait"], ["submit", "greet", "--wait=forever"]),
        (["submit", "--wait", "greet"], ["submit", "--wait=forever", "greet"]),
        (["submit", "greet", "--wait", "--json"], ["submit", "greet", "--wait=forever", "--json"]),
        (["submit", "greet", "--wait", "30s"], ["submit", "greet", "--wait", "30s"]),
        (["submit", "greet", "--wait", "1.5"], ["submit", "greet", "--wait", "1.5"]),
        (
            ["submit", "greet", "--wait=30s", "-d", "a=b"],
            ["submit", "greet", "--wait=30s", "-d", "a=b"],
        ),
        (["submit", "--", "--wait"], ["submit", "--", "--wait"]),
    ],
)
def test_a_wait_without_a_duration_is_spelled_out(given, spelled):
    assert spell_out(given) == spelled


def test_a_wrong_duration_is_left_for_the_parser_to_refuse():
    assert spell_out(["submit", "greet", "--wait", "30x"]) == ["submit", "greet", "--wait", "30x"]


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (["tasks", "p", "--csv"], ["tasks", "p", "--csv=-"]),
        (["tasks", "--csv", "p"], ["tasks", "--csv=-", "p"]),
        (["tasks", "--csv", "--limit", "5", "p"], ["tasks", "--csv=-", "--limit", "5", "p"]),
        (["tasks", "p", "--csv", "out.CSV"], ["tasks", "p", "--csv", "out.CSV"]),
        (["tasks", "p", "--csv", "-"], ["tasks", "p", "--csv", "-"]),
        (["submit", "p", "--csv", "rows"], ["submit", "p", "--csv", "rows"]),
    ],
)
def test_csv_of_tasks_without_a_file_goes_to_standard_output(given, spelled):
    assert spell_out(given) == spelled
