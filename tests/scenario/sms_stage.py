"""An engine in virtual time that sends SMS, and can be killed; what it asks of Twilio is played.

A kill is what the machine sees of one: nothing more is written, no lock is held, and what was in
memory is gone. The next engine opens the same file.
"""

import asyncio
import shutil
from pathlib import Path

from engine.core.message import Callback
from engine.definition import load_files, read_definition
from engine.definition.catalog import Catalog
from engine.runtime.engine import Engine
from engine.settings import Settings
from engine.store.interface import TaskQuery
from engine.store.opening import open_store
from engine.testing.world import VirtualClock
from engine.web.callbacks import twilio
from engine.workspace import Workspace

SMS = Path(__file__).parents[2] / "processes" / "sms"
ACCOUNT = "AC00112233445566778899aabbccddeeff"
TOKEN = "0123456789abcdef0123456789abcdef"
SENDER = "+15005550006"
PUBLIC_URL = "https://engine.example"
HOUR = 3600
DAY = 24 * HOUR
FINAL = {"delivered", "undelivered", "failed", "canceled", "read", "partially_delivered"}

# Compiled once for all the engines that start on copies of a database: half of a start.
GRAPHS = {}

CALLER = """
process: caller
nodes:
  start: {type: start, next: ask}
  ask:
    type: call_process
    process: sending-sms
    data:
      AccountSid: "{{ env.TWILIO_ACCOUNT_SID }}"
      AuthToken: "{{ env.TWILIO_AUTH_TOKEN }}"
      number_from: "{{ env.TWILIO_NUMBER }}"
      number_to: "{{ to }}"
      body: "{{ text }}"
    timeout: {after: 7d, next: no_reply}
    next: replied
    error: exception
  replied: {type: end}
  exception: {type: end, result: error}
  no_reply: {type: end, result: error}
"""


class Mortal:
    """A store whose engine can die at a commit: before it, or when it is safe on disk."""

    def __init__(self, store):
        self._store = store
        self.dies = ""
        self.is_dead = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def commit(self, batch):
        if self.dies == "before":
            await self._die()
        await self._store.commit(batch)
        if self.dies == "after":
            await self._die()

    async def _die(self):
        self.is_dead.set()
        await asyncio.Event().wait()

    def bury(self):
        """Lets go of the file as the system does for a process that is gone."""
        self._store._thread.shutdown()
        self._store._engine.dispose()
        self._store._reader.close()
        self._store._writer.close()
        self._store._release()


class Stage:
    """Engine, clock and database; `perform` plays Twilio."""

    def __init__(self, folder, database, perform):
        self.clock = VirtualClock()
        self.perform = perform
        self.database = database
        self.settings = Settings(
            database=f"sqlite:///{folder}/engine.db",
            key_file=f"{database}.key",
            public_url=PUBLIC_URL,
            variables={
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_AUTH_TOKEN": TOKEN,
                "TWILIO_NUMBER": SENDER,
            },
        )
        shutil.copy(database, f"{folder}/engine.db")

    async def open(self):
        self.store = Mortal(
            await open_store(self.settings.database, key_file=self.settings.key_file)
        )
        self.engine = Engine(self.settings, self.store, self.clock, FixedChance(), self.perform)
        self.engine.deployments.versions._graphs = GRAPHS.setdefault(self.database, {})
        await self.engine.deployments.load(self.store)
        self.workspace = Workspace(self.settings, self.store, self.engine, None)
        await self.workspace.start()
        await self.settle()

    async def close(self):
        await self.kill()

    async def kill(self):
        """Ends the engine at once: what it was about to do is not done."""
        parts = [*self.engine._running, *self.engine._calls._out.values()]
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        self.engine._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # the scheduler ends itself in the loop
        self.store.bury()

    async def restart(self):
        """Kills the engine and starts another one on what is on disk."""
        await self.kill()
        self.clock.advance(1)  # no machine starts a process in no time
        await self.open()

    async def settle(self):
        """Lets everything happen that needs neither time nor Twilio, or the engine die of it."""
        dead = asyncio.ensure_future(self.store.is_dead.wait())
        for _ in range(3):
            for _ in range(8):
                await asyncio.sleep(0)
            rest = asyncio.ensure_future(self.engine._loop.rest())
            await asyncio.wait({rest, dead}, return_when=asyncio.FIRST_COMPLETED)
            rest.cancel()
        dead.cancel()

    async def advance(self, seconds):
        """Lets time pass from one timer to the next."""
        await self.settle()
        until = self.clock.now() + round(seconds * 1_000_000)
        while not self.store.is_dead.is_set() and (due := await self._next_due(until)):
            self.clock.advance(max(due - self.clock.now(), 0) / 1_000_000)
            await self.settle()
        if self.clock.now() < until:
            self.clock.advance((until - self.clock.now()) / 1_000_000)
        await self.settle()

    async def _next_due(self, until):
        due = await self.store.due(until + 1, 1)
        return due[0].due if due else None

    async def submit(self, text="Hello", to="+15551234567"):
        """Has a caller send an SMS; gives the caller's task id."""
        answer = await self.workspace.submit("caller", {"to": to, "text": text})
        await self.settle()
        return answer.task.task_id

    async def submit_and_die(self, dies, text="Hello", to="+15551234567"):
        """Has the engine die at the commit that takes an order: before it or after it."""
        self.store.dies = dies
        data = {"to": to, "text": text}
        submitting = asyncio.ensure_future(self.workspace.submit("caller", data, "unanswered"))
        await self.settle()
        submitting.cancel()
        await self.restart()

    async def sender(self, caller):
        """Finds the task that sends for this caller."""
        for task in await self.tasks("sending-sms"):
            if task.memo.caller.task_id == caller:
                return task
        return None

    async def tasks(self, process):
        return await self.workspace.tasks(TaskQuery(process, limit=100))

    async def task(self, process, ref):
        return await self.workspace.task(process, ref)

    async def path(self, task):
        return [step.node for step in await self.workspace.history(task)]

    async def report(self, sid, status, **more):
        """Twilio calls back; gives what became of it."""
        delivery = await self.workspace.deliver(callback(sid, status, **more))
        await self.settle()
        return delivery

    async def ended(self, caller):
        """Gives caller and sender once both have ended, each in the node it ended in."""
        asked = await self.task("caller", caller)
        sent = await self.sender(caller)
        return asked, sent

    def title(self, task):
        return self.workspace.view(task)["node_title"]

    async def expire(self):
        """Does what the engine does every five seconds: gives up what nobody took in time."""
        await self.engine._housekeeping.expire()
        await self.settle()


class FixedChance:
    """Chance that is the same in every run."""

    def getrandbits(self, k):
        return (1 << k) // 3


def callback(sid, status, error_code=None):
    """What the engine's door for Twilio makes of a post, without the post."""
    form = {
        "SmsSid": sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": SENDER,
        "To": "+15551234567",
        "ApiVersion": "2010-04-01",
    }
    if error_code is not None:
        form["ErrorCode"] = str(error_code)
    rank = twilio.READ if status == "read" else twilio.RANKS.get(status, twilio.FINAL)
    return Callback(
        "getting-callback", "callback", "", sid, form, is_sync=False, keep_us=twilio.KEEP_US,
        event_key=f"{sid}:{status}", rank=rank,
    )  # fmt: skip


async def make_database(file):
    """Makes a database with the processes in force: to copy it costs less than to make another."""
    workspace = await Workspace.open(Settings(database=f"sqlite:///{file}"))
    loaded = load_files([SMS])
    assert not loaded.faults
    caller, faults = read_definition(CALLER, "caller.yaml", Catalog.installed())
    assert not faults
    await workspace.deploy([*loaded.definitions, caller])
    await workspace.stop()
