"""Where a PostgreSQL database is, and what its errors mean."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from engine.errors import Overtaken, SettingsError, StoreError, StoreUnavailable

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server stops, or starts
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # another server has become the primary one
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    TimeoutError,
)
"""After these a connection is not to be trusted any more."""
AGAIN = (
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Somebody else was faster: the same with fresh data may work."""
REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""A row that will never be taken as it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database as its URL names it; `name` holds no password."""

    url: str
    name: str
    user: str
    host: str
    database: str

    @classmethod
    def of(cls, url: str) -> "Place":
        """Reads a URL.

        Raises:
            SettingsError: it names no database.
        """
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        database = unquote(parts.path.removeprefix("/"))
        asked = parse_qs(parts.query)
        database = asked.get("database", asked.get("dbname", [database]))[0]
        host = hosts or asked.get("host", ["localhost"])[0]
        if not database:
            raise SettingsError(
                f"the URL of the database at '{host}' names no database",
                hint="write it as postgresql://user:password@host:5432/database",
            )
        user = unquote(login.partition(":")[0]) or asked.get("user", [""])[0]
        plain = re.sub(r"^[^:]+://", "postgresql://", url)
        return cls(plain, f"{host}/{database}", user, host, database)


def failure(error: BaseException, place: Place) -> StoreError:
    """Says what an error of the driver means for a caller."""
    if isinstance(error, AGAIN):
        return Overtaken(f"another engine was faster: {error}")
    if isinstance(error, REFUSED):
        return StoreError(f"the database '{place.name}' refused a row: {error}")
    return StoreUnavailable(f"the database '{place.name}' can't be used now: {reason(error)}")


def refusal(error: BaseException, place: Place) -> StoreError:
    """Says why a database can't be opened, and what to do."""
    who = f"the user '{place.user}'" if place.user else "this user"
    match error:
        case asyncpg.InvalidPasswordError():
            return _refusal(place, f"{who} was refused", "is the password right?")
        case asyncpg.InvalidAuthorizationSpecificationError():
            return _refusal(place, f"{who} was refused", "is there such a user, and may it log in?")
        case asyncpg.InvalidCatalogNameError():
            return _refusal(
                place,
                f"there is no database '{place.database}'",
                f"create it: CREATE DATABASE {place.database} ENCODING 'UTF8'",
            )
        case asyncpg.InsufficientPrivilegeError() | asyncpg.InvalidSchemaNameError():
            return _refusal(place, str(error), f"may {who} create tables in this database?")
        case asyncpg.LockNotAvailableError():
            return _refusal(
                place,
                "its tables are in use and can't be changed now",
                "start again in a moment; end long transactions of other programs",
            )
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, LOST):
        return StoreError(f"can't open the database '{place.name}': {error}")
    return StoreUnavailable(
        f"can't open the database '{place.name}': {reason(error)}",
        hint="is the server running, and are host and port right?",
    )


def _refusal(place: Place, what: str, hint: str) -> StoreError:
    return StoreError(f"can't open the database '{place.name}': {what}", hint=hint)


def reason(error: BaseException) -> str:
    """Says in a few words what an error means."""
    match error:
        case TimeoutError():
            return "it does not answer in time"
        case ConnectionRefusedError():
            return "nobody listens there"
        case asyncpg.DiskFullError():
            return "its disk is full"
        case asyncpg.TooManyConnectionsError():
            return "it takes no more connections"
        case asyncpg.CannotConnectNowError():
            return "it is just starting or stopping"
        case asyncpg.ReadOnlySQLTransactionError():
            return "it may not be written to"
        case asyncpg.PostgresError():
            return str(error)
        case OSError() if error.strerror:
            # A host that has no address is told by this alone.
            return error.strerror
    return str(error) or type(error).__name__
