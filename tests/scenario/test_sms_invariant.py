"""Whatever happens, each message is sent once and its task ends once, with what Twilio said first.

Promises 2, 3 and 4 of the runtime and the invariant of the SMS example, on a real database that
real engines die on. A failure prints the numbers that make it happen again, and the story.
"""

import asyncio
import gc
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sms_stage import DAY, HOUR
from sms_world import Choices, World

from engine.core.batch import Delivery

ENDS = {
    "sent",
    "exit_error_from_twilio",
    "exit_error_calling_api",
    "exit_status_is_empty",
    "exit_error_copying",
    "exit_status_unknown",
}
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


NUMBERS = st.integers(0, 5039)  # what is divided by up to ten without a rest is fair to each
STORIES = st.one_of(st.lists(NUMBERS, max_size=20), st.lists(NUMBERS, min_size=40, max_size=120))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(count=st.integers(1, 4), numbers=STORIES)
def test_every_message_is_sent_once_and_ends_once_with_its_first_final_status(
    database, count, numbers
):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        asyncio.run(play_and_check(folder, database, count, numbers))


async def play_and_check(folder, database, count, numbers):
    world = World(folder, database, Choices(numbers))
    try:
        await world.play(count)
        for text in world.callers:
            await check_message(world, text)
        await check_that_nothing_is_hidden(world)
    except BaseException:
        note("\n".join(world.story))
        raise
    finally:
        await world.stage.close()
        gc.unfreeze()  # an engine freezes what is there at its start; hundreds start here


async def check_message(world, text):
    """Sent at most once, ended once, told once, and told the truth."""
    stage = world.stage
    sender = await stage.sender(world.callers[text])
    sent = [sms for sms in world.messages if sms.text == text]
    ends = [node for node in await stage.path(sender) if node in ENDS]

    assert len(sent) <= 1, "sent twice"
    assert ends == [sender.node], "not one end"
    if sender.node in {"exit_error_from_twilio", "exit_error_calling_api"}:
        assert sent == [], "told as not sent"
        return
    (sms,) = sent
    assert sender.data["sid"] == sms.sid
    told = sender.data["status"] if sender.node == "sent" else ""
    assert told in world.first_final(sms.sid), "not the first final status"

    caller = await stage.task("caller", world.callers[text])
    assert caller.node == ("replied" if sender.node == "sent" else "exception")
    assert (caller.data["sid"], caller.data["status"]) == (sms.sid, sender.data["status"])


async def check_that_nothing_is_hidden(world):
    """Everything that the engine took from Twilio was used, overtaken, or can be seen."""
    stage = world.stage
    for _ in range(2):
        await stage.advance(DAY + HOUR)
        await stage.expire()
    left = {(kept.process, kept.ref) for kept in await stage.workspace.undelivered(limit=1000)}

    for sid, reports in world.reports.items():
        listeners = [task for task in await stage.tasks("getting-callback") if task.ref == sid]
        taken = [key for task in listeners for key in task.memo.seen]
        assert len(taken) == len(set(taken)), "a callback had an effect twice"
        for report in reports:
            is_used = f"{sid}:{report.status}" in taken
            is_overtaken = report.status in {"sending", "sent"} and listeners
            is_nothing = report.delivery in {None, Delivery.OVERTAKEN}
            assert is_used or is_overtaken or is_nothing or ("getting-callback", sid) in left
    assert stage.store._rows("SELECT 1 FROM message WHERE state = 'kept'") == []
    assert stage.workspace.meter.get("incidents", 0) == 0
    for process in ("caller", "sending-sms", "getting-callback"):
        assert all(task.is_finished for task in await stage.tasks(process))
