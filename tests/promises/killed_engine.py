"""The engine that is killed: a process of its own that takes requests over a pipe.

The process files it runs, and what its clients can rely on, stand here too.
"""

import asyncio
import re
from pathlib import Path

from engine.core.command import HttpAnswer
from engine.core.message import Once
from engine.errors import EngineError
from engine.settings import Settings
from engine.workspace import Target, Workspace

ORDER = """
process: order
params: {number: {type: number, required: true}}
nodes:
  start: {type: start, next: note}
  note:
    type: copy_task
    process: note
    ref: "note-{{ root.ref }}"
    data: {order: "{{ root.ref }}"}
    next: price
    error: bad
  price: {type: call_process, process: price, data: {number: "{{ number }}"}, timeout: {after: 1h, next: bad}, next: tell, error: bad}
  tell: {type: api_call, url: "http://shop.example/{{ root.ref }}", max_threads: 8, timeout: {after: 1h, next: bad}, next: wait, error: bad}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1h, next: bad}, next: add}
  add: {type: set_parameter, set: {got: "{{ (got | default([])) + [n] }}"}, next: last, error: bad}
  last: {type: condition, cases: [{when: got | length == 3, next: done}], else: wait}
  done: {type: end}
  bad: {type: end, result: error}
"""
NOTE = """
process: note
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 5ms, next: done}
  done: {type: end}
"""
PRICE = """
process: price
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 10ms, next: tell}
  tell: {type: reply_to_process, data: {price: "{{ number * 2 }}"}, next: done}
  done: {type: end}
"""
FILES = {"order.yaml": ORDER, "note.yaml": NOTE, "price.yaml": PRICE}
CALLBACKS = 3
CALL = re.compile(r"type: api_call,.*timeout: \{[^}]*\}")
NO_CALL = "type: set_parameter, set: {a: 1}"


def write_files(folder, *, calls_outside=True):
    """Writes the process files; without the outside, a node that sets a parameter is in its place."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text if calls_outside else CALL.sub(NO_CALL, text))


async def answered(command):
    """The outside world: it answers after a moment."""
    await asyncio.sleep(0.003)
    return HttpAnswer(200, (("content-type", "application/json"),), b'{"told": true}')


def run(pipe, database, folder):
    """Serves requests over the pipe until killed."""
    asyncio.run(_serve(pipe, database, folder))


async def _serve(pipe, database, folder):
    workspace = await Workspace.open(Settings(database=database), perform=answered)
    await workspace.deploy_folder([Path(folder)])
    await workspace.start()
    loop = asyncio.get_running_loop()
    handling = set()

    def take():
        while pipe.poll():
            task = loop.create_task(_handle(workspace, pipe, *pipe.recv()))
            handling.add(task)
            task.add_done_callback(handling.discard)

    pipe.send((0, "ready"))
    loop.add_reader(pipe.fileno(), take)
    await asyncio.Event().wait()


async def _handle(workspace, pipe, number, kind, ref, n):
    try:
        if kind == "order":
            await workspace.submit("order", {"number": n}, ref, once=Once(ref, "order"))
        else:
            graph = workspace.graph("order")
            body = {"id": ref, "n": n}
            await workspace.callback(Target(graph, graph.nodes["wait"]), body, f"{ref}/{n}")
    except EngineError as error:
        pipe.send((number, error.kind))
    else:
        pipe.send((number, "ok"))
