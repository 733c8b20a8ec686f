"""The ASGI application: the fast paths as raw callables, the framework for the rest. HOT."""

import logging
from urllib.parse import unquote

from engine.errors import EngineError
from engine.web.access import Access
from engine.web.callbacks.plain import PlainCallbacks
from engine.web.callbacks.twilio import TwilioCallbacks
from engine.web.exchange import App, Receive, Scope, Send, answer_error
from engine.web.submit import Submissions
from engine.workspace import Workspace

log = logging.getLogger("engine.web")

OPEN_PATHS = frozenset({"/health", "/ready"})
CALLBACK = ["api", "1", "json", "callback"]
PROCESSES = ["v1", "processes"]
TWILIO = ["api", "1", "json", "plugins", "twilio"]


def create_app(workspace: Workspace) -> App:
    """Makes the application of a workspace."""
    submit = Submissions(workspace)
    plain = PlainCallbacks(workspace)
    twilio = TwilioCallbacks(workspace)
    access = Access(workspace.settings)
    rest: App | None = None

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal rest
        # Split before decoding: a ref may hold a slash, written %2F.
        raw = str(scope["raw_path"], "latin-1").partition("?")[0]
        parts = [unquote(part) for part in raw.split("/")[1:]]
        if scope["method"] == "POST":
            if parts[:4] == CALLBACK and len(parts) == 6:  # node_id and hash
                return await plain(scope, receive, send, parts[4:])
            if parts[:5] == TWILIO and len(parts) == 8:  # conv_id, node_id and hash
                return await twilio(scope, receive, send, parts[5:])
        if scope["path"] not in OPEN_PATHS:
            access.check(scope)
        is_tasks = len(parts) == 4 and parts[:2] == PROCESSES and parts[3] == "tasks"
        if is_tasks and scope["method"] == "POST":
            return await submit(scope, receive, send, parts[2])
        if rest is None:
            from engine.web.api import create_api  # noqa: PLC0415 -- half a second to import

            rest = create_api(workspace)
        return await rest(scope, receive, send)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        has_begun = False

        async def watched(message: dict[str, object]) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await dispatch(scope, receive, watched)  # type: ignore[arg-type] # the same messages
        except EngineError as error:
            await answer_error(send, error)
        except Exception:  # the last door: a fault of ours ends one request
            log.exception("%s %s broke", scope["method"], scope["path"])
            if not has_begun:
                await answer_error(send, EngineError("a fault of the engine; its log has details"))

    return app
