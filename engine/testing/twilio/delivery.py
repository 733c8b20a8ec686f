"""Takes messages through the steps of their plans."""

import asyncio
from collections.abc import Coroutine, Sequence

from engine.testing.twilio.courier import Courier, Report
from engine.testing.twilio.messages import Message, Status
from engine.testing.twilio.plans import Step
from engine.testing.twilio.scheduler import Scheduler

# The sender that every messaging service chooses.
POOL_NUMBER = "+15005550006"


class Delivery:
    """Runs plans on a scheduler: one timer for each message that still has a step before it."""

    def __init__(self, scheduler: Scheduler, courier: Courier) -> None:
        self._scheduler = scheduler
        self._courier = courier
        self._running: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def start(self, message: Message, steps: Sequence[Step]) -> None:
        """Runs the steps, each at its time."""
        if steps:
            self._scheduler.call_later(steps[0].after_s, self._take, message, steps, 0)

    async def run(self, message: Message, steps: Sequence[Step]) -> None:
        """Runs the steps without their delays, each after the callbacks of the one before."""
        for step in steps:
            self._change(message, step)
            await asyncio.gather(*self._callbacks(message, step))

    def announce(self, message: Message, status: Status) -> None:
        """Makes a callback that is not a step of the plan."""
        self._spawn(self._courier.deliver(message, self._courier.write(status)))

    async def close(self) -> None:
        """Ends the callbacks that are out and begins no others."""
        self._is_closed = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _take(self, message: Message, steps: Sequence[Step], index: int) -> None:
        if message.is_stopped or self._is_closed:
            return
        step = steps[index]
        self._change(message, step)
        for callback in self._callbacks(message, step):
            self._spawn(callback)
        following = index + 1
        if following < len(steps):
            delay_s = steps[following].after_s
            self._scheduler.call_later(delay_s, self._take, message, steps, following)

    def _change(self, message: Message, step: Step) -> None:
        if step.becomes is None:
            return
        if step.becomes is Status.QUEUED and message.sender is None:
            message.sender = POOL_NUMBER
        message.move(step.becomes, self._scheduler.now(), step.error_code)

    def _callbacks(self, message: Message, step: Step) -> list[Coroutine[None, None, None]]:
        if step.reports is None or message.callback is None:
            return []
        report = self._courier.write(step.reports, step.error_code)
        if step.is_forged_first:
            return [self._deliver_forged_first(message, report)]
        return [self._courier.deliver(message, report) for _ in range(step.times)]

    async def _deliver_forged_first(self, message: Message, report: Report) -> None:
        await self._courier.deliver(message, report, is_forged=True)
        await self._courier.deliver(message, report)

    def _spawn(self, callback: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(callback)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
