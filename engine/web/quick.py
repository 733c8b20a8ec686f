"""Requests that need no task of their own: read, handed to the engine, answered by its turn. HOT.

By ASGI a request costs 48 µs of processor time before anything of ours happens (a task, a scope,
events both ways, two writes), this way 13. What is not quick goes by ASGI, with the same answers.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.core.batch import Answer
from engine.core.message import Message
from engine.errors import EngineError
from engine.web.exchange import JSON, Scope
from engine.web.problem import TYPE, Headers, headers_of, our_fault, problem_bytes, status_of

log = logging.getLogger("engine.web")


@dataclass(slots=True)
class Reply:
    """An answer as a whole. Not frozen: one is made for every request."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    more: Headers | None = None


Finish = Callable[[Answer], Reply]
Respond = Callable[[Reply], None]


class Door(Protocol):
    """One kind of request whose whole work is one message to the engine."""

    def takes(self, scope: Scope, body: bytes) -> bool:
        """Whether this request is such a one."""

    def read(self, scope: Scope, body: bytes, parts: list[str]) -> tuple[Message, Finish]:
        """Makes the message, and what makes the reply of its answer; `parts` are of the path.

        Raises:
            EngineError: it can't be taken; `refused` makes the reply.
        """

    def refused(self, error: EngineError) -> Reply:
        """Makes the reply to a request that was refused."""


class Asked:
    """The ticket of a quick request (`engine.runtime.intake.Ticket`)."""

    __slots__ = ("_door", "_finish", "_respond")

    def __init__(self, door: Door, finish: Finish, respond: Respond) -> None:
        self._door = door
        self._finish = finish
        self._respond = respond

    def done(self) -> bool:
        """Gives False: a client that has gone is found out when it is answered."""
        return False

    def set_result(self, answer: Answer) -> None:
        """Answers the request. What breaks here is safe on disk: nothing may be raised."""
        try:
            if answer.error is not None:
                reply = self._door.refused(answer.error)
            else:
                reply = self._finish(answer)
        except Exception:  # the last door: a fault of ours ends one request
            log.exception("an answer broke")
            reply = problem_reply(our_fault())
        self._respond(reply)


def problem_reply(error: EngineError, status: int = 0) -> Reply:
    """Makes the reply that says what went wrong, with its own status unless another is given."""
    status = status or status_of(error)
    return Reply(status, problem_bytes(error, status), TYPE, headers_of(error))
