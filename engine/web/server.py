"""Listens on a port and serves the application, by uvicorn."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn

from engine.errors import EngineUnreachable
from engine.settings import Settings
from engine.web.access import is_loopback
from engine.web.app import Application, create_app
from engine.web.quick_protocol import quick_protocol
from engine.workspace import Workspace

log = logging.getLogger("engine.web")

BACKLOG = 4096
KEEP_ALIVE_S = 75
GRACE_S = 5


@dataclass(frozen=True, slots=True)
class Listening:
    """A port that is ours: who connects already waits to be served."""

    socket: socket.socket
    url: str


def listen(settings: Settings) -> Listening:
    """Takes the port.

    Raises:
        EngineUnreachable: somebody else has it, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((settings.host, settings.port))
        opened.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        opened.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise EngineUnreachable(
            f"can't listen on {settings.host}:{settings.port}: {reason}",
            hint="choose another one with --port; 0 takes any that is free",
        ) from None
    port = opened.getsockname()[1]
    host = f"[{settings.host}]" if family is socket.AF_INET6 else settings.host
    shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 -- to be shown
    return Listening(opened, f"http://{shown}:{port}")


class _Server(uvicorn.Server):
    """Leaves signals to the command that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    workspace: Workspace,
    settings: Settings,
    *,
    ready: Callable[[str], None],
    listening: Listening | None = None,
) -> None:
    """Serves until cancelled; then finishes the answers under way.

    `ready` is told the URL once whoever connects is served.
    """
    listening = listening or listen(settings)
    app = create_app(workspace)
    if not app.access.needs_key and not is_loopback(listening.socket.getsockname()[0]):
        log.warning(
            "no key is configured: only this machine may use /v1; callbacks come from anywhere"
        )
    server = _Server(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[listening.socket]))
    preparing = asyncio.create_task(app.prepare())
    try:
        ready(listening.url)
        await asyncio.shield(serving)
    finally:
        preparing.cancel()
        app.stop_waiting()
        server.should_exit = True
        await serving


def _config(app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=quick_protocol(app.begin),
        ws="none",
        lifespan="off",
        # Who is let in without a key is decided by who is connected: a header could say anything,
        # and FORWARDED_ALLOW_IPS, common in containers, would have it believed.
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
