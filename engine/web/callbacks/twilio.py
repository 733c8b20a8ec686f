"""Twilio's status callbacks: `POST /api/1/json/plugins/twilio/{conv_id}/{node_id}/{hash}`. HOT.

The task is the one whose ref is the message's sid. A status that came before is recognised by
(sid, status); one that was overtaken by its rank. Every right callback is answered 204 after the
commit, also one that has no effect: Twilio has nothing to gain from sending it again.
"""

from http import HTTPStatus

from engine.core.batch import Answer
from engine.core.message import Callback
from engine.errors import Busy, EngineError, NotAllowed, RequestError, StoreError
from engine.web.callbacks.plain import read_form
from engine.web.callbacks.signature import is_signed
from engine.web.exchange import Scope, header, media_type, read_json
from engine.web.quick import Finish, Reply, problem_reply
from engine.workspace import Target, Workspace

KEEP_US = 24 * 3_600_000_000
LONGEST_SID = 255  # as long as a ref
LONGEST_STATUS = 64
RANKS = {"accepted": 1, "scheduled": 2, "queued": 3, "sending": 4, "sent": 5}
FINAL = 6
READ = 7


class TwilioCallbacks:
    """Takes what Twilio reports about messages."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        settings = workspace.settings
        # Two of them while the account's token is being changed.
        tokens = (token.strip() for token in settings.twilio_auth_token.split(","))
        self._tokens = [token for token in tokens if token]

    def takes(self, scope: Scope, body: bytes) -> bool:
        """Takes every callback."""
        del scope, body
        return True

    def read(self, scope: Scope, body: bytes, parts: list[str]) -> tuple[Callback, Finish]:
        """Reads one callback; `parts` are conv_id, node_id and hash."""
        conv_id, hex_id, callback_hash = parts
        target = self._workspace.target(
            hex_id, callback_hash, int(conv_id) if conv_id.isdecimal() and len(conv_id) < 20 else -1
        )
        is_json = media_type(scope) == "application/json"
        pairs = [] if is_json else read_form(body)
        if self._tokens:
            self._check_signature(scope, pairs, body if is_json else None)
        # Of a name that comes twice the last value counts.
        return _message(target, _object(body) if is_json else dict(pairs)), _taken

    def refused(self, error: EngineError) -> Reply:
        """Says what is wrong; 503 also when busy: Twilio repeats that if told to, but never 429."""
        may_come_again = isinstance(error, Busy | StoreError)
        return problem_reply(error, HTTPStatus.SERVICE_UNAVAILABLE if may_come_again else 0)

    def _check_signature(
        self, scope: Scope, pairs: list[tuple[str, str]], body: bytes | None
    ) -> None:
        query = str(scope["query_string"], "latin-1")
        url = self._workspace.public_url + str(scope["raw_path"], "latin-1")
        url += f"?{query}" if query else ""
        signature = header(scope, b"x-twilio-signature")
        if not any(is_signed(url, pairs, body, signature, token) for token in self._tokens):
            raise NotAllowed(
                "X-Twilio-Signature is not right for this request",
                hint="is public_url what Twilio was given, and the auth token the account's?",
            )


def _taken(answer: Answer) -> Reply:
    del answer
    return Reply(HTTPStatus.NO_CONTENT)


def _message(target: Target, data: dict[str, object]) -> Callback:
    """Addresses a callback to the task that waits for its message.

    Raises:
        RequestError: it is about no message.
    """
    sid = data.get("MessageSid") or data.get("SmsSid")
    if not isinstance(sid, str) or not sid or len(sid) > LONGEST_SID:
        raise RequestError("the callback has neither MessageSid nor SmsSid")
    status = str(data.get("MessageStatus") or data.get("SmsStatus") or "")[:LONGEST_STATUS]
    return Callback(
        process=target.graph.process,
        node=target.node.id,
        task_id="",
        ref=sid,
        data=data,
        is_sync=False,
        keep_us=KEEP_US,
        event_key=f"{sid}:{status}" if status else "",
        rank=_rank(status),
    )


def _rank(status: str) -> int:
    """Says how late in a message's life a status is; 0 if there is none."""
    if not status:
        return 0
    return READ if status == "read" else RANKS.get(status, FINAL)


def _object(body: bytes) -> dict[str, object]:
    value = read_json(body)
    if not isinstance(value, dict):
        raise RequestError("the body must be a JSON object")
    return value
