"""Templates that read other tasks: looked up with the rest of a turn, however many ask."""

import pytest

from engine.core.message import Modify, Submit
from engine.core.task import TaskState

PARCEL = """
process: parcel
kind: state
nodes:
  start: {type: start, next: state}
  state: {type: set_state, cases: [{when: where == 'here', next: done}]}
  done: {type: end}
"""
READER = """
process: reader
nodes:
  start: {type: start, next: how}
  how: {type: condition, cases: [{when: "task('parcel', id).where == 'Lviv'", next: read}], else: other}
  read:
    type: set_parameter
    set: {where: "{{ task('parcel', id).where }}", kg: "{{ task('parcel', id).size.kg }}"}
    next: done
    error: bad
  other: {type: end, title: elsewhere}
  done: {type: end}
  bad: {type: end, result: error}
"""
COUNTER = """
process: counter
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: done}, next: see}
  see: {type: set_parameter, set: {left: "{{ node('wait').count }}", no: "{{ node(name).count }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
WAITER = """
process: waiter
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: "{{ task('parcel', 'p').minutes }}m", next: late}, next: tell}
  tell: {type: modify_task, process: parcel, ref: p, data: {seen: "{{ task('parcel', 'p').seen | default(0) + 1 }}"}, next: done, error: bad}
  done: {type: end}
  late: {type: end, result: error}
  bad: {type: end, result: error}
"""


async def test_a_template_reads_another_task(board):
    played = board(PARCEL, READER)
    await played.submit("parcel", {"where": "Lviv", "size": {"kg": 2}}, "p")

    task = await played.submit("reader", {"id": "p"})

    assert (task.node, task.data["where"], task.data["kg"]) == ("done", "Lviv", 2)


async def test_a_task_that_is_not_there_or_has_ended_is_missing(board):
    played = board(PARCEL, READER)
    await played.submit("parcel", {"where": "Lviv"}, "p")
    await played.turn(Modify("parcel", "p", {"where": "here"}))

    ended = await played.submit("reader", {"id": "p"})
    unknown = await played.submit("reader", {"id": "nobody"})

    assert (ended.node, unknown.node) == ("other", "other")


async def test_many_look_ups_are_one_question_to_the_store(board):
    played = board(PARCEL, READER)
    await played.turn(*(Submit("parcel", f"p{n}", {"where": "Lviv", "n": n}) for n in range(200)))
    asked = []
    load = played.store.load

    async def counted(wants):
        asked.append(wants)
        return await load(wants)

    played.store.load = counted
    await played.turn(*(Submit("reader", f"r{n}", {"id": f"p{n}"}) for n in range(200)))

    assert len(asked) == 2  # the refs of the new tasks, then what they read
    assert {(await played.task("reader", f"r{n}")).node for n in range(200)} == {"done"}


async def test_a_task_made_or_changed_in_the_same_turn_is_read_as_it_is_then(board):
    played = board(PARCEL, READER)

    await played.turn(
        Submit("parcel", "p", {"where": "Kyiv"}),
        Modify("parcel", "p", {"where": "Lviv"}),
        Submit("reader", "r", {"id": "p"}),
    )

    assert (await played.task("reader", "r")).data["where"] == "Lviv"


async def test_what_a_node_is_resumed_with_is_not_lost_by_a_look_up(board):
    played = board(PARCEL, WAITER)
    await played.submit("parcel", {"minutes": 5}, "p")
    await played.submit("waiter", {}, "w")

    due = (await played.task("waiter", "w")).due
    await played.callback("waiter", "wait", "w", {"x": 1}, key="k")

    waiter = await played.task("waiter", "w")
    assert due == played.now + 300_000_000
    assert (waiter.node, waiter.data["x"]) == ("done", 1)
    assert (await played.task("parcel", "p")).data["seen"] == 1


async def test_an_unknown_process_or_node_is_an_error(board):
    played = board(
        PARCEL, COUNTER, READER.replace("task('parcel', id).where ==", "task(id, id).where ==")
    )
    await played.submit("counter", {"name": "nothing"}, "c")
    await played.callback("counter", "wait", "c")

    task = await played.submit("reader", {"id": "nothing"})

    counter = await played.task("counter", "c")
    assert (counter.node, counter.memo.error.tag) == ("bad", "template_error")
    assert task.state is TaskState.PARKED


async def test_a_node_is_counted_as_of_this_turn(board):
    played = board(COUNTER)
    for number in range(5):
        await played.submit("counter", {"name": "wait"}, f"c{number}")

    await played.callback("counter", "wait", "c0")
    await played.callback("counter", "wait", "c1")

    assert [(await played.task("counter", f"c{n}")).data["left"] for n in (0, 1)] == [4, 3]


@pytest.mark.parametrize("text", ["task('a')", "task()", "node()", "node('a', 'b')"])
async def test_wrong_arguments_are_faults_of_the_file(board, text):
    with pytest.raises(AssertionError, match="takes"):
        board(COUNTER.replace("node('wait').count", f"{text}.count"))
