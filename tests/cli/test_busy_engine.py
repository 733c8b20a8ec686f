"""Rows of a CSV file that a busy engine refuses are sent again, and only those."""

import pytest

from engine.cli import submit
from engine.cli.table import Row
from engine.errors import Busy, EngineUnreachable, RefTaken


class Engine:
    """Answers as it is told, and keeps what it was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    async def submit_many(self, process, items):
        self.sent.append([ref for ref, _ in items])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(submit, "BUSY_S", 0)


def rows(*refs):
    return [Row(at, ref, {}) for at, ref in enumerate(refs, start=2)]


async def test_what_was_refused_as_busy_is_sent_again_and_nothing_else():
    engine = Engine([{}, Busy(), RefTaken("taken"), Busy()], Busy(), [{}, Busy()], [{}])

    reasons = await submit._submit_part(engine, "p", rows("a", "b", "c", "d"))

    assert reasons == ["", "", "taken", ""]
    assert engine.sent == [["a", "b", "c", "d"], ["b", "d"], ["b", "d"], ["d"]]


async def test_an_engine_that_stays_busy_is_believed_in_the_end(monkeypatch):
    monkeypatch.setattr(submit, "BUSY_TIMES", 2)
    engine = Engine(*[[Busy("too much")]] * 3)

    assert await submit._submit_part(engine, "p", rows("a")) == ["too much"]


async def test_a_row_that_can_not_be_read_is_not_sent():
    engine = Engine([{}])

    reasons = await submit._submit_part(engine, "p", [Row(2, "", {}, "it has 1 cells"), *rows("b")])

    assert (reasons, engine.sent) == (["it has 1 cells", ""], [["b"]])


async def test_an_engine_that_can_not_be_reached_ends_the_command():
    with pytest.raises(EngineUnreachable):
        await submit._submit_part(Engine(EngineUnreachable()), "p", rows("a"))
