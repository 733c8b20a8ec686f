"""The simulator as a server: real connections, real callbacks, its own process."""

import asyncio
import signal
import socket
import sys
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio_world import ACCOUNT, MESSAGES, TOKEN

from engine.errors import SettingsError
from engine.testing.twilio import Simulator, SimulatorSettings, serve
from engine.testing.twilio.__main__ import main
from engine.testing.twilio.scheduler import LoopScheduler

FORM = {"To": "+15550000000", "From": "+15005550006", "Body": "Hello"}


class Engine:
    """A real receiver of callbacks: reads each request, answers 204."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/callback?task=1"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.put_nowait((headers, body))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


async def post(simulator, **fields):
    async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as client:
        return await client.post(f"{simulator.url}{MESSAGES}", data=FORM | fields)


async def test_a_callback_arrives_as_twilio_sends_it():
    async with Engine() as engine, Simulator(SimulatorSettings(port=0, speed=100)) as simulator:
        await post(simulator, StatusCallback=engine.url)

        headers, body = await engine.requests.get()
        await engine.requests.get()

    form = dict(parse_qsl(body.decode()))
    assert headers["user-agent"] == "TwilioProxy/1.1"
    assert headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert headers["i-twilio-idempotency-token"]
    assert form["MessageStatus"] == "sent"
    assert RequestValidator(TOKEN).validate(engine.url, form, headers["x-twilio-signature"])


async def test_09_closes_the_connection_without_an_answer():
    async with Simulator() as simulator:
        with pytest.raises(httpx.TransportError):
            await post(simulator, To="+15550000009")

        assert [entry["to"] for entry in simulator.messages()] == ["+15550000009"]
        assert [entry["status"] for entry in simulator.requests()] == [None]


async def test_a_receiver_that_is_not_there_is_tried_twice(caplog):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        async with Simulator(SimulatorSettings(port=0, speed=1000)) as simulator:
            await post(simulator, To="+15550000003", StatusCallback=url)

            (message,) = simulator.messages()

    attempts = [(call["status"], call["answer"]) for call in message["callbacks"]]
    assert attempts == [("sent", None)] * 2 + [("delivered", None)] * 2
    assert "refused" in caplog.text


async def test_a_url_that_can_not_be_called_fails_in_the_log():
    async with Simulator(SimulatorSettings(port=0, speed=1000)) as simulator:
        await post(simulator, To="+15550000003", StatusCallback="http://999.999.1.1/")

        (message,) = simulator.messages()

    assert {call["failure"] for call in message["callbacks"]} == {"the URL can't be called"}


async def test_a_receiver_that_closes_without_an_answer_is_tried_once():
    async def close(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, Simulator(SimulatorSettings(port=0, speed=1000)) as simulator:
        await post(simulator, To="+15550000003", StatusCallback=url)

        (message,) = simulator.messages()

    attempts = [(call["status"], call["answer"]) for call in message["callbacks"]]
    assert attempts == [("sent", None), ("delivered", None)]


async def test_a_late_answer_does_not_hold_up_the_end():
    async with Simulator() as simulator:
        request = asyncio.create_task(post(simulator, To="+15550000008"))
        while not simulator.messages():
            await asyncio.sleep(0)

    with pytest.raises(httpx.TransportError):
        await request


async def test_the_simulator_can_be_reset():
    async with Simulator() as simulator:
        await post(simulator)

        simulator.reset()

        assert simulator.messages() == simulator.requests() == []


async def test_messages_can_be_chosen_by_body_recipient_and_sid():
    async with Simulator() as simulator:
        await post(simulator, Body="one")
        sid = (await post(simulator, Body="two", To="+15550000001")).json()["sid"]

    assert len(simulator.messages()) == 2
    assert [entry["sid"] for entry in simulator.messages(body="two")] == [sid]
    assert [entry["sid"] for entry in simulator.messages(to="+15550000001")] == [sid]
    assert [entry["body"] for entry in simulator.messages(sid=sid)] == ["two"]


async def test_a_port_in_use_is_told_with_a_way_out():
    async with Simulator() as simulator:
        port = int(simulator.url.rsplit(":", 1)[1])

        with pytest.raises(SettingsError, match=f"127.0.0.1 port {port}") as caught:
            await serve(SimulatorSettings(port=port), ready=print)

    assert "--port" in caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"port": -1},
        {"port": 65_536},
        {"speed": 0},
        {"speed": float("nan")},
        {"speed": float("inf")},
        {"auth_token": ""},
        {"max_messages": 0},
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options):
    with pytest.raises(SettingsError):
        SimulatorSettings(**options)


def test_the_token_is_not_shown():
    assert "secret" not in repr(SimulatorSettings(auth_token="secret"))


async def test_speed_divides_a_delay():
    loop = asyncio.get_running_loop()
    begin = loop.time()
    called = asyncio.Event()

    LoopScheduler(speed=1e9).call_later(1e6, called.set)
    await called.wait()

    assert loop.time() - begin < 1e6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_says_where_it_is_and_stops_on_a_signal(number):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine.testing.twilio", "--port", "0", "--speed", "50"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    line = (await process.stdout.readline()).decode()
    url = line.removeprefix("Twilio simulator at ").strip()
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/_messages")

    process.send_signal(number)
    rest, errors = await process.communicate()

    assert answer.json() == {"count": 0, "messages": []}
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_a_wrong_option_ends_with_the_code_of_wrong_usage(capsys):
    assert main(["--speed", "0"]) == 2

    assert capsys.readouterr().err == "The speed must be a number above 0, not 0.\n"


def test_a_port_in_use_ends_with_a_code_of_its_own(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert main(["--port", str(port)]) == 5

    assert f"port {port}" in capsys.readouterr().err
