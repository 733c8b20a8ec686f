"""What an API call can be told in YAML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from engine.node import (
    Constant,
    Duration,
    InDoubt,
    InDoubtPath,
    Names,
    Size,
    Template,
    Text,
    Writes,
    parse_duration,
)

METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
BODILESS = frozenset({"GET", "HEAD"})
BODIES = ("json", "form", "xml", "body", "ops")
RESPONSE_NAMES = frozenset({"status", "header", "body"})
POST = Constant("POST")
HALF_A_MINUTE = parse_duration("30s")
ONE_MEBIBYTE = Size(1024 * 1024)


@dataclass(frozen=True, slots=True)
class Auth:
    """Who calls: a user with a password, or the bearer of a token."""

    user: Annotated[Text | None, "The user's name, for Basic authentication."] = None
    password: Annotated[Text | None, "The user's password."] = None
    bearer: Annotated[Text | None, "A token, sent as 'Authorization: Bearer'."] = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of an API call."""

    url: Annotated[Text, "Where the request goes: http:// or https://."]
    method: Annotated[Text, "GET, POST, PUT, DELETE, PATCH, HEAD or OPTIONS."] = POST
    query: Annotated[Template | None, "Parameters to add to the URL's query."] = None
    headers: Annotated[
        Template | None, "Headers to send; they win over those that the engine adds."
    ] = None
    json: Annotated[Template | None, "The body, sent as JSON."] = None
    form: Annotated[Template | None, "The body, sent as an HTML form."] = None
    xml: Annotated[
        Template | None, "The body, sent as XML: one key, the root; '@name' is an attribute."
    ] = None
    body: Annotated[Text | None, "The body, sent as the text it is."] = None
    ops: Annotated[
        Template | None, "Parameters for a Corezoid-compatible engine, sent with the whole task."
    ] = None
    auth: Annotated[Auth | None, "The credentials: user and password, or bearer."] = None
    max_threads: Annotated[int, "How many calls of this node run at the same time."] = 5
    request_timeout: Annotated[Duration, "How long one request may take."] = HALF_A_MINUTE
    max_response: Annotated[Size, "How large an answer may be."] = ONE_MEBIBYTE
    follow_redirects: Annotated[bool, "Whether redirects are followed."] = False
    verify_tls: Annotated[bool, "Whether the other side's certificate is checked."] = True
    client_cert: Annotated[Text | None, "A client certificate with its key, as PEM text."] = None
    system_params: Annotated[
        bool, "Whether a JSON body gets an object 'sys' that names the task."
    ] = False
    sign_secret: Annotated[
        Text | None, "The secret of an API login, to sign requests as Corezoid does."
    ] = None
    in_doubt: Annotated[
        InDoubt | InDoubtPath, "What happens to a call whose answer is unknown."
    ] = InDoubt.REPEAT
    response: Annotated[
        Mapping[Text, Template],
        Names(RESPONSE_NAMES),
        Writes(),
        "Parameters to write from status, header and body; without it a JSON body is merged.",
    ] = field(default_factory=dict)


def credentials(settings: Settings) -> Iterator[Template]:
    """Yields what must not be seen. A user is a name, but for services whose key is sent as one."""
    auth = settings.auth or Auth()
    is_key = auth.password == Constant("")
    user = auth.user if is_key else None
    for each in (user, auth.password, auth.bearer, settings.sign_secret, settings.client_cert):
        if each is not None:
            yield each


def find_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    """Finds what is wrong with settings that are right one by one."""
    given = [name for name in BODIES if getattr(settings, name) is not None]
    if len(given) > 1:
        yield given[1], f"a request has one body, and this one has {' and '.join(given)}"
    if isinstance(settings.method, Constant):
        method = str(settings.method.value).upper()
        if method not in METHODS:
            yield "method", f"'{settings.method.value}' is not one of {', '.join(sorted(METHODS))}"
        if method in BODILESS and given:
            yield given[0], f"{method} has no body: use 'query', or another method"
    if settings.auth is not None and not _is_one_kind(settings.auth):
        yield "auth", "the credentials are either 'user' and 'password' or 'bearer'"
    for name in ("max_threads", "request_timeout", "max_response"):
        if getattr(settings, name) <= 0:
            yield name, "must be greater than zero"


def _is_one_kind(auth: Auth) -> bool:
    is_basic = auth.user is not None and auth.password is not None
    is_any_basic = auth.user is not None or auth.password is not None
    return is_basic if auth.bearer is None else not is_any_basic
