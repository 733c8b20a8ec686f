"""Starts and stops the simulator, inside another program or as one of its own."""

import asyncio
import contextlib
import gc
import random
import signal
import socket
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.errors import SettingsError
from engine.testing.twilio.api import MessagesApi
from engine.testing.twilio.app import CUT_EXTENSION, TwilioApp
from engine.testing.twilio.courier import Courier
from engine.testing.twilio.delivery import Delivery
from engine.testing.twilio.log import (
    MessageEntry,
    MessageLog,
    RequestEntry,
    RequestLog,
    message_entries,
    request_entries,
)
from engine.testing.twilio.poster import PyreqwestPoster
from engine.testing.twilio.scheduler import LoopScheduler
from engine.testing.twilio.settings import SimulatorSettings

# Longer than any client keeps an idle connection, so that no request meets a closing one.
_KEEP_ALIVE_S = 300
_BACKLOG = 2048
_GARBAGE_THRESHOLDS = (100_000, 50, 50)


class _CuttableProtocol(HttpToolsProtocol):
    """Offers each request a way to close its connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT_EXTENSION: {"cut": self.transport.abort}}


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it and tells when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Simulator:
    """A running simulator, between `async with` and its end.

    Messages and requests can be read after the end too.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self._settings = settings or SimulatorSettings(port=0)
        self._messages = MessageLog(self._settings.max_messages)
        self._requests = RequestLog(self._settings.max_messages)
        self._url = ""
        self._poster = PyreqwestPoster()
        # Sids need to differ between runs and are no secrets.
        chance = random.Random()
        scheduler = LoopScheduler(self._settings.speed)
        self._delivery = Delivery(scheduler, Courier(self._poster, scheduler, chance))
        self._api = MessagesApi(self._messages, self._delivery, scheduler, chance)
        self._app = TwilioApp(
            self._api, self._messages, self._requests, scheduler, self._settings.auth_token
        )

    @property
    def url(self) -> str:
        """Gives the address that stands for `https://api.twilio.com`."""
        return self._url

    def messages(
        self, *, body: str | None = None, to: str | None = None, sid: str | None = None
    ) -> list[MessageEntry]:
        """Gives the messages that were accepted, oldest first."""
        return message_entries(self._messages, body=body, to=to, sid=sid)

    def requests(self) -> list[RequestEntry]:
        """Gives the requests to the API, oldest first."""
        return request_entries(self._requests)

    def reset(self) -> None:
        """Forgets all messages and requests; what was still to happen does not."""
        self._app.reset()

    async def __aenter__(self) -> Self:
        listener = _listen(self._settings)
        host, port = self._settings.host, listener.getsockname()[1]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._server = _Server(_configure(self._app))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.is_up.wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._server.should_exit = True
        self._api.release()
        await self._delivery.close()
        await self._poster.close()
        await self._serving


def _listen(settings: SimulatorSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Can't listen on {settings.host} port {settings.port}: {error.strerror}.",
            hint="Choose another port with --port; 0 takes any free one.",
        ) from error
    return listener


def _configure(app: TwilioApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_BACKLOG,
    )


async def serve(settings: SimulatorSettings, *, ready: Callable[[str], None]) -> None:
    """Runs a simulator until SIGINT or SIGTERM; tells its address when it takes requests.

    Raises:
        SettingsError: the port can't be had.
    """
    stop = asyncio.Event()
    with _calling_on_signal(stop.set), _collecting_seldom():
        async with Simulator(settings) as simulator:
            ready(simulator.url)
            await stop.wait()


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Lets the garbage collector rest: the logs only grow, and hold nearly all objects.

    To look through them as often as Python does was 8 % of the cost of a message.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _calling_on_signal(callback: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    # Windows has no such handlers; there an interrupt ends the loop by itself.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
