"""`engine bench`, and the client that makes its load."""

import asyncio
import json
import sys

import pytest
from command_line import PATIENCE_S, Engine, environment

from engine.cli.bench_runs import percentile
from engine.cli.load import _thinned
from engine.cli.machine import cpu_seconds, fsync_ms, memory_mb


def test_the_benchmark_measures_pure_tasks_and_flows(tmp_path):
    ran = Engine(tmp_path)("bench", "--tasks", "200", "--flows", "20", "--only", "sms", "--json")

    found = ran.json()
    assert ran.code == 0, ran.err
    assert set(found) == {"machine", "sms", "memory_mb"}
    assert {"cores", "python", "sqlite", "fsync_ms"} <= set(found["machine"])
    assert found["sms"]["flows_per_s"] > 0
    assert found["sms"]["cpu_ms_per_flow"] > 0
    assert found["sms"]["late_callbacks_per_s"] > 0
    assert found["memory_mb"]["busy"] > 0


def test_the_benchmark_prints_a_table_for_people(tmp_path):
    ran = Engine(tmp_path)("bench", "--tasks", "200", "--only", "pure")

    assert ran.code == 0, ran.err
    assert "pure tasks, in process" in ran.out
    assert "fsync" in ran.out


async def answer(reader, writer):
    """Answers requests with 201, but every tenth only by closing the connection."""
    count = 0
    while True:
        try:
            await reader.readuntil(b"\r\n")
        except asyncio.IncompleteReadError:
            break
        length = 0
        while (line := await reader.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        await reader.readexactly(length)
        count += 1
        if count == 10:
            break
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n")
        writer.write(b"{}")
        await writer.drain()
    writer.close()


async def load(job):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine.cli.load", env=environment({}),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        out, _ = await process.communicate(f"{json.dumps(job)}\ngo\n".encode())
    ready, measured = out.splitlines()
    assert ready == b"ready"
    return json.loads(measured)


@pytest.mark.parametrize("per_second", [0, 1000])
async def test_every_request_of_a_job_is_counted_once(per_second):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    request = {"method": "POST", "path": "/", "body": "{}"}
    job = {"host": "127.0.0.1", "port": port, "requests": [request] * 45, "connections": 3}

    measured = await load({**job, "per_second": per_second})

    server.close()
    assert sum(measured["statuses"].values()) == 45
    assert measured["statuses"]["201"] >= 40
    assert measured["statuses"]["lost"] >= 1
    assert measured["latencies_ms"] == sorted(measured["latencies_ms"])


def test_of_many_latencies_those_are_kept_that_percentiles_need():
    kept = _thinned([float(number) for number in reversed(range(100_001))])

    assert len(kept) == 1001
    assert (kept[0], kept[500], kept[990], kept[-1]) == (0.0, 50_000.0, 99_000.0, 100_000.0)


def test_a_percentile_is_one_of_the_values():
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert percentile([], 0.5) == 0.0


def test_a_process_can_be_measured(tmp_path):
    import os

    assert cpu_seconds(os.getpid()) > 0
    assert cpu_seconds(os.getppid()) >= 0
    assert memory_mb(os.getpid()) > 1
    assert fsync_ms(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
