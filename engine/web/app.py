"""The ASGI application: the fast paths as raw callables, the framework for the rest. HOT."""

import asyncio
import logging
from functools import partial
from urllib.parse import unquote

import msgspec

from engine.errors import EngineError
from engine.settings import Role
from engine.web.access import Access
from engine.web.callbacks.plain import PlainCallbacks
from engine.web.callbacks.twilio import TwilioCallbacks
from engine.web.exchange import (
    App,
    ClientGone,
    Receive,
    Scope,
    Send,
    answer,
    answer_error,
    bounded,
    read_body,
)
from engine.web.problem import NotFound, WrongMethod, our_fault, problem_bytes
from engine.web.quick import Asked, Door, Reply, Respond, problem_reply
from engine.web.submit import Submissions
from engine.workspace import Workspace

log = logging.getLogger("engine.web")

# A path split at its slashes begins with an empty part.
CALLBACK = ["api", "1", "json", "callback"]  # then node_id, hash
TWILIO = ["api", "1", "json", "plugins", "twilio"]  # then conv_id, node_id, hash
PROCESSES = ["v1", "processes"]  # then an alias, "tasks"
READ = ("GET", "HEAD")


class Application:
    """The ASGI callable of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._limit = workspace.settings.max_body_bytes
        self._is_worker = workspace.settings.role is Role.WORKER
        self._submit = Submissions(workspace)
        self._plain = PlainCallbacks(workspace)
        self._twilio = TwilioCallbacks(workspace)
        self.access = Access(workspace.settings)
        self._rest: App | None = None
        self._preparing = asyncio.Lock()

    async def prepare(self) -> None:
        """Imports the framework beside the first requests: it takes half a second.

        Once, however many ask: two threads that import and build it at a time disturb each other.
        """
        async with self._preparing:
            if self._rest is None:
                self._rest = await asyncio.to_thread(_create_rest, self._workspace)

    def stop_waiting(self) -> None:
        """Answers whoever waits for the end of a task, because the server stops."""
        self._submit.stop_waiting()

    def begin(self, scope: Scope, body: bytes, respond: Respond) -> bool:
        """Takes a POST whose body is there, if it is quick; says whether `respond` will be called.

        Nothing is raised: this runs in the middle of reading from a connection.
        """
        found = self._door(_parts(scope))
        if found is None or len(body) > self._limit or not found[0].takes(scope, body):
            return False
        self._ask(*found, scope, body, respond)
        return True

    def _ask(
        self, door: Door, parts: list[str], scope: Scope, body: bytes, respond: Respond
    ) -> None:
        """Hands a request to the engine, or says at once what is wrong with it."""
        try:
            if door is self._submit:
                self.access.check(scope)
            message, finish = door.read(scope, body, parts)
            self._workspace.ask(message, Asked(door, finish, respond))
        except EngineError as error:
            respond(door.refused(error))
        except Exception:  # the last door: a fault of ours ends one request
            log.exception("%s %s broke", scope["method"], str(scope["raw_path"], "latin-1"))
            respond(problem_reply(our_fault()))

    def _door(self, parts: list[str]) -> tuple[Door, list[str]] | None:
        """Finds who takes a POST to this path, and what of the path is for it."""
        if self._is_worker:
            return None
        length = len(parts)
        if length == 7 and parts[1:5] == CALLBACK:
            return self._plain, parts[5:]
        if length == 9 and parts[1:6] == TWILIO:
            return self._twilio, parts[6:]
        if length == 5 and parts[1:3] == PROCESSES and parts[4] == "tasks":
            return self._submit, parts[3:4]
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        try:
            await self._dispatch(scope, receive, send)
        except ClientGone:
            pass
        except EngineError as error:
            await answer_error(send, error)
        except Exception:  # the last door: a fault of ours ends one request
            log.exception("%s %s broke", scope["method"], scope["path"])
            await answer_error(send, our_fault())

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts, method = _parts(scope), scope["method"]
        found = self._door(parts)
        if found is not None and found[0] is not self._submit and method != "POST":
            return await _only_post(send, method)
        # For machines that ask early and often: without the framework.
        if scope["raw_path"] == b"/health" and method in READ:
            return await answer(send, 200, b'{"status":"ok"}')
        if scope["raw_path"] == b"/ready" and method in READ:
            is_ready = self._workspace.is_ready
            body = msgspec.json.encode({"ready": is_ready})
            return await answer(send, 200 if is_ready else 503, body)
        if self._is_worker and scope["raw_path"] != b"/metrics":
            raise NotFound(
                "this engine is a worker: it takes no requests",
                hint="ask one that runs with --role api or all",
            )
        if found is None or found[0] is self._submit:
            self.access.check(scope)
        if found is not None and method == "POST":
            return await self._slowly(*found, scope, receive, send)
        return await self._by_framework(scope, receive, send)

    async def _slowly(
        self, door: Door, parts: list[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers what came in pieces, or is no quick request."""
        body = await read_body(scope, receive, self._limit)
        if door is self._submit and not door.takes(scope, body):
            return await self._submit(scope, receive, send, parts[0], body)
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._ask(door, parts, scope, body, partial(_give, replied))
        reply = await replied
        return await answer(send, reply.status, reply.body, reply.content_type, reply.more)

    async def _by_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Has the framework answer, by the path as it was sent: its routes decode their parts."""
        if self._rest is None:
            await self.prepare()
        assert self._rest is not None  # noqa: S101 -- it is prepared
        receive = bounded(scope, receive, self._limit)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = str(scope["raw_path"], "latin-1")
        try:
            await self._rest({**scope, "method": method, "path": path}, receive, send)
        except ClientGone:
            raise
        except Exception:  # the framework has answered 500 by now
            log.exception("%s %s broke", scope["method"], scope["path"])


def _parts(scope: Scope) -> list[str]:
    """Gives the parts of a path, split before decoding: a ref may hold a slash, written %2F."""
    path = str(scope["raw_path"], "latin-1")
    parts = path.split("/")
    return [unquote(part) for part in parts] if "%" in path else parts


def _give(replied: asyncio.Future[Reply], reply: Reply) -> None:
    if not replied.done():
        replied.set_result(reply)


def create_app(workspace: Workspace) -> Application:
    """Makes the application of a workspace."""
    return Application(workspace)


def _create_rest(workspace: Workspace) -> App:
    from engine.web.api import create_api  # noqa: PLC0415 -- half a second to import

    return create_api(workspace)


async def _only_post(send: Send, method: str) -> None:
    more = [(b"allow", b"OPTIONS, POST")]
    if method == "OPTIONS":
        await answer(send, 204, more=more)
    else:
        error = WrongMethod(f"{method}: a callback is sent with POST")
        await answer(send, error.status, problem_bytes(error), b"application/problem+json", more)
