"""One circuit breaker an upstream host: who fails again and again, or asks for a rest, is let be.

| the circuit | a call |
|---|---|
| closed | goes out; after so many failures in a row the circuit opens |
| open | fails at once, and nothing is sent |
| its time is over | one goes out: an answer closes the circuit, a failure opens it twice as long |

A host is its origin: scheme, name and port. What counts as a failure is the host's, not the
call's: no connection, no answer, or 502, 503, 504. A 429 or 503 with `Retry-After` opens at once,
for as long as it asks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from engine.core.command import CallFailure, HttpAnswer, HttpResult

SECOND_US = 1_000_000
FIRST_US = SECOND_US
LONGEST_US = 60 * SECOND_US
LONGEST_ASKED_US = 3_600 * SECOND_US
"""A host that asks for more is tried again all the same."""
TRIAL_US = 60 * SECOND_US
"""A call that tries a host and is never heard of again is followed by another one after this."""
_NO_SUCCESS = frozenset({429, 502, 503, 504})
_ASKS_FOR_REST = frozenset({429, 503})
_OF_THE_HOST = frozenset({CallFailure.UNREACHABLE, CallFailure.TIMEOUT, CallFailure.BROKEN})


@dataclass(frozen=True, slots=True)
class Pause:
    """An upstream host that is not called until a time; times are in microseconds."""

    origin: str
    until: int
    length: int
    reason: str


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    until: int = 0  # 0: closed
    length: int = 0
    tried: int = 0  # when a call went out to try it
    reason: str = ""


class Circuits:
    """The circuits of one engine.

    Args:
        failures: How many in a row open a circuit; 0 for no circuits at all.
        now: The time, in microseconds.
    """

    def __init__(self, failures: int, now: Callable[[], int]) -> None:
        self._most = failures
        self._now = now
        self._circuits: dict[str, _Circuit] = {}
        self._changed: dict[str, Pause | None] = {}
        self._shared: set[str] = set()
        self._tell: Callable[[], None] = lambda: None

    # For calls. HOT.

    def pause(self, origin: str) -> Pause | None:
        """Says whether the host is let be; if not, the call must go out and be heard of."""
        circuit = self._circuits.get(origin)
        if circuit is None or not circuit.until:
            return None
        now = self._now()
        if now >= circuit.until and now >= circuit.tried + TRIAL_US:
            circuit.tried = now
            return None
        return Pause(origin, circuit.until, circuit.length, circuit.reason)

    def heard(self, origin: str, result: HttpResult) -> None:
        """Is told what came of a call."""
        if isinstance(result, HttpAnswer):
            if result.status not in _NO_SUCCESS:
                if self._circuits:
                    self._worked(origin)
                return
            rest = _asked_rest(result, self._now()) if result.status in _ASKS_FOR_REST else None
            if rest is not None:
                self._rest(origin, rest, f"it answered {result.status} with Retry-After")
                return
            if result.status != 429:
                self._failed(origin, f"the last answer was {result.status}")
        elif result.failure in _OF_THE_HOST:
            self._failed(origin, result.description)

    def why(self, pause: Pause) -> str:
        """Says in words why a host is not called now."""
        left_s = (pause.until - self._now()) / SECOND_US
        when = f"for {left_s:.0f} s more" if left_s >= 1 else "until one call has tried it"
        return f"its circuit is open {when}: {pause.reason}"

    # For those who share them.

    def listen(self, tell: Callable[[], None]) -> None:
        """Has somebody told whenever there are changes."""
        self._tell = tell

    def changes(self) -> dict[str, Pause | None]:
        """Gives what opened (with its pause) and closed (None) since this was last asked."""
        changed, self._changed = self._changed, {}
        self._shared.update(changed)
        return changed

    def give_back(self, changes: dict[str, Pause | None]) -> None:
        """Takes changes again that could not be told."""
        self._changed = changes | self._changed

    def learn(self, pauses: Iterable[Pause]) -> None:
        """Takes over what all engines know: the pauses there are, and no others."""
        there = {pause.origin: pause for pause in pauses}
        for origin in self._shared - there.keys() - self._changed.keys():
            self._circuits.pop(origin, None)
        self._shared = set(there)
        for origin, pause in there.items():
            circuit = self._circuits.setdefault(origin, _Circuit())
            if pause.until > circuit.until and origin not in self._changed:
                circuit.until, circuit.length = pause.until, pause.length
                circuit.reason, circuit.tried = pause.reason, 0

    # How it is done.

    def _worked(self, origin: str) -> None:
        circuit = self._circuits.get(origin)
        if circuit is None or self._now() < circuit.until:
            return  # a late answer to a call from before
        del self._circuits[origin]
        if circuit.until:
            self._change(origin, None)

    def _failed(self, origin: str, reason: str) -> None:
        if not self._most:
            return
        now = self._now()
        circuit = self._circuits.setdefault(origin, _Circuit())
        circuit.failures += 1
        if now >= circuit.until and (circuit.until or circuit.failures >= self._most):
            length = min(max(2 * circuit.length, FIRST_US), LONGEST_US)
            self._open(origin, Pause(origin, now + length, length, reason))

    def _rest(self, origin: str, rest_us: int, reason: str) -> None:
        until = self._now() + rest_us
        circuit = self._circuits.get(origin)
        if self._most and (circuit is None or until > circuit.until):
            self._open(origin, Pause(origin, until, circuit.length if circuit else 0, reason))

    def _open(self, origin: str, pause: Pause) -> None:
        circuit = self._circuits.setdefault(origin, _Circuit())
        circuit.until, circuit.length = pause.until, pause.length
        circuit.reason, circuit.tried = pause.reason, 0
        self._change(origin, pause)

    def _change(self, origin: str, pause: Pause | None) -> None:
        self._changed[origin] = pause
        self._tell()


def _asked_rest(answer: HttpAnswer, now: int) -> int | None:
    """Gives how long a host asks to be let be, in microseconds; None if it does not say."""
    value = next((value for name, value in answer.headers if name == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]) * SECOND_US, LONGEST_ASKED_US)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(int(moment.timestamp()) * SECOND_US - now, 0), LONGEST_ASKED_US)
