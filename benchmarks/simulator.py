"""What the Twilio simulator costs: its CPU time for a message with two callbacks.

    python benchmarks/simulator.py [MESSAGES]

The simulator runs in a process of its own, as in the other benchmarks; load generator and
receiver share this one, and their cost is not counted.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from pyreqwest.client import Client, ClientBuilder

MESSAGES = 20_000
CONCURRENCY = 64
ACCOUNT = "AC" + "0" * 32
OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    """Answers every callback and counts them."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"content-length: *(\d+)", self._buffer[:head].lower())
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                return
            self._buffer = self._buffer[end:]
            Receiver.count += 1
            self._transport.write(OK)


@contextmanager
def simulator() -> Iterator[tuple[psutil.Process, str]]:
    """Starts the simulator; gives its process and its address."""
    command = [sys.executable, "-m", "engine.testing.twilio", "--port", "0", "--speed", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield psutil.Process(process.pid), process.stdout.readline().split()[-1]
        finally:
            process.terminate()


async def send(client: Client, url: str, form: dict[str, str], numbers: Iterator[int]) -> None:
    """Sends messages until the numbers run out."""
    for number in numbers:
        request = client.post(url).basic_auth(ACCOUNT, "token")
        response = await request.form({**form, "Body": f"Message {number}"}).build().send()
        if response.status != 201:
            raise SystemExit(f"answered {response.status}: {await response.text()}")


async def measure(process: psutil.Process, address: str, count: int) -> None:
    """Sends the messages, waits for all callbacks, prints the cost."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    callback = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback?task=1"
    form = {"To": "+15550000000", "From": "+15005550006", "StatusCallback": callback}
    url = f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    Receiver.count = 0
    before, begin, numbers = process.cpu_times(), time.perf_counter(), iter(range(count))
    async with ClientBuilder().build() as client:
        await asyncio.gather(*(send(client, url, form, numbers) for _ in range(CONCURRENCY)))
        accepted = time.perf_counter() - begin
        while Receiver.count < 2 * count:  # noqa: ASYNC110 -- an event would cost the receiver
            await asyncio.sleep(0.01)
    seconds, after = time.perf_counter() - begin, process.cpu_times()
    kernel = after.system - before.system
    cpu = after.user - before.user + kernel
    print(
        f"{count} messages: {cpu / count * 1e6:.0f} us CPU each "
        f"({kernel / count * 1e6:.0f} in the kernel), {count / accepted:.0f}/s accepted, "
        f"{2 * count / seconds:.0f} callbacks/s, {process.memory_info().rss / 2**20:.0f} MiB"
    )
    server.close()


def main() -> None:
    """Measures three times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    with simulator() as (process, address):
        for _ in range(3):
            asyncio.run(measure(process, address, count))


if __name__ == "__main__":
    main()
