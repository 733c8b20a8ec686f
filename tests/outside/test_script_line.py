"""Who runs next: scripts in turn, quick ones together, slow ones never everywhere."""

import asyncio

import pytest

from engine.outside.scripts.frame import Job
from engine.outside.scripts.line import Line, Waiting


@pytest.fixture
async def waiting():
    loop = asyncio.get_running_loop()

    def make(script, count=1):
        job = Job(1.0, 1, 1, script.encode(), b"", b"", b"")
        return [Waiting(job, loop.create_future()) for _ in range(count)]

    return make


def fill(line, *lanes):
    for lane in lanes:
        for each in lane:
            line.put(each)


def took(line, waitings, seconds):
    for each in waitings:
        line.gave(each, seconds)


async def test_an_empty_line_has_nothing():
    assert Line(2).take() == []


async def test_a_script_that_nobody_knows_goes_alone(waiting):
    line = Line(3)
    a = waiting("a", 3)
    fill(line, a)

    assert [line.take() for _ in range(3)] == [[a[0]], [a[1]], []]
    took(line, a[:1], 0.001)
    assert line.take() == [a[2]]
    assert len(line) == 0


async def test_quick_scripts_go_together_and_every_worker_has_its_share(waiting):
    line = Line(2)
    a = waiting("a", 20)
    took(line, a[:1], 0.001)
    fill(line, a)

    assert [len(line.take()) for _ in range(5)] == [8, 6, 3, 2, 1]


async def test_scripts_take_turns(waiting):
    line = Line(1)
    many, few = waiting("many", 4), waiting("few", 1)
    took(line, [many[0], few[0]], 0.02)
    fill(line, many, few)

    assert [line.take()[0].script for _ in range(3)] == [b"many", b"few", b"many"]


async def test_slow_scripts_leave_a_worker_to_others(waiting):
    line = Line(2)
    slow, slower, other = waiting("slow", 2), waiting("slower", 2), waiting("other")
    took(line, [slow[0], slower[0]], 1.0)
    took(line, other, 0.02)
    fill(line, slow, slower, other)

    first, second, third = line.take(), line.take(), line.take()

    assert (first, second, third) == ([slow[0]], other, [])
    line.gave(slow[0], 1.0)
    assert line.take() == [slower[0]]


async def test_the_only_worker_takes_slow_scripts_too(waiting):
    line = Line(1)
    slow = waiting("slow", 2)
    took(line, slow, 1.0)
    fill(line, slow)

    assert line.take() == [slow[0]]


async def test_what_comes_back_goes_first(waiting):
    line = Line(1)
    a = waiting("a", 2)
    fill(line, a[1:])
    line.put(a[0], is_first=True)

    assert line.take() == [a[0]]


async def test_what_is_not_waited_for_is_passed_over(waiting):
    line = Line(1)
    a = waiting("a", 3)
    fill(line, a)
    a[0].answer.cancel()

    assert line.take() == [a[1]]


async def test_only_so_many_scripts_are_remembered(waiting):
    line = Line(1)
    for number in range(1100):
        took(line, waiting(f"script {number}"), 1.0)

    assert len(line._took_s) == 1000


async def test_a_line_can_be_emptied(waiting):
    line = Line(1)
    a, b = waiting("a", 2), waiting("b")
    fill(line, a, b)

    assert line.drain() == [*a, *b]
    assert (len(line), line.take()) == (0, [])
