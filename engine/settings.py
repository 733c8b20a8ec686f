"""Settings: options over `ENGINE_*` variables over `engine.toml`, as one frozen object."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import SettingsError

FILE = "engine.toml"
PREFIX = "ENGINE_"
CONNECTION = f"{PREFIX}CONNECTION_"
TABLES = frozenset({"variables", "connections"})


class Role(StrEnum):
    """Which part of the work an engine does; other than all only where others do the rest."""

    ALL = "all"
    API = "api"  # takes requests and callbacks; calls and timers are for the workers
    WORKER = "worker"  # moves tasks; takes no requests


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine runs. Each field is a key of engine.toml and, in capitals, a variable."""

    database: str = "sqlite:///engine.db"
    processes: str = "./processes"
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    role: Role = Role.ALL
    server: str = ""
    api_login: str = ""
    api_secret: str = field(default="", repr=False)
    twilio_auth_token: str = field(default="", repr=False)
    max_task_bytes: int = 128 * 1024
    max_body_bytes: int = 1024 * 1024
    max_waiting: int = 10_000
    max_connections: int = 5
    stop_grace_seconds: int = 20
    lease_seconds: int = 15
    log_level: str = "warning"
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def base_url(self) -> str:
        """What callback URLs begin with."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class Variables(Mapping[str, Any]):
    """`env` in templates: the process's environment over the `[variables]` of engine.toml.

    The engine's own settings (`ENGINE_*`) can't be read, since they hold its secrets.
    """

    def __init__(self, own: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._values: dict[str, Any] = dict(own)
        self._values.update(
            {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
        )

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def load_settings(
    options: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Puts the settings together; options that are None were not given.

    Raises:
        SettingsError: a key is unknown or a value can't be used.
    """
    environment = os.environ if environment is None else environment
    values = _from_file((folder or Path.cwd()) / FILE)
    for known in fields(Settings):
        text = environment.get(PREFIX + known.name.upper())
        if text is not None and known.name not in TABLES:
            values[known.name] = _convert(known.name, text, PREFIX + known.name.upper())
    values.update({name: value for name, value in options.items() if value is not None})
    values["connections"] = _connections(values.get("connections", {}), environment)
    values["variables"] = Variables(values.get("variables", {}), environment)
    settings = Settings(**values)
    _check_public_url(settings.public_url)
    if settings.max_connections < 1:
        raise SettingsError(f"max_connections must be at least 1, not {settings.max_connections}")
    if settings.lease_seconds < 1:
        raise SettingsError(
            f"lease_seconds must be at least 1, not {settings.lease_seconds}",
            hint="it is how long an engine that says nothing is taken for alive",
        )
    return settings


def _from_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            values = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file.name}: {error}") from None
    known = {each.name for each in fields(Settings)}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise SettingsError(
                f"{file.name}: there is no setting '{name}'"
                + (f"; did you mean '{near[0]}'?" if near else "")
            )
        values[name] = _convert(name, value, f"{file.name}: {name}")
    return values


def _convert(name: str, value: Any, where: str) -> Any:
    wanted = type(getattr(_DEFAULTS, name))
    if name in TABLES:
        if not isinstance(value, dict):
            raise SettingsError(f"{where} must be a table of names and values")
        return value
    if wanted is int and not isinstance(value, bool):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{where} must be a number, not {value!r}") from None
    if wanted is str and isinstance(value, str):
        return value
    if wanted is Role:
        if value in list(Role):
            return Role(value)
        raise SettingsError(f"{where} must be one of {', '.join(Role)}, not {value!r}")
    raise SettingsError(f"{where} must be text, not {value!r}")


def _connections(written: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Gives the databases of db_call nodes; `ENGINE_CONNECTION_NAME` goes before the file's."""
    found: dict[str, str] = {}
    for name, url in written.items():
        if not isinstance(url, str) or "://" not in url:
            raise SettingsError(
                f"{FILE}: connections.{name} must be the URL of a database",
                hint="such as postgresql://user:password@host/database; in the environment it is "
                f"{_variable_of(name)}",
            )
        found[_variable_of(name)] = url
    found |= {name: url for name, url in environment.items() if name.startswith(CONNECTION)}
    return {name.removeprefix(CONNECTION).lower(): url for name, url in found.items()}


def _variable_of(name: str) -> str:
    return CONNECTION + name.upper().replace("-", "_")


def _check_public_url(url: str) -> None:
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"public_url must be like https://engine.example.com, not {url!r}",
            hint="it is what callback URLs begin with",
        )


_DEFAULTS = Settings()
