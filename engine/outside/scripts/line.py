"""Who runs next: each script in turn, however many tasks stand before one of them.

Small scripts that were quick before go out several at a time. Slow ones, and those that nobody
has seen run, never take the last worker: a script that needs its whole time limit each time holds
up only its like.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from engine.core.command import ScriptResult
from engine.outside.scripts.frame import Job

BATCH = 8
QUICK_S = 0.005
SLOW_S = 0.05
REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class Waiting:
    """A job whose answer somebody waits for."""

    job: Job
    answer: asyncio.Future[ScriptResult]
    deaths: int = 0
    """How many workers ended in its hands without having answered."""

    @property
    def script(self) -> bytes:
        """What tells scripts apart."""
        return self.job.source


@dataclass(slots=True)
class Line:
    """The jobs that no worker has yet."""

    workers: int
    _lanes: OrderedDict[bytes, deque[Waiting]] = field(default_factory=OrderedDict)
    _took_s: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    _slow: set[Waiting] = field(default_factory=set)
    _length: int = 0

    def __len__(self) -> int:
        return self._length

    def put(self, waiting: Waiting, *, is_first: bool = False) -> None:
        """Adds a job behind those of its script, or before them."""
        lane = self._lanes.setdefault(waiting.script, deque())
        if is_first:
            lane.appendleft(waiting)
        else:
            lane.append(waiting)
        self._length += 1

    def take(self) -> list[Waiting]:
        """Takes what one worker shall do next; nothing if there is nothing for it."""
        taken: list[Waiting] = []
        share = min(BATCH, -(-self._length // self.workers))
        for script in list(self._lanes):
            lane = self._lanes[script]
            before = self._length
            while lane and len(taken) < share and self._fits(script, taken):
                waiting = lane.popleft()
                self._length -= 1
                if not waiting.answer.done():
                    taken.append(waiting)
            if not lane:
                del self._lanes[script]
            elif self._length < before:
                self._lanes.move_to_end(script)
            if len(taken) >= share or (taken and not self._is_quick(taken[-1].script)):
                break
        self._slow.update(waiting for waiting in taken if self._is_slow(waiting.script))
        return taken

    def gave(self, waiting: Waiting, took_s: float | None) -> None:
        """Notes that a worker has a job no more, and how long its script took."""
        self._slow.discard(waiting)
        if took_s is None:
            return
        self._took_s[waiting.script] = took_s
        self._took_s.move_to_end(waiting.script)
        if len(self._took_s) > REMEMBERED:
            self._took_s.popitem(last=False)

    def drain(self) -> list[Waiting]:
        """Takes everything out."""
        left = [waiting for lane in self._lanes.values() for waiting in lane]
        self._lanes.clear()
        self._length = 0
        return left

    def _fits(self, script: bytes, taken: list[Waiting]) -> bool:
        if self._is_slow(script):
            return not taken and len(self._slow) < max(self.workers - 1, 1)
        return not taken or self._is_quick(script)

    def _is_quick(self, script: bytes) -> bool:
        return self._took_s.get(script, QUICK_S) < QUICK_S

    def _is_slow(self, script: bytes) -> bool:
        return self._took_s.get(script, SLOW_S) >= SLOW_S
