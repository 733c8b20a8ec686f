"""What the benchmark measures, one function a measurement."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode, urlsplit

from engine.cli.bench_stage import ACCOUNT, TOKEN, Stage, sms, submission, submissions
from engine.cli.client import Listing
from engine.cli.examples import example_folder
from engine.cli.load import Request
from engine.cli.machine import cpu_seconds
from engine.core.task import TaskStatus
from engine.settings import Settings
from engine.testing.twilio.signature import sign
from engine.workspace import Workspace

Numbers = dict[str, float]
PURE, CALLBACK, SENDING, REPORTS = "bench-pure", "bench-callback", "sending-sms", "getting-callback"
AT_ONCE, WORKERS = 500, 4
A_REQUEST = 100
ACKS_PER_SECOND, ACKS = 20, 300
CALLBACKS_PER_SECOND, CALLBACKS = 40, 400
LATE = 2_000
FORM = "application/x-www-form-urlencoded"


async def pure_in_process(folder: Path, tasks: int) -> float:
    """Counts pure tasks a second, submitted in the engine's own process."""
    workspace = await Workspace.open(Settings(database=f"sqlite:///{folder / 'pure.db'}"))
    try:
        await workspace.deploy_folder([example_folder("bench")])
        await workspace.start()
        left = iter(range(tasks))

        async def submit() -> None:
            while numbers := list(itertools.islice(left, AT_ONCE)):
                await workspace.submit_many(PURE, [("", {"number": n}, None) for n in numbers])

        started = perf_counter()
        await asyncio.gather(*(submit() for _ in range(WORKERS)))
        return tasks / (perf_counter() - started)
    finally:
        await workspace.stop()


async def pure_over_http(stage: Stage, tasks: int) -> Numbers:
    """Counts pure tasks a second over HTTP: a request each, and a hundred a request."""
    data = [{"number": number} for number in range(tasks)]
    single = await stage.send([submission(PURE, each) for each in data])
    parts = [data[at : at + A_REQUEST] for at in range(0, tasks, A_REQUEST)]
    many = await stage.send([submissions(PURE, part) for part in parts], connections=8)
    return {
        "http_tasks_per_s": tasks / single.seconds,
        "http_batch_tasks_per_s": tasks / many.seconds,
    }


async def sms_flows(stage: Stage, flows: int) -> Numbers:
    """Counts SMS flows a second, and the engine's processor time for one.

    A flow is a submit over HTTP, a call to the simulator, a copy, two callbacks, a modification
    and the end of both tasks.
    """
    await _send_flows(stage, max(1, flows // 10))
    before, started = cpu_seconds(stage.engine.pid), perf_counter()
    await _send_flows(stage, flows)
    seconds, after = perf_counter() - started, cpu_seconds(stage.engine.pid)
    return {
        "flows_per_s": flows / seconds,
        "cpu_ms_per_flow": (after - before) / flows * 1000,
    }


async def late_callbacks(stage: Stage) -> float:
    """Counts callbacks a second for tasks that have ended, every second one a duplicate."""
    listing = Listing(REPORTS, status=TaskStatus.SUCCESS, limit=LATE // 2)
    sids = [task["ref"] for task in await stage.client.tasks(listing)]
    url = await stage.client.callback_url(REPORTS, "callback", "twilio")
    requests = [_callback(url, sid) for sid in sids for _ in range(2)]
    return len(requests) / (await stage.send(requests)).seconds


async def ack_latency(stage: Stage) -> Numbers:
    """Times the answer to a submit while little is going on."""
    requests = [sms(number) for number in range(ACKS)]
    found = await stage.send(requests, connections=8, per_second=ACKS_PER_SECOND)
    return {
        "ack_p50": percentile(found.latencies_ms, 0.5),
        "ack_p99": percentile(found.latencies_ms, 0.99),
    }


async def callback_latency(stage: Stage, flows_per_s: float) -> float:
    """Times callbacks under half of the load that the machine can take; gives the p99.

    A callback is answered when its task has gone on and that is safe on disk.
    """
    refs = [f"callback-{number}" for number in range(await stage.came(CALLBACK, "wait"), 10**6)]
    refs = refs[:CALLBACKS]
    await stage.send([submission(CALLBACK, {}, ref) for ref in refs])
    path = urlsplit(await stage.client.callback_url(CALLBACK, "wait", "")).path
    callbacks = [
        Request("POST", path, f'{{"ref": "{ref}"}}', {"Content-Type": "application/json"})
        for ref in refs
    ]
    rate = max(1.0, flows_per_s / 2)
    flows = [sms(number) for number in range(round(rate * CALLBACKS / CALLBACKS_PER_SECOND))]
    found, _ = await asyncio.gather(
        stage.send(callbacks, connections=8, per_second=CALLBACKS_PER_SECOND),
        stage.send(flows, per_second=rate),
    )
    return percentile(found.latencies_ms, 0.99)


def percentile(ordered: Sequence[float], part: float) -> float:
    """Gives the value below which that part of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


async def _send_flows(stage: Stage, flows: int) -> None:
    ended = await stage.came(SENDING, "sent")
    await stage.send([sms(number) for number in range(flows)])
    await stage.until(SENDING, "sent", ended + flows)


def _callback(url: str, sid: str) -> Request:
    form = {
        "MessageSid": sid, "SmsSid": sid, "MessageStatus": "delivered", "SmsStatus": "delivered",
        "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    headers = {"Content-Type": FORM, "X-Twilio-Signature": sign(TOKEN, url, form.items())}
    headers["I-Twilio-Idempotency-Token"] = f"late-{sid}"
    return Request("POST", urlsplit(url).path, urlencode(form), headers)
