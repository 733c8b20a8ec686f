"""Procrastinate behind HTTP: a pure task is a job, an SMS flow is two.

Nothing waits in a queue of jobs: the callback defers the job that ends the flow. Started with the
word `work`, it is the worker.
"""

import asyncio
import sys
from time import perf_counter
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector

from benchmarks.peers.jobs import Job, is_good, work_out
from benchmarks.peers.programs.answering import (
    DATABASE,
    FINAL,
    Provider,
    beside,
    callback_url,
    serve,
)

MODULE = "benchmarks.peers.programs.procrastinate_program"
CONCURRENCY = 16
INSIDE = "inside"
A_BATCH = 500
ENDED = """
    SELECT task_name, count(*) AS count FROM procrastinate_jobs
    WHERE status = 'succeeded' AND queue_name <> 'inside' GROUP BY task_name
"""
NUMBERS = """
    SELECT (args ->> 'flow')::int AS number FROM procrastinate_jobs
    WHERE status = 'succeeded' AND task_name = 'finish'
"""
EXISTS = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL AS found"

app = App(connector=PsycopgConnector(conninfo=DATABASE))
provider = Provider()


@app.task(name="pure", queue="jobs")
async def pure(number: int) -> str:
    """Works out and checks."""
    return "done" if is_good(work_out(number)) else "failed"


@app.task(name="send", queue="jobs", retry=True)
async def send(task: dict[str, Any]) -> None:
    """Asks the provider; the flow goes on with the callback."""
    await provider.send(task, callback_url(str(task["number"])))


@app.task(name="finish", queue="jobs", retry=True)
async def finish(flow: int, status: str) -> str:
    """Ends a flow."""
    return f"{flow} {status}"


@app.periodic(cron="* * * * *")
@app.task(name="retry_stalled", queue="jobs", queueing_lock="retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Takes on the jobs of a worker that was killed, as the documentation tells to."""
    del context, timestamp
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)


async def begin() -> None:
    """Opens the database and starts the worker."""
    await app.open_async()
    found = await app.connector.execute_query_one_async(EXISTS)
    if not found["found"]:
        await app.schema_manager.apply_schema_async()
    await beside(MODULE, "work")


async def work() -> None:
    """Is the worker."""
    async with app.open_async():
        await app.run_worker_async(queues=["jobs"], concurrency=CONCURRENCY)


async def submit_pure(given: dict[str, Any]) -> None:
    """Defers a pure task."""
    await pure.defer_async(number=given["number"])


async def submit_sms(given: dict[str, Any]) -> None:
    """Defers the first half of a flow."""
    await send.defer_async(task=given)


async def callback(given: dict[str, Any]) -> None:
    """Defers the second half; a status that is not final is answered and dropped."""
    if given["MessageStatus"] == FINAL:
        await finish.defer_async(flow=int(given["flow"]), status=FINAL)


async def how_many(_: dict[str, Any]) -> dict[str, int]:
    """Counts what ended, in the database."""
    rows = await app.connector.execute_query_all_async(ENDED)
    counts = {row["task_name"]: row["count"] for row in rows}
    return {Job.PURE: counts.get("pure", 0), Job.SMS: counts.get("finish", 0)}


async def numbers(_: dict[str, Any]) -> list[int]:
    """Gives the numbers of the flows that ended."""
    return [row["number"] for row in await app.connector.execute_query_all_async(NUMBERS)]


async def in_process(given: dict[str, Any]) -> float:
    """Defers pure tasks in batches and works them off here; gives the seconds it took."""
    every = range(int(given["tasks"]))
    inside = pure.configure(queue=INSIDE)
    started = perf_counter()
    for at in range(0, len(every), A_BATCH):
        await inside.batch_defer_async(*[{"number": each} for each in every[at : at + A_BATCH]])
    await app.run_worker_async(
        queues=[INSIDE], concurrency=CONCURRENCY, wait=False, install_signal_handlers=False
    )
    return perf_counter() - started


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        asyncio.run(work())
    else:
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
