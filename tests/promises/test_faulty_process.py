"""A faulty process hurts its own tasks only."""

import asyncio

import pytest

from engine.core.command import HttpAnswer
from engine.core.task import TaskState
from engine.errors import TooLarge
from engine.store.interface import TaskQuery

GOOD = """
process: good
nodes:
  start: {type: start, next: work}
  work: {type: set_parameter, set: {twice: "{{ n * 2 }}"}, next: ask, error: bad}
  ask: {type: api_call, url: "http://good.example/", max_threads: 5, timeout: {after: 1h, next: bad}, next: rest, error: bad}
  rest: {type: delay, for: 5s, next: done}
  done: {type: end}
  bad: {type: end, result: error}
"""
HEAD = "process: faulty\nnodes:\n  start: {type: start, next: a}\n"
ENDS = "  done: {type: end}\n  bad: {type: end, result: error}\n"

ENDLESS = (
    HEAD + '  a: {type: set_parameter, set: {n: "{{ n + 1 }}"}, next: b, error: bad}\n'
    "  b: {type: condition, cases: [{when: n < 0, next: done}], else: a}\n" + ENDS
)
LONG_RING = (
    HEAD
    + "".join(
        f"  {at}: {{type: set_parameter, set: {{{at}: 1}}, next: {to}, error: bad}}\n"
        for at, to in ("ab", "bc", "cd", "de", "ef")
    )
    + "  f: {type: condition, cases: [{when: n < 0, next: done}], else: a}\n"
    + ENDS
)
COPIES = (
    HEAD
    + '  a: {type: copy_task, process: faulty, data: {n: "{{ n + 1 }}"}, next: b, error: bad}\n'
    "  b: {type: condition, cases: [{when: n < 0, next: done}], else: a}\n" + ENDS
)
HUGE = (
    HEAD
    + "  a: {type: set_parameter, set: {x: \"{{ x | default('ab') }}{{ x | default('ab') }}\"}, next: b, error: bad}\n"
    "  b: {type: condition, cases: [{when: n < 0, next: done}], else: a}\n" + ENDS
)
BAD_TEMPLATE = (
    HEAD + '  a: {type: set_parameter, set: {x: "{{ n / 0 }}"}, next: done, error: bad}\n' + ENDS
)
BAD_CONDITION = (
    HEAD + "  a: {type: condition, cases: [{when: n < 'x', next: done}], else: bad}\n" + ENDS
)
MODIFIES_ITSELF = (
    HEAD
    + '  a: {type: modify_task, process: faulty, ref: "{{ root.ref }}", data: {x: 1}, next: w, error: bad}\n'
    "  w: {type: waiting_for_callback, timeout: {after: 1h, next: done}, next: a}\n" + ENDS
)
HANGS = (
    HEAD
    + '  a: {type: api_call, url: "http://hangs.example/", max_threads: 2, timeout: {after: 60s, next: bad}, next: done, error: bad}\n'
    + ENDS
)
BREAKS = HANGS.replace("hangs.example", "breaks.example")
ENDED = {TaskState.ERROR}
STANDS = {TaskState.PARKED}
FAULTS = [
    ("endless", ENDLESS, ENDED),
    ("long ring", LONG_RING, ENDED),
    ("huge data", HUGE, ENDED),
    ("bad template", BAD_TEMPLATE, ENDED),
    ("bad condition", BAD_CONDITION, STANDS),
    ("hanging call", HANGS, ENDED),
    ("breaking call", BREAKS, ENDED),
]
FAULTY_TASKS, GOOD_TASKS = 20, 50


async def outside(command):
    if "hangs" in command.url:
        await asyncio.get_running_loop().create_future()
    if "breaks" in command.url:
        raise RuntimeError("of the transport")
    return HttpAnswer(200, (), b"{}")


async def good_ones(workspace):
    return await workspace.tasks(TaskQuery("good", limit=1000))


async def until_good_ones_end(workspace, clock):
    """Lets time pass until the good tasks have ended, whatever the others do."""
    for _ in range(2000):
        tasks = await good_ones(workspace)
        if len(tasks) == GOOD_TASKS and all(task.is_finished for task in tasks):
            return tasks
        if all(task.node == "rest" for task in tasks if not task.is_finished):
            clock.advance(5)
        await asyncio.sleep(0)
    raise AssertionError("the good tasks were held up")


async def start_both(workspace, **data):
    faulty = [(f"f{n}", {"n": n, **data}, None) for n in range(FAULTY_TASKS)]
    good = [(f"g{n}", {"n": n}, None) for n in range(GOOD_TASKS)]
    answers = await asyncio.gather(
        workspace.submit_many("faulty", faulty), workspace.submit_many("good", good)
    )
    assert not [answer for each in answers for answer in each if isinstance(answer, Exception)]


@pytest.mark.parametrize(
    ("text", "ends"), [each[1:] for each in FAULTS], ids=[f[0] for f in FAULTS]
)
async def test_a_faulty_process_hurts_its_own_tasks_only(opened, clock, caplog, text, ends):
    workspace = await opened(GOOD, text, perform=outside, database="sqlite://")

    await start_both(workspace)
    tasks = await until_good_ones_end(workspace, clock)
    for _ in range(FAULTY_TASKS):
        clock.advance(60)
        for _ in range(50):
            await asyncio.sleep(0)

    assert {task.state for task in tasks} == {TaskState.SUCCESS}
    assert {task.data["twice"] for task in tasks} == {2 * n for n in range(GOOD_TASKS)}
    faulty = await workspace.tasks(TaskQuery("faulty", limit=1000))
    assert {task.state for task in faulty} == ends
    assert len(faulty) == FAULTY_TASKS
    # Each says what went wrong, or left by its time semaphore.
    assert all(task.memo.error or task.memo.previous == "a" for task in faulty)


@pytest.mark.parametrize("text", [COPIES, MODIFIES_ITSELF], ids=["copies", "modifies itself"])
async def test_a_process_without_end_does_not_hold_up_others(opened, clock, text):
    workspace = await opened(GOOD, text, perform=outside, database="sqlite://")
    await workspace.submit("faulty", {"n": 1}, "f")

    await workspace.submit_many("good", [(f"g{n}", {"n": n}, None) for n in range(GOOD_TASKS)])
    tasks = await until_good_ones_end(workspace, clock)

    assert {task.state for task in tasks} == {TaskState.SUCCESS}
    assert len(workspace._engine.intake) > 0, "the faulty process has ended"


async def test_data_over_the_limit_is_refused_before_anything_is_stored(opened):
    workspace = await opened(GOOD, database="sqlite://", max_task_bytes=1000)

    with pytest.raises(TooLarge, match="Max available task size: 1000 bytes"):
        await workspace.submit("good", {"n": 1, "x": "a" * 1000})

    assert await good_ones(workspace) == []
    assert workspace.counts("good")["start"] in [(0, 0), (1, 1)]


async def test_an_answer_that_is_too_large_fails_its_own_task(opened, clock):
    async def large(command):
        return HttpAnswer(
            200, (("content-type", "application/json"),), b'{"x": "%s"}' % (b"a" * 5000)
        )

    workspace = await opened(GOOD, perform=large, database="sqlite://", max_task_bytes=1000)

    await workspace.submit("good", {"n": 1}, "g")
    await workspace.rest()

    task = await workspace.task("good", "g")
    assert (task.node, task.memo.error.tag) == ("bad", "api_task_size_overflow_limit")


async def test_a_callback_that_is_too_large_fails_its_own_task(opened):
    from engine.workspace import Target

    wait = (
        "process: wait\nnodes:\n  start: {type: start, next: w}\n"
        "  w: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: done}, next: done}\n"
        "  done: {type: end}\n"
    )
    workspace = await opened(wait, database="sqlite://", max_task_bytes=1000)
    graph = workspace.graph("wait")
    for ref in ("a", "b"):
        await workspace.submit("wait", {}, ref)

    for ref, size in (("a", 5000), ("b", 5)):
        await workspace.callback(Target(graph, graph.nodes["w"]), {"id": ref, "x": "a" * size})

    a, b = [await workspace.task("wait", ref) for ref in ("a", "b")]
    assert (a.state, a.memo.error.tag) == (TaskState.PARKED, "callback_size_overflow_limit")
    assert b.state is TaskState.SUCCESS
