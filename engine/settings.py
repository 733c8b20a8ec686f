"""Settings: options over `ENGINE_*` variables over `engine.toml`, as one frozen object."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from engine.addresses import AllowedHosts
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
    circuit_failures: int = 10
    log_level: str = "warning"
    allow_hosts: tuple[str, ...] = ()
    key_file: str = ""
    secret_variables: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def base_url(self) -> str:
        """What callback URLs begin with."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def secret_values(self) -> Iterator[Any]:
        """Yields what is secret of the settings, wherever it may turn up."""
        yield from (self.api_secret, self.twilio_auth_token)
        for url in (self.database, *self.connections.values()):
            yield from _passwords(url)
        yield from (self.variables.get(name) for name in self.secret_variables)


def _passwords(url: str) -> Iterator[str]:
    """Yields the passwords in the URL of a database, as written and as meant."""
    parts = urlsplit(url)
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    yield from (password, unquote(password))
    yield from parse_qs(parts.query).get("password", ())


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
    settings, faults = read_settings(options, environment, folder)
    if faults:
        raise faults[0]
    return settings


def read_settings(
    options: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[Settings, tuple[SettingsError, ...]]:
    """Puts the settings together as far as they can be used, and gives every fault of the rest."""
    environment = os.environ if environment is None else environment
    faults: list[SettingsError] = []
    values = _from_file((folder or Path.cwd()) / FILE, faults)
    for known in fields(Settings):
        where = PREFIX + known.name.upper()
        text = environment.get(where)
        if text is not None and known.name not in TABLES:
            _take(values, known.name, text, where, faults)
    values.update({name: value for name, value in options.items() if value is not None})
    values["connections"] = _connections(values.get("connections", {}), environment, faults)
    values["variables"] = Variables(values.get("variables", {}), environment)
    settings = Settings(**values)
    for check in (_check_public_url, _check_lease, _check_connections, _check_hosts):
        try:
            check(settings)
        except SettingsError as error:
            faults.append(error)
    return settings, tuple(faults)


def unknown_variables(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Gives variables that look like settings and are none, each with the one that is nearest."""
    known = {PREFIX + each.name.upper() for each in fields(Settings)}
    strange = sorted(
        name
        for name in environment
        if name.startswith(PREFIX) and not name.startswith(CONNECTION) and name not in known
    )
    return [(name, next(iter(difflib.get_close_matches(name, known, 1)), "")) for name in strange]


def _from_file(file: Path, faults: list[SettingsError]) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            written = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(SettingsError(f"{file.name}: {error}"))
        return {}
    known = {each.name for each in fields(Settings)}
    values: dict[str, Any] = {}
    for name, value in written.items():
        if name in known:
            _take(values, name, value, f"{file.name}: {name}", faults)
            continue
        near = difflib.get_close_matches(name, known, 1)
        message = f"{file.name}: there is no setting '{name}'"
        faults.append(SettingsError(message + (f"; did you mean '{near[0]}'?" if near else "")))
    return values


def _take(
    values: dict[str, Any], name: str, value: Any, where: str, faults: list[SettingsError]
) -> None:
    try:
        values[name] = _convert(name, value, where)
    except SettingsError as error:
        faults.append(error)


def _convert(name: str, value: Any, where: str) -> Any:
    wanted = type(getattr(_DEFAULTS, name))
    if name in TABLES:
        if not isinstance(value, dict):
            raise SettingsError(f"{where} must be a table of names and values")
        return value
    if wanted is tuple:
        return _names(value, where)
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


def _names(value: Any, where: str) -> tuple[str, ...]:
    """Reads a list of names; in a variable they stand in one text, between commas."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"{where} must be a list of names")
    return tuple(name.strip() for name in names if name.strip())


def _connections(
    written: Mapping[str, Any], environment: Mapping[str, str], faults: list[SettingsError]
) -> dict[str, str]:
    """Gives the databases of db_call nodes; `ENGINE_CONNECTION_NAME` goes before the file's."""
    found: dict[str, str] = {}
    for name, url in written.items():
        if not isinstance(url, str) or "://" not in url:
            wanted = f"{FILE}: connections.{name} must be the URL of a database"
            hint = f"such as postgresql://user:password@host/shop; or set {_variable_of(name)}"
            faults.append(SettingsError(wanted, hint=hint))
            continue
        found[_variable_of(name)] = url
    found |= {name: url for name, url in environment.items() if name.startswith(CONNECTION)}
    return {name.removeprefix(CONNECTION).lower(): url for name, url in found.items()}


def _variable_of(name: str) -> str:
    return CONNECTION + name.upper().replace("-", "_")


def _check_public_url(settings: Settings) -> None:
    url = settings.public_url
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"public_url must be like https://engine.example.com, not {url!r}",
            hint="it is what callback URLs begin with",
        )


def _check_connections(settings: Settings) -> None:
    if settings.max_connections < 1:
        raise SettingsError(f"max_connections must be at least 1, not {settings.max_connections}")


def _check_hosts(settings: Settings) -> None:
    try:
        AllowedHosts.read(settings.allow_hosts)
    except ValueError as error:
        raise SettingsError(
            f"allow_hosts: {error}", hint="it opens hosts that are not public to outgoing calls"
        ) from None


def _check_lease(settings: Settings) -> None:
    if settings.circuit_failures < 0:
        raise SettingsError(
            f"circuit_failures must be at least 0, not {settings.circuit_failures}",
            hint="it is after how many failures in a row a host is let be; 0: never",
        )
    if settings.lease_seconds < 1:
        raise SettingsError(
            f"lease_seconds must be at least 1, not {settings.lease_seconds}",
            hint="it is how long an engine that says nothing is taken for alive",
        )


_DEFAULTS = Settings()
