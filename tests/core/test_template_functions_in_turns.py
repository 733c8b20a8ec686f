"""Functions of templates that need the turn: the moment and chance; and conversions that fail in it."""

import pytest

MOMENTS = """
process: moments
nodes:
  start: {type: start, next: first}
  first:
    type: set_parameter
    set:
      now: "{{ unixtime() }}"
      tomorrow: "{{ unixtime('%y-%m-%d+1 09:00:00') }}"
      text: "{{ date('%y-%m-%d %h:%i:%s') }}"
      "day_{{ date('%d') }}": "{{ random() }}"
      dice: "{{ random(6) }}"
      total: "{{ math('price * 3') }}"
    next: wait
    error: bad
  wait: {type: delay, for: 60s, next: second}
  second: {type: set_parameter, set: {later: "{{ unixtime() }}"}, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""
TYPED = """
process: typed
nodes:
  start: {type: start, next: set}
  set:
    type: set_parameter
    set: {first: 1, age: "{{ age | number }}"}
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
"""


async def test_the_moment_and_chance_come_from_the_engine(board):
    b = board(MOMENTS)

    await b.submit("moments", {"price": "0.1"}, "r")
    await b.pass_time(60)

    data = (await b.task("moments", "r")).data
    assert data == {
        "price": "0.1",
        "now": 1700000000,
        "tomorrow": 1700038800,
        "text": "2023-11-14 22:13:20",
        "day_14": 0.5,
        "dice": 3,
        "total": 0.3,
        "later": 1700000060,
    }


async def test_a_failed_conversion_has_corezoids_tag_and_words(board):
    """Source: Corezoid, Set Parameters: `Param: .., Value: .., Try convert to: ..`."""
    b = board(TYPED)

    task = await b.submit("typed", {"age": "abc"})

    assert task.node == "bad"
    assert "first" not in task.data
    assert task.data["__conveyor_set_param_return_type_error__"] == "software"
    assert task.data["__conveyor_set_param_return_type_tag__"] == "set_param_wrong_convert_param"
    assert task.data["__conveyor_set_param_return_description__"] == (
        "Param: age, Value: abc, Try convert to: number"
    )


NAMED = """
process: named
nodes:
  start: {type: start, next: node}
  node: {NODE, next: done, error: bad}
  done: {type: end}
  bad: {type: end, result: error}
"""


@pytest.mark.parametrize(
    ("node", "tag", "name"),
    [
        ("type: copy_task, process: named, data: {a: {b: '{{ x | number }}'}}", "copy_task", "a.b"),
        (
            "type: copy_task, process: named, ref: '{{ x | number }}', data: {a: 1}",
            "copy_task",
            "ref",
        ),
        (
            "type: call_process, process: named, data: {n: '{{ x | number }}'}",
            "rpc_task",
            "n",
        ),
        ("type: api_call, url: 'http://a', json: {n: ['{{ x | number }}']}", "api", "n.0"),
        ("type: api_call, url: 'http://a/{{ x | number }}'", "api", "url"),
        ("type: set_parameter, set: {n: {deep: '{{ x | number }}'}}", "set_param", "n.deep"),
    ],
)
async def test_a_failed_conversion_names_its_parameter(board, node, tag, name):
    b = board(NAMED.replace("NODE", node))

    task = await b.submit("named", {"x": "abc"})

    assert task.memo.error.kind == "software"
    assert task.memo.error.tag == f"{tag}_wrong_convert_param"
    assert task.memo.error.description == f"Param: {name}, Value: abc, Try convert to: number"
