from engine.node import Go, NoSettings
from nodes.start import Start


def test_a_task_goes_on_at_once(visit):
    assert Start().enter(NoSettings(), visit({"a": 1})) == Go()


def test_a_start_is_the_entrance_and_can_not_fail():
    assert Start.is_start
    assert not Start.can_fail
