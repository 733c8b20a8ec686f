"""Orders: each makes a copy, calls a process and a service, and waits for three callbacks."""

from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

from engine.core.command import CallResult, HttpCall
from engine.core.message import Callback, Once
from engine.core.task import Task, TaskState
from engine.definition import Definition
from engine.testing.simulation.outside import CALLBACKS, Service
from engine.testing.simulation.plot import KEPT_FOR_EVER_US, Plot, Seen, Stage, read
from engine.workspace import Workspace

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
  price:
    type: call_process
    process: price
    data: {number: "{{ number }}"}
    timeout: {after: 1d, next: bad}
    next: tell
    error: bad
  tell:
    type: api_call
    url: "http://shop.example/{{ root.ref }}"
    max_threads: 3
    timeout: {after: 1d, next: bad}
    next: wait
    error: later
  later: {type: delay, for: 2s, next: tell}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 1d, next: bad}, next: add}
  add: {type: set_parameter, set: {got: "{{ (got | default([])) + [n] }}"}, next: last, error: bad}
  last: {type: condition, cases: [{when: got | length == 3, next: done}], else: wait}
  done: {type: end}
  bad: {type: end, result: error}
"""
NOTE = """
process: note
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 3s, next: done}
  done: {type: end}
"""
PRICE = """
process: price
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 500ms, next: tell}
  tell: {type: reply_to_process, data: {price: "{{ number * 2 }}"}, next: done}
  done: {type: end}
"""


class Orders(Plot):
    """Callbacks come one after the other, early and late and twice, and are taken in order."""

    delays: ClassVar[Mapping[tuple[str, str], int]] = {
        ("note", "rest"): 3_000_000,
        ("price", "rest"): 500_000,
        ("order", "later"): 2_000_000,
    }

    def __init__(self, stage: Stage, size: int) -> None:
        super().__init__(stage, size)
        self.service = Service(stage.chance, self.deliver, trouble=stage.trouble)
        self.broken_promises = self.service.broken_promises
        self.accepted: dict[str, int] = {}
        self.acknowledged: set[tuple[str, int]] = set()

    def definitions(self) -> list[Definition]:
        return _definitions()

    def clients(self) -> list[Coroutine[Any, Any, None]]:
        return [self._order(f"o{number}") for number in range(self.size)]

    async def _order(self, ref: str) -> None:
        number = self.stage.chance.randrange(1000)
        once = Once(f"order {ref}", ref)
        await self.stage.until_done(
            lambda workspace: workspace.submit("order", {"number": number}, ref, once=once)
        )
        self.accepted[ref] = number
        self.stage.note(f"accepted {ref}")

    async def deliver(self, ref: str, number: int) -> None:
        """Sends a callback until some engine has acknowledged it."""

        def send(workspace: Workspace) -> Awaitable[Any]:
            data = {"id": ref, "n": number}
            callback = Callback(
                "order", "wait", "", ref, data,
                is_sync=False, keep_us=KEPT_FOR_EVER_US, event_key=f"{ref}/{number}",
            )  # fmt: skip
            return workspace.deliver(callback)

        delivery = await self.stage.until_done(send)
        self.acknowledged.add((ref, number))
        self.stage.note(f"callback {ref}/{number} {delivery}")

    async def perform(self, call: HttpCall) -> CallResult:
        return await self.service.perform(call)

    def heard(self, call: HttpCall) -> None:
        self.service.heard(call)

    async def rest(self) -> None:
        await self.service.rest()

    def check(self, seen: Seen) -> Iterator[str]:
        """What was accepted is there once, and ended with every callback in its order."""
        refs = Counter(task.ref for task in seen.tasks["order"])
        if refs != Counter(list(self.accepted)):
            yield f"accepted were {sorted(self.accepted)}, there are {sorted(refs.elements())}"
        for task in seen.tasks["order"]:
            yield from self._check_order(task, [step.node for step in seen.histories[task.task_id]])
        notes = Counter(task.data["order"] for task in seen.tasks["note"])
        prices = Counter(task.data["__rpc_ref_id__"] for task in seen.tasks["price"])
        for name, made in (("notes", notes), ("prices", prices)):
            if made != Counter(list(self.accepted)):
                yield f"{name} were made for {sorted(made.elements())}"

    def _check_order(self, task: Task, way: list[str]) -> Iterator[str]:
        number = self.accepted.get(task.ref)
        if task.state is not TaskState.SUCCESS or task.node != "done":
            yield f"{task.ref} ended {task.state} in {task.node}: {task.memo.error}"
            return
        if task.data["price"] != 2 * (number or 0) or task.data["number"] != number:
            yield f"{task.ref} was submitted with {number} and has {task.data}"
        if task.data["got"] != list(range(CALLBACKS)):
            yield f"{task.ref} took the callbacks {task.data['got']}"
        rest = [node for node in way if node not in ("tell", "later")]
        expected = ["start", "note", "price", *["wait", "add", "last"] * CALLBACKS, "done"]
        if rest != expected or "tell" not in way:
            yield f"{task.ref} went {way}"
        if not all((task.ref, each) in self.acknowledged for each in range(CALLBACKS)):
            yield f"{task.ref} took a callback that nobody acknowledged"


@cache
def _definitions() -> list[Definition]:
    return read(ORDER, NOTE, PRICE)
