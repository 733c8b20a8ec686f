"""How many tasks a second one, two or more engines take on one PostgreSQL database.

Each engine is an `engine serve` of its own. Says what a task takes of the processors, apart for the
engines and for the database.

    python -m benchmarks.workers [--engines 1 2] [--tasks N] [--flows N] [--repeat N]
                                 [--database URL]

Without a database it starts a server of its own, with `fsync` on.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter

import asyncpg

from engine.addresses import LOOPBACK
from engine.cli.bench_runs import A_REQUEST, PURE, SENDING
from engine.cli.bench_stage import ACCOUNT, SENDER, TOKEN, Stage, sms, submissions
from engine.cli.children import child
from engine.cli.examples import example_folder
from engine.cli.http_client import http_client
from engine.cli.machine import cpu_seconds
from engine.settings import Settings
from engine.store.sealing import Keyring
from tests.store.postgres_server import EMPTY, PostgresServer, apart

Numbers = dict[str, float]
CAME = "SELECT coalesce(sum(came), 0) FROM counter WHERE process = $1 AND node = $2"


@contextlib.contextmanager
def database(given: str) -> Iterator[str]:
    """Gives the URL of a database, of a server of its own unless one is given."""
    if given:
        yield given
        return
    server = PostgresServer(fsync="on", shared_buffers="256MB", autovacuum="on")
    try:
        server.start()
        yield server.url()
    finally:
        server.remove()


def empty(url: str) -> None:
    """Empties the engine's tables, if they are there."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        with contextlib.suppress(asyncpg.UndefinedTableError):
            for statement in EMPTY:
                await connection.execute(statement)
        await connection.execute("CHECKPOINT")
        await connection.close()

    apart(run)


@contextlib.asynccontextmanager
async def engines(url: str, count: int) -> AsyncIterator[list[Stage]]:
    """Starts so many engines on one database, and the simulator that they send to."""
    async with AsyncExitStack() as stack:
        simulator = ["engine.testing.twilio", "--port", "0", "--auth-token", TOKEN]
        twilio = await stack.enter_async_context(child(simulator))
        variables = {
            "TWILIO_URL": await twilio.url(),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_NUMBER": SENDER,
            "ENGINE_TWILIO_AUTH_TOKEN": TOKEN,
            "ENGINE_ALLOW_HOSTS": ",".join(LOOPBACK),
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys = Keyring(folder / "key")
        keys.add()
        variables["ENGINE_KEY_FILE"] = str(keys.file)
        stages: list[Stage] = []
        for _ in range(count):
            serve = ["engine", "serve", "--port", "0", "--database", url]
            serve += ["--processes", str(example_folder("bench").parent)]
            engine = await stack.enter_async_context(child(serve, environment=variables))
            address = await engine.url()
            client = await stack.enter_async_context(http_client(address, Settings()))
            stages.append(Stage(address, engine, client))
        yield stages


async def measure(url: str, count: int, tasks: int, flows: int) -> Numbers:
    """Measures pure tasks and SMS flows with so many engines."""
    empty(url)
    connection = await asyncpg.connect(url)
    async with engines(url, count) as stages:
        each = tasks // count // A_REQUEST * A_REQUEST
        parts = [range(at, at + A_REQUEST) for at in range(0, each, A_REQUEST)]
        requests = [submissions(PURE, [{"number": number} for number in part]) for part in parts]

        async def pure() -> None:
            await asyncio.gather(*(stage.send(requests, connections=16) for stage in stages))

        async def sent() -> int:
            # An engine knows what others counted only some seconds later.
            return int(await connection.fetchval(CAME, SENDING, "sent"))

        async def send_flows(number: int = flows) -> None:
            before = await sent()
            wanted = [sms(one) for one in range(number // count)]
            await asyncio.gather(*(stage.send(wanted) for stage in stages))
            while await sent() < before + len(wanted) * count:  # noqa: ASYNC110 -- over HTTP
                await asyncio.sleep(0.05)

        await pure()
        await send_flows(flows // 10)
        pids = [stage.engine.pid for stage in stages]
        jobs = (("pure", pure, each * count), ("flows", send_flows, flows // count * count))
        found: Numbers = {}
        for name, work, number in jobs:
            before = Meter(await wal_bytes(connection), sum(map(cpu_seconds, pids)))
            started = perf_counter()
            await work()
            found[f"{name}_per_s"] = number / (perf_counter() - started)
            engine_s = sum(map(cpu_seconds, pids)) - before.engine_s
            found[f"{name}_engine_ms"] = engine_s / number * 1000
            found[f"{name}_server_ms"] = (server_seconds() - before.server_s) / number * 1000
            written = await wal_bytes(connection) - before.wal_bytes
            found[f"{name}_wal_kb"] = written / number / 1000
    await connection.close()
    return found


class Meter:
    """What was used up before a job."""

    def __init__(self, wal_bytes: float, engine_s: float) -> None:
        self.wal_bytes = wal_bytes
        self.engine_s = engine_s
        self.server_s = server_seconds()


async def wal_bytes(connection: asyncpg.Connection) -> float:
    """Gives how far the server's log has come."""
    return float(await connection.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


def server_seconds() -> float:
    """Gives the processor time of every process of a PostgreSQL server on this machine."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text().strip() == "postgres":
                total += cpu_seconds(int(folder.name))
    return total


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--flows", type=int, default=2_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    columns = [
        f"{job}_{what}"
        for job in ("pure", "flows")
        for what in ("per_s", "engine_ms", "server_ms", "wal_kb")
    ]
    print("engines", *columns, sep="\t")
    rounds: dict[int, list[Numbers]] = {count: [] for count in given.engines}
    with database(given.database) as url, tempfile.TemporaryDirectory():
        for _ in range(given.repeat):
            for count in given.engines:
                found = asyncio.run(measure(url, count, given.tasks, given.flows))
                rounds[count].append(found)
                print(count, *(f"{found[name]:.2f}" for name in columns), sep="\t", flush=True)
    for count, several in rounds.items():
        medians = (statistics.median(each[name] for each in several) for name in columns)
        print(f"median of {count}", *(f"{value:.2f}" for value in medians), sep="\t")


if __name__ == "__main__":
    main()
