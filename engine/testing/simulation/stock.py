"""Stock: queues whose tasks go to one taker each, rivals for one ref, callbacks for nobody."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

from engine.core.batch import Delivery
from engine.core.message import Callback, Once
from engine.core.task import TaskState
from engine.definition import Definition
from engine.errors import Busy, NotPossible, RefTaken
from engine.testing.simulation.plot import Plot, Seen, Stage, read
from engine.workspace import Workspace

ITEM = """
process: item
params: {number: {type: number, required: true}}
nodes:
  start: {type: start, next: line}
  line: {type: queue, data: {taken: true}, timeout: {after: 1d, next: nobody}, next: taken}
  taken: {type: end}
  nobody: {type: end, result: error}
"""
TAKER = """
process: taker
nodes:
  start: {type: start, next: take}
  take: {type: get_from_queue, process: item, node: line, next: note, error: later}
  later: {type: delay, for: 1s, next: take}
  note:
    type: copy_task
    process: receipt
    ref: "receipt-{{ __queue_task_ref__ }}"
    data: {number: "{{ __queue_task_data__.number }}"}
    next: done
    error: bad
  done: {type: end}
  bad: {type: end, result: error}
"""
RECEIPT = """
process: receipt
nodes:
  start: {type: start, next: rest}
  rest: {type: delay, for: 700ms, next: done}
  done: {type: end}
"""
SEAT = """
process: seat
params: {who: {type: number, required: true}}
nodes:
  start: {type: start, next: wait}
  wait: {type: waiting_for_callback, match: {ref: id}, timeout: {after: 2m, next: late}, next: free}
  free: {type: end}
  late: {type: end, result: error}
"""
RIVALS = 3
KEPT_US = 4_000_000


class Stock(Plot):
    """So many items and takers; for every third there is a seat that several want."""

    delays: ClassVar[Mapping[tuple[str, str], int]] = {
        ("taker", "later"): 1_000_000,
        ("receipt", "rest"): 700_000,
    }
    leaves_mail: ClassVar[bool] = True

    def __init__(self, stage: Stage, size: int) -> None:
        super().__init__(stage, size)
        self.items: dict[str, int] = {}
        self.takers: set[str] = set()
        self.seats: dict[str, list[int]] = {}
        self.retried: set[tuple[str, str]] = set()
        """Who (ref, who) asked again: what was asked first may be done after all, and late."""
        self.strays: dict[str, int] = {}
        """How often a callback for nobody was sent, of those that were acknowledged."""

    def definitions(self) -> list[Definition]:
        return _definitions()

    def clients(self) -> list[Coroutine[Any, Any, None]]:
        numbers = range(self.size)
        clients = [self._item(f"i{number}", number) for number in numbers]
        clients += [self._taker(f"t{number}") for number in numbers]
        clients += [self._seat(f"s{number}") for number in numbers[::3]]
        clients += [self._stray(f"nobody-{number}") for number in numbers[::3]]
        return clients

    async def _submit(self, process: str, ref: str, data: dict[str, Any], who: str) -> None:
        once = Once(f"{process} {ref} {who}", who)
        asked = 0

        async def ask(workspace: Workspace) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                self.retried.add((ref, who))
            await workspace.submit(process, dict(data), ref, once=once)

        await self.stage.until_done(ask)
        self.stage.note(f"accepted {process} {ref}")

    async def _item(self, ref: str, number: int) -> None:
        await self._submit("item", ref, {"number": number}, "")
        self.items[ref] = number

    async def _taker(self, ref: str) -> None:
        await self._submit("taker", ref, {}, "")
        self.takers.add(ref)

    async def _seat(self, ref: str) -> None:
        """Several ask for the seat at once; who has it gives it back when all were answered."""
        have = await asyncio.gather(*(self._rival(ref, who) for who in range(RIVALS)))
        self.seats[ref] = [who for who in range(RIVALS) if have[who]]
        self.stage.note(f"{ref} is had by {self.seats[ref]}")
        await self.stage.until_done(lambda workspace: self._give_back(workspace, ref))

    async def _rival(self, ref: str, who: int) -> bool:
        await asyncio.sleep(self.stage.chance.random())
        try:
            await self._submit("seat", ref, {"who": who}, f"{who}")
        except RefTaken:
            return False
        return True

    @staticmethod
    async def _give_back(workspace: Workspace, ref: str) -> None:
        """Gives it back once it waits: before, new data would not make it go on."""
        if (await workspace.task("seat", ref)).state is TaskState.READY:
            raise Busy("it does not wait yet")
        try:
            await workspace.modify("seat", ref, {"is_free": True})
        except NotPossible:  # it had been given back, and the answer was lost
            return

    async def _stray(self, ref: str) -> None:
        """Sends a callback to a task that never comes."""
        sent = 0

        async def send(workspace: Workspace) -> Delivery:
            nonlocal sent
            sent += 1
            callback = Callback(
                "seat", "wait", "", ref, {"id": ref},
                is_sync=False, keep_us=KEPT_US, event_key=ref,
            )  # fmt: skip
            return await workspace.deliver(callback)

        delivery = await self.stage.until_done(send)
        self.strays[ref] = sent
        self.stage.note(f"callback {ref} {delivery}")

    def check(self, seen: Seen) -> Iterator[str]:
        """Each item has one taker and one receipt, each seat one owner; strays are visible."""
        yield from self._check_queue(seen)
        for ref, owners in self.seats.items():
            found = [task for task in seen.tasks["seat"] if task.ref == ref]
            given = Counter(task.data["who"] for task in found)
            late = {who for who in range(RIVALS) if (ref, f"{who}") in self.retried}
            if len(owners) != 1 or given[owners[0]] != 1 or not given <= Counter({*owners, *late}):
                yield f"{ref} was given to {owners}, there are {found}"
            for task in found:
                if task.node != "free" and task.data["who"] in owners:
                    yield f"{ref} ended in {task.node}"
        visible = Counter(kept.ref for kept in seen.undelivered)
        for ref, count in (visible | Counter(self.strays)).items():
            if not 1 <= visible[ref] <= self.strays.get(ref, 0):
                yield f"{ref} was sent {count} times and is undelivered {visible[ref]} times"

    def _check_queue(self, seen: Seen) -> Iterator[str]:
        for process, refs in (("item", set(self.items)), ("taker", self.takers)):
            there = Counter(task.ref for task in seen.tasks[process])
            if there != Counter(list(refs)):
                yield f"accepted were {process}s {sorted(refs)}, there are {sorted(there)}"
        items = Counter(self.items.values())
        for task in (*seen.tasks["item"], *seen.tasks["taker"], *seen.tasks["receipt"]):
            if task.state is not TaskState.SUCCESS:
                yield f"{task.process} {task.ref} ended {task.state} in {task.node}: {task.data}"
        taken = Counter(
            task.data.get("__queue_task_data__", {}).get("number") for task in seen.tasks["taker"]
        )
        receipts = Counter(task.data.get("number") for task in seen.tasks["receipt"])
        if not items == taken == receipts:
            yield f"of the items {items} were taken {taken}, with receipts {receipts}"


@cache
def _definitions() -> list[Definition]:
    return read(ITEM, TAKER, RECEIPT, SEAT)
