"""Who asks: HTTP Basic with an account and its token, or an API key and its secret."""

import hmac
import re
from base64 import b64decode
from functools import lru_cache

from engine.testing.twilio.errors import Refusal

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_KEY = re.compile(r"SK[0-9a-fA-F]{32}")


def authenticate(
    header: bytes, account_sid: str, path: str, required_token: str | None = None
) -> str:
    """Gives the token that signs the callbacks of this account.

    Any account of the right form exists. With an API key the token is not in the request: the
    required token signs, or the key's secret if none is required.

    Raises:
        Refusal: the credentials are missing or wrong, or belong to another account.
    """
    user, token = read_basic(header)
    is_wrong = required_token is not None and not hmac.compare_digest(
        token.encode(), required_token.encode()
    )
    if is_wrong or not token or not (_ACCOUNT.fullmatch(user) or _KEY.fullmatch(user)):
        raise Refusal(20003)
    if not _ACCOUNT.fullmatch(account_sid) or (user != account_sid and user.startswith("AC")):
        raise Refusal(20404, path)
    return token


@lru_cache(maxsize=256)
def read_basic(header: bytes) -> tuple[str, str]:
    """Gives user and password of an Authorization header, empty where it holds none."""
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        user, _, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password
