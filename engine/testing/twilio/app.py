"""The ASGI application: which operation a path means, and what becomes of errors.

Plain ASGI without a framework: the simulator runs beside the engine in its benchmarks, and a
framework would double the cost of a message.
"""

import json
import logging
from typing import Any

from engine.testing.twilio.api import BareServerError, ConnectionCut, MessagesApi
from engine.testing.twilio.authentication import authenticate, read_basic
from engine.testing.twilio.errors import Refusal
from engine.testing.twilio.exchange import (
    Answer,
    Disconnected,
    Receive,
    Request,
    Scope,
    Send,
    TooLarge,
    read_request,
    send_answer,
)
from engine.testing.twilio.log import (
    MessageLog,
    Received,
    RequestLog,
    message_entries,
    request_entries,
)
from engine.testing.twilio.representation import (
    API_VERSION,
    JSON_TYPE,
    XML_TYPE,
    Facts,
    write_json,
    write_refusal,
    write_xml,
)
from engine.testing.twilio.scheduler import Scheduler

# Under this name the server offers to close the connection of a request without an answer.
CUT_EXTENSION = "engine.cut"

_log = logging.getLogger(__name__)

_ASKS_FOR_CREDENTIALS = ((b"www-authenticate", b'Basic realm="Twilio API"'),)
_FILTERS = frozenset({"body", "to", "sid"})


class TwilioApp:
    """Answers requests to the API, and to the simulator's own logs."""

    def __init__(
        self,
        api: MessagesApi,
        messages: MessageLog,
        requests: RequestLog,
        scheduler: Scheduler,
        auth_token: str | None,
    ) -> None:
        self._api = api
        self._messages = messages
        self._requests = requests
        self._scheduler = scheduler
        self._auth_token = auth_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one HTTP request."""
        try:
            answer = await self._answer(await read_request(scope, receive))
        except (Disconnected, ConnectionCut):
            await _cut(scope, receive)
            return
        except TooLarge:
            answer = Answer(413, write_json({"message": "Request Entity Too Large", "status": 413}))
        await send_answer(send, answer)

    async def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/_"):
            return self._show_log(request)
        received = Received(
            method=request.method,
            path=request.path,
            query=request.query,
            body=request.body,
            user=read_basic(request.authorization)[0],
            at=self._scheduler.now(),
        )
        self._requests.add(received)
        answer = await self._operate(request)
        received.status = answer.status
        return answer

    async def _operate(self, request: Request) -> Answer:
        is_json = request.path.endswith(".json")
        try:
            return await self._route(request, is_json=is_json)
        except Refusal as refusal:
            return _refuse(refusal, is_json=is_json)
        except BareServerError:
            return Answer(500, b"<html><body>Internal Server Error</body></html>", b"text/html")
        except ConnectionCut:
            raise
        except Exception:  # noqa: BLE001 -- the last resort of an HTTP handler
            _log.exception("The simulator failed on %s %s", request.method, request.path)
            return _refuse(Refusal(20500), is_json=is_json)

    async def _route(self, request: Request, *, is_json: bool) -> Answer:
        parts = request.path.removesuffix(".json").split("/")
        account_sid = parts[3] if len(parts) > 3 else ""
        token = authenticate(request.authorization, account_sid, request.path, self._auth_token)
        match parts:
            case ["", version, "Accounts", _, "Messages"] if version == API_VERSION:
                return await self._collection(request, account_sid, token, is_json=is_json)
            case ["", version, "Accounts", _, "Messages", sid] if version == API_VERSION:
                return self._instance(request, account_sid, sid, is_json=is_json)
            case _:
                raise Refusal(20404, request.path)

    async def _collection(
        self, request: Request, account_sid: str, token: str, *, is_json: bool
    ) -> Answer:
        match request.method:
            case "POST":
                facts = await self._api.create(account_sid, token, request.form)
                return _show(facts, is_json=is_json, status=201)
            case "GET":
                facts = self._api.list(account_sid, request.path, request.fields)
                return _show(facts, is_json=is_json, name="Messages")
            case method:
                raise Refusal(20004, method)

    def _instance(self, request: Request, account_sid: str, sid: str, *, is_json: bool) -> Answer:
        path = request.path
        match request.method:
            case "GET":
                return _show(self._api.fetch(account_sid, sid, path), is_json=is_json)
            case "POST":
                facts = self._api.update(account_sid, sid, path, request.form)
                return _show(facts, is_json=is_json)
            case "DELETE":
                self._api.delete(account_sid, sid, path)
                return Answer(204, b"")
            case method:
                raise Refusal(20004, method)

    def _show_log(self, request: Request) -> Answer:
        match (request.method, request.path):
            case ("GET", "/_messages"):
                chosen = {k: v for k, v in request.fields.items() if k in _FILTERS}
                entries: Any = message_entries(self._messages, **chosen)
                return _dump({"count": len(entries), "messages": entries})
            case ("GET", "/_requests"):
                entries = request_entries(self._requests)
                return _dump({"count": len(entries), "requests": entries})
            case ("DELETE", "/_log") | ("POST", "/_reset"):
                self.reset()
                return Answer(204, b"")
            case _:
                return _refuse(Refusal(20404, request.path), is_json=True)

    def reset(self) -> None:
        """Forgets all messages and requests."""
        self._api.reset()
        self._requests.clear()


async def _cut(scope: Scope, receive: Receive) -> None:
    """Closes the connection and waits until it is closed, so that no answer can follow."""
    extension = (scope.get("extensions") or {}).get(CUT_EXTENSION)
    if extension is None:
        raise ConnectionAbortedError("the request is not answered")
    extension["cut"]()
    while (await receive())["type"] != "http.disconnect":
        pass


def _show(facts: Facts, *, is_json: bool, status: int = 200, name: str = "Message") -> Answer:
    if is_json:
        return Answer(status, write_json(facts))
    return Answer(status, write_xml(name, facts), XML_TYPE)


def _refuse(refusal: Refusal, *, is_json: bool) -> Answer:
    return Answer(
        refusal.http_status,
        write_refusal(refusal, is_json=is_json),
        JSON_TYPE if is_json else XML_TYPE,
        _ASKS_FOR_CREDENTIALS if refusal.code == 20003 else (),
    )


def _dump(facts: Any) -> Answer:
    return Answer(200, json.dumps(facts).encode("ascii"))
