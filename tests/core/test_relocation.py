"""What a task remembers about a node goes with it to the node that a deploy put in its place."""

from engine.core.task import Memo


def test_failures_and_calls_in_doubt_are_remembered_of_the_new_node():
    memo = Memo(attempts={"ask": 2, "other": 1}, doubts={"ask": "mark"}, failed_in="ask")

    memo.renamed("ask", "call")

    assert (memo.attempts, memo.doubts, memo.failed_in) == (
        {"other": 1, "call": 2},
        {"call": "mark"},
        "call",
    )


def test_what_is_remembered_of_other_nodes_stays():
    memo = Memo(attempts={"other": 1}, failed_in="other")

    memo.renamed("ask", "call")

    assert (memo.attempts, memo.doubts, memo.failed_in) == ({"other": 1}, {}, "other")
