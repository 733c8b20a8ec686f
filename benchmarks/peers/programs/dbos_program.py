"""DBOS behind HTTP: asynchronous workflows, the call out as a step, the callback as a message."""

import asyncio
from collections import Counter
from time import perf_counter
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.peers.jobs import Job, is_good, work_out
from benchmarks.peers.programs.answering import (
    DATABASE,
    FINAL,
    Provider,
    callback_url,
    serve,
)

TOPIC = "status"
WAIT_S = 600
AT_ONCE = 16

ended: Counter[str] = Counter()
provider = Provider()
DBOS(config=DBOSConfig(name="bench", system_database_url=DATABASE, run_admin_server=False))


@DBOS.workflow()
async def pure(number: int) -> str:
    """Works out and checks: nothing in it needs a step, since it gives the same every time."""
    task = work_out(number)
    ended[Job.PURE] += 1
    return "done" if is_good(task) else "failed"


@DBOS.step()
async def send(task: dict[str, Any], flow: str) -> dict[str, str]:
    """Asks the provider, once for each workflow unless it is killed meanwhile."""
    return await provider.send(task, callback_url(flow))


@DBOS.workflow()
async def sms(task: dict[str, Any]) -> dict[str, str]:
    """Sends and waits for the callback that is final."""
    message = await send(task, DBOS.workflow_id or "")
    status = await DBOS.recv_async(TOPIC, timeout_seconds=WAIT_S)
    ended[Job.SMS] += 1
    return {**message, "status": str(status)}


async def begin() -> None:
    """Launches DBOS; it goes on with what a process before left."""
    DBOS.launch()


async def submit_pure(given: dict[str, Any]) -> None:
    """Starts a pure task; it is safe when this is answered."""
    await DBOS.start_workflow_async(pure, given["number"])


async def submit_sms(given: dict[str, Any]) -> None:
    """Starts an SMS flow."""
    with SetWorkflowID(f"sms-{given['number']}"):
        await DBOS.start_workflow_async(sms, given)


async def callback(given: dict[str, Any]) -> None:
    """Hands a final status to its flow; one that is not final is answered and dropped."""
    if given["MessageStatus"] == FINAL:
        await DBOS.send_async(given["flow"], FINAL, TOPIC)


async def how_many(_: dict[str, Any]) -> dict[str, int]:
    """Counts what ended in this process."""
    return dict(ended)


async def numbers(_: dict[str, Any]) -> list[int]:
    """Gives the numbers of the flows that ended, from the database."""
    found = await DBOS.list_workflows_async(name=sms.__qualname__, status="SUCCESS")
    return [int(each.workflow_id.removeprefix("sms-")) for each in found]


async def in_process(given: dict[str, Any]) -> float:
    """Runs pure tasks without HTTP; gives the seconds it took."""
    left = iter(range(int(given["tasks"])))

    async def work() -> None:
        for number in left:
            await pure(number)

    started = perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return perf_counter() - started


if __name__ == "__main__":
    serve(
        {
            "/pure": submit_pure,
            "/sms": submit_sms,
            "/callback": callback,
            "/ended": how_many,
            "/numbers": numbers,
            "/in_process": in_process,
        },
        begin,
    )
