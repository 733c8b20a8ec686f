"""Databases by the names that the settings give them; their URLs are told to nobody."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from engine.core.command import (
    CallFailed,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    StatementResult,
)

_KINDS = "sqlite, postgresql or mysql"
_DRIVERS = {"asyncpg": "postgres", "pymysql": "mysql"}


class Database(Protocol):
    """One database with its own connections, which are used again."""

    async def run(self, statement: RunStatement) -> StatementResult:
        """Runs a statement. What can happen is a value."""
        ...

    async def aclose(self) -> None:
        """Ends what is still out and closes the connections."""
        ...


class Unusable(Exception):
    """A connection can't be used as it is set."""


class Databases:
    """Performs statements; a database is opened when the first statement for it comes."""

    def __init__(self, urls: Mapping[str, str], size: int, engine_url: str) -> None:
        """Takes URLs by name, how many connections each may have, and the engine's own URL."""
        self._urls = urls
        self._size = size
        self._engine_url = engine_url
        self._opened: dict[str, Database] = {}

    async def perform(self, statement: RunStatement) -> StatementResult:
        """Runs a statement and returns its rows, or why there are none."""
        # Names are as in variables of the environment, which know no other letters.
        name = statement.connection.lower().replace("-", "_")
        try:
            database = self._database(name)
        except Unusable as error:
            text = f"the connection '{statement.connection}' {error}"
            return StatementFailed(StatementFailure.UNREACHABLE, text)
        result = await database.run(statement)
        if isinstance(result, StatementAnswer):
            return result
        return self._without_secrets(result, name)

    async def aclose(self) -> None:
        """Closes all databases."""
        while self._opened:
            _, database = self._opened.popitem()
            await database.aclose()

    def _database(self, name: str) -> Database:
        if name not in self._opened:
            if name not in self._urls:
                raise Unusable(
                    "is not set: give its URL in engine.toml under [connections], or as"
                    f" ENGINE_CONNECTION_{name.upper()}"
                )
            self._opened[name] = _open(_url(self._urls[name]), self._size, self._engine_url)
        return self._opened[name]

    def _without_secrets(
        self, failed: StatementFailed | CallFailed, name: str
    ) -> StatementFailed | CallFailed:
        """Takes the URL and its password out of what a driver said."""
        text = failed.description
        url = self._urls[name]
        written = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
        for secret in (url, written, _url(url).password):
            if secret:
                text = text.replace(str(secret), "***")
        return replace(failed, description=text)


def _url(text: str) -> URL:
    try:
        return make_url(text)
    except (SQLAlchemyError, ValueError):
        raise Unusable("has a URL that can't be read") from None


def _open(url: URL, size: int, engine_url: str) -> Database:
    # Imported here: each needs a driver that is not everywhere, and takes a while.
    kind = url.get_backend_name()
    try:
        match kind:
            case "sqlite":
                from engine.outside.database.sqlite import open_sqlite  # noqa: PLC0415

                return open_sqlite(url, size, engine_url)
            case "postgresql":
                from engine.outside.database.postgres import PostgresDatabase  # noqa: PLC0415

                return PostgresDatabase(url, size)
            case "mysql" | "mariadb":
                from engine.outside.database.mysql import open_mysql  # noqa: PLC0415

                return open_mysql(url, size)
    except ModuleNotFoundError as error:
        extra = _DRIVERS.get(error.name or "", "")
        raise Unusable(
            f"needs the driver '{error.name}': pip install 'conveyor-engine[{extra}]'"
        ) from None
    except ValueError as error:
        raise Unusable(str(error)) from None
    raise Unusable(f"leads to a database of a kind that is not offered: use {_KINDS}")
