"""The simulation finds faults: each of these, put in on purpose, breaks a promise within some seeds."""

import dataclasses

import pytest

from engine.core import mailbox
from engine.core.batch import Answer, Delivery, Wants
from engine.core.message import Continue
from engine.core.node import Visit
from engine.core.task import TaskState
from engine.runtime.engine import Engine
from engine.runtime.housekeeping import Housekeeping
from engine.runtime.loop import Loop
from engine.testing.simulation.disk import Disk
from engine.testing.simulation.handle import Handle
from engine.testing.simulation.orders import Orders
from engine.testing.simulation.run import play
from engine.testing.simulation.sms import Sms
from engine.testing.simulation.stock import Stock

ENOUGH = 300

pytestmark = pytest.mark.slow


def is_found(plot=Orders, *, as_what=""):
    """Whether a seed fails and says this; the first one that fails may well say something else."""
    stories = (play(seed, plot).broken for seed in range(ENOUGH))
    return any(broken and as_what in "\n".join(broken) for broken in stories)


def test_a_database_that_forgets_what_it_was_given_is_found(monkeypatch):
    commit = Disk.commit

    async def forgets(self, batch, token, *, holds):
        if batch.now % 20:
            await commit(self, batch, token, holds=holds)

    monkeypatch.setattr(Disk, "commit", forgets)

    assert is_found()


def test_a_recovery_that_takes_nothing_on_is_found(monkeypatch):
    async def nothing(self):
        """Takes nothing on."""

    monkeypatch.setattr(Engine, "_recover", nothing)

    assert is_found(as_what="does not end")


def test_a_commit_without_an_answer_that_is_taken_for_none_is_found(monkeypatch):
    monkeypatch.setattr(Engine, "_after_doubt", lambda self, batch: None)

    assert is_found(as_what="does not end")


def test_an_acknowledgement_before_the_commit_is_found(monkeypatch):
    turn = Loop._turn

    async def hasty(self, messages):
        for message in messages:
            ticket = getattr(message, "ticket", None)
            if ticket is not None and not ticket.done() and getattr(message, "event_key", ""):
                ticket.set_result(Answer(ticket, delivery=Delivery.TAKEN))
        await turn(self, messages)

    monkeypatch.setattr(Loop, "_turn", hasty)

    assert is_found()


def test_a_callback_that_counts_twice_is_found(monkeypatch):
    place = mailbox.place

    def forgetful(ledger, live, callback):
        if live is not None:
            live.task.memo.seen.clear()
        return place(ledger, live, callback)

    monkeypatch.setattr(mailbox, "place", forgetful)

    assert is_found(as_what="took the callbacks")


def test_a_call_that_is_repeated_under_another_key_is_found(monkeypatch):
    numbers = iter(range(10**9))
    monkeypatch.setattr(Visit, "key", property(lambda self: f"{next(numbers)}"))

    assert is_found(as_what="with another key")


def test_a_dead_engines_tasks_that_nobody_frees_are_found(monkeypatch):
    monkeypatch.setattr(Disk, "bury", lambda self, me: None)

    assert is_found(as_what="does not end")


def test_work_that_two_engines_take_at_once_is_found(monkeypatch):
    async def greedy(self, limit):
        return await self._disk.store.walks(2**62, "", limit) if self.is_shared else []

    monkeypatch.setattr(Handle, "claim", greedy)

    assert is_found(Sms, as_what="asked for twice")


def test_a_database_that_writes_twice_is_found(monkeypatch):
    commit = Disk.commit

    async def stammers(self, batch, token, *, holds):
        await commit(self, batch, token, holds=holds)
        again = dataclasses.replace(
            batch, created=[], changed=[], deleted=[], updated_kept=[], taken=[], remembered=[]
        )
        if batch.kept or batch.now % 20 == 0:
            kept = [
                dataclasses.replace(each, message_id=f"{each.message_id}+") for each in batch.kept
            ]
            await self.store.commit(dataclasses.replace(again, histories=[], kept=kept))

    monkeypatch.setattr(Disk, "commit", stammers)

    assert is_found(Orders)
    assert is_found(Stock)


async def newest_revisions(disk, tasks):
    """Tasks as if they had been read just now."""
    there = (await disk.store.load(Wants(ids={task.task_id for task in tasks}))).tasks
    return [
        dataclasses.replace(task, revision=there[task.task_id].revision)
        for task in tasks
        if task.task_id in there
    ]


@pytest.mark.parametrize("plot", [Orders, Stock, Sms])
def test_a_database_that_lets_the_late_writer_win_is_found(monkeypatch, plot):
    async def careless(self, batch, token, *, holds):
        batch.changed[:] = await newest_revisions(self, batch.changed)
        if token is not None:
            self.leases.setdefault(token, 0)
        await commit(self, batch, token, holds=holds)

    commit = Disk.commit
    monkeypatch.setattr(Disk, "commit", careless)

    assert is_found(plot)


@pytest.mark.parametrize("plot", [Orders, Sms])
def test_a_recovery_that_passes_over_calls_is_found(monkeypatch, plot):
    walks, claim = Handle.walks, Handle.claim

    async def ready(self, before, after, limit):
        given = await walks(self, before, after, limit)
        return [each for each in given if each.state is TaskState.READY]

    async def claim_ready(self, limit):
        given = await claim(self, limit)
        return [each for each in given if each.state is TaskState.READY]

    monkeypatch.setattr(Handle, "walks", ready)
    monkeypatch.setattr(Handle, "claim", claim_ready)

    assert is_found(plot, as_what="does not end")


def test_a_call_in_doubt_that_is_made_again_is_found(monkeypatch):
    monkeypatch.setattr(Continue, "call_was_out", property(lambda _: False, lambda *_: None))

    assert is_found(Sms, as_what="asked for twice")


def test_mail_that_is_never_given_up_is_found(monkeypatch):
    async def nothing(self):
        """Gives nothing up."""

    monkeypatch.setattr(Housekeeping, "expire", nothing)

    assert is_found(Stock, as_what="mail that nobody took")


def test_an_idempotency_key_that_is_forgotten_is_found(monkeypatch):
    load = Handle.load

    async def forgets(self, wants):
        answer = await load(self, wants)
        answer.once = {}
        return answer

    monkeypatch.setattr(Handle, "load", forgets)

    assert is_found(Stock)


def test_a_queue_that_two_take_from_is_found(monkeypatch):
    commit = Disk.commit

    async def blind(self, batch, token, *, holds):
        queued = [task for task in batch.changed if task.process == "item"]
        batch.changed[:] = [
            *(task for task in batch.changed if task.process != "item"),
            *await newest_revisions(self, queued),
        ]
        await commit(self, batch, token, holds=holds)

    monkeypatch.setattr(Disk, "commit", blind)

    assert is_found(Stock)
