from engine.node import Finish
from nodes.end import End, Result, Settings


def test_a_task_ends_with_success_and_is_kept_unless_told_otherwise(visit):
    assert End().enter(Settings(), visit()) == Finish(is_success=True, is_kept=True)


def test_a_task_can_end_with_an_error(visit):
    settings = Settings(result=Result.ERROR)

    assert End().enter(settings, visit()) == Finish(is_success=False, is_kept=True)
    assert End().result_title(settings) == "error"


def test_a_finished_task_can_leave_no_trace(visit):
    assert End().enter(Settings(keep=False), visit()) == Finish(is_success=True, is_kept=False)


def test_an_end_has_no_way_out():
    assert End.is_end
    assert not End.has_next
