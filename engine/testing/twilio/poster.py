"""Posts callbacks with pyreqwest, on connections that are kept."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import DetailedPyreqwestError

from engine.testing.twilio.callback_url import Failure
from engine.testing.twilio.courier import Unanswered

# Twilio's own limits. The speed leaves them as they are: the receiver is real.
CONNECT_LIMIT_S = 5
TOTAL_LIMIT_S = 15

# How many callbacks are out at the same time; more wait for their turn.
_CONNECTIONS = 64

# The class of an error does not tell whether the request was sent; this cause does.
_WHILE_CONNECTING = "client error (Connect)"

_HEADERS = {
    "User-Agent": "TwilioProxy/1.1",
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    "Accept": "*/*",
}


class PyreqwestPoster:
    """Posts with pyreqwest: httpx takes twenty times the CPU."""

    def __init__(self) -> None:
        # The client's own limit on connections would let the time limit run while a callback
        # waits for its turn, and lose callbacks that nobody was too slow to take.
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._client = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(enable=False)
            .referer(enable=False)
            .default_headers(_HEADERS)
            .pool_max_idle_per_host(_CONNECTIONS)
            .connect_timeout(timedelta(seconds=CONNECT_LIMIT_S))
            .timeout(timedelta(seconds=TOTAL_LIMIT_S))
            .build()
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Gives the HTTP status of the answer."""
        try:
            request = self._client.post(url).headers(headers).body_bytes(body).build()
            async with self._slots:
                return (await request.send()).status
        except DetailedPyreqwestError as error:
            raise _unanswered(error) from error
        except ValueError as error:
            raise Unanswered(Failure.CONNECT, "the URL can't be called") from error

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.close()


def _unanswered(error: DetailedPyreqwestError) -> Unanswered:
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    # The first cause may hold the whole URL, the last one is the system's own word.
    reason = causes[-1] if len(causes) > 1 else error.message
    if _WHILE_CONNECTING in causes:
        return Unanswered(Failure.CONNECT, reason)
    return Unanswered(Failure.READ, reason)
