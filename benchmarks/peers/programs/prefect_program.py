"""Prefect behind HTTP: background tasks, as its documentation tells for web applications.

An SMS flow is two of them, the second one submitted by the callback: a background task cannot wait
for a message. Started with the word `work`, it is the task worker.
"""

import asyncio
import os
import sys
from typing import Any

import aiohttp
from prefect import task
from prefect.task_worker import serve as work

from benchmarks.peers.jobs import Job, is_good, work_out
from benchmarks.peers.programs.answering import FINAL, Provider, beside, callback_url, serve

MODULE = "benchmarks.peers.programs.prefect_program"
SERVER = os.environ["PREFECT_API_URL"]
NAMES = {Job.PURE: "pure-", Job.SMS: "finish-"}
PAGE = 200
CONCURRENCY = 16

provider = Provider()


@task(task_run_name="pure-{number}")
async def pure(number: int) -> str:
    """Works out and checks."""
    return "done" if is_good(work_out(number)) else "failed"


@task(task_run_name="send-{flow}", retries=3)
async def send(flow: int, given: dict[str, Any]) -> dict[str, str]:
    """Asks the provider; the flow goes on with the callback."""
    return await provider.send(given, callback_url(str(flow)))


@task(task_run_name="finish-{flow}", retries=3)
async def finish(flow: int, status: str) -> str:
    """Ends a flow."""
    return f"{flow} {status}"


async def begin() -> None:
    """Starts the server and the worker."""
    port = os.environ["PEER_SERVER_PORT"]
    await beside("prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    async with aiohttp.ClientSession() as session:
        while not await _is_healthy(session):  # noqa: ASYNC110 -- a process is waited for
            await asyncio.sleep(0.2)
    await beside(MODULE, "work")


async def _is_healthy(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(f"{SERVER}/health") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def submit_pure(given: dict[str, Any]) -> None:
    """Submits a pure task."""
    await _submit(pure, {"number": given["number"]})


async def submit_sms(given: dict[str, Any]) -> None:
    """Submits the first half of a flow."""
    await _submit(send, {"flow": given["number"], "given": given})


async def callback(given: dict[str, Any]) -> None:
    """Submits the second half; a status that is not final is answered and dropped."""
    if given["MessageStatus"] == FINAL:
        await _submit(finish, {"flow": int(given["flow"]), "status": FINAL})


async def _submit(what: Any, parameters: dict[str, Any]) -> None:
    """Submits without blocking the loop: `delay` is synchronous."""
    await asyncio.to_thread(what.apply_async, kwargs=parameters)


async def how_many(_: dict[str, Any]) -> dict[str, int]:
    """Counts what ended, as the server knows."""
    return {job: len(await _ended(name)) for job, name in NAMES.items()}


async def numbers(_: dict[str, Any]) -> list[int]:
    """Gives the numbers of the flows that ended."""
    return [int(name.rpartition("-")[2]) for name in await _ended(NAMES[Job.SMS])]


async def _ended(name: str) -> list[str]:
    """Gives the names of the task runs that are completed."""
    names: list[str] = []
    wanted = {"name": {"like_": name}, "state": {"type": {"any_": ["COMPLETED"]}}}
    async with aiohttp.ClientSession() as session:
        while True:
            query = {"task_runs": wanted, "limit": PAGE, "offset": len(names)}
            async with session.post(f"{SERVER}/task_runs/filter", json=query) as answer:
                page = await answer.json()
            names += [each["name"] for each in page]
            if len(page) < PAGE:
                return names


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        work(pure, send, finish, limit=CONCURRENCY)
    else:
        serve(
            {
                "/pure": submit_pure,
                "/sms": submit_sms,
                "/callback": callback,
                "/ended": how_many,
                "/numbers": numbers,
            },
            begin,
        )
