"""The simulation finds faults: each of these, put in on purpose, breaks a promise within some seeds."""

import pytest

from engine.core import mailbox
from engine.core.batch import Answer, Delivery
from engine.core.node import Visit
from engine.runtime.engine import Engine
from engine.runtime.loop import Loop
from engine.testing.simulation.disk import Disk
from engine.testing.simulation.handle import Handle
from engine.testing.simulation.run import play

ENOUGH = 150

pytestmark = pytest.mark.slow


def found():
    """What the first seed that fails says."""
    for seed in range(ENOUGH):
        outcome = play(seed)
        if outcome.broken:
            return "\n".join(outcome.broken)
    raise AssertionError(f"{ENOUGH} seeds found nothing")


def test_a_database_that_forgets_what_it_was_given_is_found(monkeypatch):
    commit = Disk.commit

    async def forgets(self, batch, token, *, holds):
        if batch.now % 20:
            await commit(self, batch, token, holds=holds)

    monkeypatch.setattr(Disk, "commit", forgets)

    assert found()


def test_a_recovery_that_takes_nothing_on_is_found(monkeypatch):
    async def nothing(self):
        """Takes nothing on."""

    monkeypatch.setattr(Engine, "_recover", nothing)

    assert "does not end" in found()


def test_a_commit_without_an_answer_that_is_taken_for_none_is_found(monkeypatch):
    monkeypatch.setattr(Engine, "_after_doubt", lambda self, batch: None)

    assert "does not end" in found()


def test_an_acknowledgement_before_the_commit_is_found(monkeypatch):
    turn = Loop._turn

    async def hasty(self, messages):
        for message in messages:
            ticket = getattr(message, "ticket", None)
            if ticket is not None and not ticket.done() and getattr(message, "event_key", ""):
                ticket.set_result(Answer(ticket, delivery=Delivery.TAKEN))
        await turn(self, messages)

    monkeypatch.setattr(Loop, "_turn", hasty)

    assert found()


def test_a_callback_that_counts_twice_is_found(monkeypatch):
    place = mailbox.place

    def forgetful(ledger, live, callback):
        if live is not None:
            live.task.memo.seen.clear()
        return place(ledger, live, callback)

    monkeypatch.setattr(mailbox, "place", forgetful)

    assert "took the callbacks" in found()


def test_a_call_that_is_repeated_under_another_key_is_found(monkeypatch):
    numbers = iter(range(10**9))
    monkeypatch.setattr(Visit, "key", property(lambda self: f"{next(numbers)}"))

    assert "with another key" in found()


def test_a_dead_engines_tasks_that_nobody_frees_are_found(monkeypatch):
    monkeypatch.setattr(Disk, "bury", lambda self, me: None)

    assert "does not end" in found()


def test_work_that_two_engines_take_at_once_is_found(monkeypatch):
    async def greedy(self, limit):
        return await self._disk.store.walks(2**62, "", limit) if self.is_shared else []

    monkeypatch.setattr(Handle, "claim", greedy)

    assert found()
