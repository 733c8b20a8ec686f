"""The engine itself, under `engine serve` with its defaults."""

import sys
from pathlib import Path

from benchmarks.peers import jobs
from benchmarks.peers.jobs import ACCOUNT, SENDER, TOKEN, Job
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.processes import Command
from benchmarks.peers.program import ROOT
from engine.addresses import LOOPBACK
from engine.cli.bench_runs import PURE, pure_in_process
from engine.cli.bench_stage import submission
from engine.cli.client import Listing
from engine.cli.examples import example_folder
from engine.cli.http_client import http_client
from engine.cli.load import Request
from engine.core.task import TaskStatus
from engine.settings import Settings

SMS = "sending-sms"
ENDS = {Job.PURE: (PURE, "done"), Job.SMS: (SMS, "sent")}
LISTED = 1000


class Conveyor(Peer):
    """The engine on SQLite."""

    name = "conveyor"
    title = "Conveyor, SQLite"
    installed_as = "conveyor"
    sizes = Sizes(tasks=10_000, flows=2_000, killed=500)
    connections = 64
    runs_in_process = True
    ready_path = "/health"

    def install(self, folder: Path) -> None:
        """Is installed: it runs this."""

    def command(self, place: Place) -> Command:
        words = [sys.executable, "-m", "engine", "serve", "--host", "127.0.0.1"]
        words += [
            "--port",
            str(place.port),
            "--database",
            f"sqlite:///{place.folder / 'engine.db'}",
        ]
        words += ["--processes", str(example_folder("bench").parent)]
        variables = {
            "PYTHONPATH": str(ROOT),
            "TWILIO_URL": place.twilio,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_NUMBER": SENDER,
            "ENGINE_TWILIO_AUTH_TOKEN": TOKEN,
            "ENGINE_ALLOW_HOSTS": ",".join(LOOPBACK),
        }
        return Command(words, place.folder, variables)

    def request(self, job: Job, number: int, *, is_late: bool = False) -> Request:
        if job is Job.PURE:
            return submission(PURE, {"number": number})
        task = jobs.sms(number, is_late=is_late)
        data = {
            "AccountSid": ACCOUNT,
            "AuthToken": TOKEN,
            "number_from": task["from"],
            "number_to": task["to"],
            "body": task["body"],
        }
        return submission(SMS, data, f"sms-{number}")

    async def ended(self, place: Place, job: Job) -> int:
        process, node = ENDS[job]
        async with http_client(place.url, Settings()) as client:
            for each in await client.processes():
                if each["process"] == process:
                    return next(int(one["in"]) for one in each["nodes"] if one["node"] == node)
        return 0

    async def numbers_ended(self, place: Place) -> set[int]:
        listing = Listing(SMS, status=TaskStatus.SUCCESS, limit=LISTED)
        async with http_client(place.url, Settings()) as client:
            return {int(task["ref"].removeprefix("sms-")) for task in await client.tasks(listing)}

    async def in_process(self, place: Place, tasks: int) -> float:
        folder = place.folder / f"in-process-{tasks}"
        folder.mkdir()
        return tasks / await pure_in_process(folder, tasks)
