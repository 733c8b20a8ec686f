import pytest

from engine.node import Constant, ErrorKind, Fail, Fetched, Go, TimeUp, Wait, WaitKind
from nodes.queue import Queue, Settings


def test_a_task_stands_in_the_queue(visit):
    assert Queue().enter(Settings(), visit()) == Wait(WaitKind.QUEUE)


def test_a_task_that_is_taken_goes_on_with_what_the_queue_adds(visit, computed):
    settings = Settings(computed(lambda scope: {"by": scope.data["who"]}))

    assert Queue().resume(settings, visit({"who": "Ann"}), Fetched()) == Go(changes={"by": "Ann"})
    assert Queue().resume(Settings(), visit(), Fetched()) == Go(changes={})


def test_data_that_is_no_object_fails_the_task(visit):
    assert Queue().resume(Settings(Constant("x")), visit(), Fetched()) == Fail(
        ErrorKind.SOFTWARE,
        "queue_wrong_convert_param",
        "Param: data, Value: x, Try convert to: object",
    )


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        Queue().resume(Settings(), visit(), TimeUp())
