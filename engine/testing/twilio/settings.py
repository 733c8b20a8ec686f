"""The options of the simulator."""

from dataclasses import dataclass, field

from engine.errors import SettingsError

DEFAULT_PORT = 8100
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """What a simulator is started with.

    `port` 0 takes any free port. `speed` divides every delay. Without `auth_token` any token is
    taken, and the token of a request signs the callbacks of its message. The logs keep the last
    `max_messages` messages and as many requests.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    speed: float = 1.0
    auth_token: str | None = field(default=None, repr=False)
    max_messages: int = 100_000

    def __post_init__(self) -> None:
        if not 0 <= self.port <= MAX_PORT:
            raise SettingsError(f"The port must be between 0 and {MAX_PORT}, not {self.port}.")
        if not 0 < self.speed < float("inf"):
            raise SettingsError(f"The speed must be a number above 0, not {self.speed:g}.")
        if self.auth_token == "":
            raise SettingsError("The auth token is empty: leave it out to take any token.")
        if self.max_messages < 1:
            raise SettingsError(f"At least 1 message must be kept, not {self.max_messages}.")
