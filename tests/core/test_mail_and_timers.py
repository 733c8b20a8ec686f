"""Mail that is there before its task waits, and timers that are due before it waits."""

GLANCE = """
process: glance
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 1h, next: look}
  look: {type: waiting_for_callback, timeout: {after: 0s, next: none_came}, next: came}
  none_came: {type: end}
  came: {type: end}
"""

ASKER = """
process: asker
nodes:
  start: {type: start, next: copy}
  copy: {type: copy_task, process: teller, data: {whom: "{{ root.ref }}"}, next: wait, error: bad}
  wait: {type: waiting_for_callback, timeout: {after: 1d, next: bad}, next: done}
  done: {type: end}
  bad: {type: end, result: error}
"""

TELLER = """
process: teller
nodes:
  start: {type: start, next: tell}
  tell: {type: modify_task, process: asker, ref: "{{ whom }}", data: {a: 1}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""


async def test_a_wait_of_no_time_ends_in_the_turn_in_which_it_began(board):
    b = board(GLANCE)
    task = await b.submit("glance", ref="t")

    await b.pass_time(3600)

    assert (await b.task("glance", "t")).node == "none_came"
    assert (await b.path(task))[-2:] == [("look", "timeout"), ("none_came", "")]


async def test_a_wait_of_no_time_takes_what_was_there_before(board):
    b = board(GLANCE)
    await b.submit("glance", ref="t")
    await b.callback("glance", "look", "t", {"a": 1})

    await b.pass_time(3600)

    task = await b.task("glance", "t")
    assert (task.node, task.data) == ("came", {"a": 1})


async def test_a_task_made_in_this_turn_is_found_by_the_ref_that_was_generated_for_it(board):
    b = board(ASKER, TELLER)

    task = await b.submit("asker")

    assert (task.node, task.data["a"]) == ("done", 1)
