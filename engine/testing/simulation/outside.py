"""The service that orders call: it may answer, fail, or act and say nothing; then it calls back."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from engine.core.command import CallFailed, CallFailure, CallResult, HttpAnswer, HttpCall

CALLBACKS = 3
Deliver = Callable[[str, int], Awaitable[None]]
"""Hands a callback (ref, number) to some engine; returns when it was acknowledged."""


class Service:
    """Acts once a key, whatever becomes of its answers."""

    def __init__(self, chance: Random, deliver: Deliver, *, trouble: float) -> None:
        self._chance = chance
        self._deliver = deliver
        self._trouble = trouble
        self._begun: set[asyncio.Task[None]] = set()
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.acted: dict[str, str] = {}
        self.unknown: dict[str, str] = {}
        self.broken_promises: list[str] = []

    async def perform(self, call: HttpCall) -> CallResult:
        """Answers a call after a while."""
        ref = call.url.rpartition("/")[2]
        key = next((value for name, value in call.headers if name == "Idempotency-Key"), "")
        self._note(ref, key)
        await asyncio.sleep(self._chance.random() * 0.3)
        if ref not in self.acted and self._chance.random() < self._trouble:
            return HttpAnswer(503, (), b"")
        self._act(ref, key)
        await asyncio.sleep(self._chance.random() * 0.3)
        if self._chance.random() < self._trouble:
            return CallFailed(CallFailure.TIMEOUT, "no answer in time")
        body = msgspec.json.encode({"told": ref})
        return HttpAnswer(200, (("content-type", "application/json"),), body)

    def heard(self, call: HttpCall) -> None:
        """Notes that an engine has the result of a call: what it does next is a call of its own."""
        self.unknown.pop(call.url.rpartition("/")[2], None)

    def _note(self, ref: str, key: str) -> None:
        """A call whose answer is unknown may be made again, but with the same key."""
        before = self.unknown.get(ref)
        if before is not None and before != key:
            self.broken_promises.append(f"the call of {ref} was repeated with another key")
        self.unknown[ref] = key
        self.keys[ref].append(key)

    def _act(self, ref: str, key: str) -> None:
        if ref not in self.acted:
            self.acted[ref] = key
            calling = asyncio.get_running_loop().create_task(self._call_back(ref))
            self._begun.add(calling)

    async def _call_back(self, ref: str) -> None:
        """Calls back in order, some twice, the first perhaps before the answer to the call."""
        for number in range(CALLBACKS):
            await asyncio.sleep(self._chance.random())
            await self._deliver(ref, number)
            if self._chance.random() < self._trouble:
                await self._deliver(ref, number)

    async def rest(self) -> None:
        """Waits until every callback was acknowledged."""
        while open_ := [each for each in self._begun if not each.done()]:
            await asyncio.wait(open_)
        for each in self._begun:
            each.result()
